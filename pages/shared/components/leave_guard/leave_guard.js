// The browser's own question, in its own words: pages may not choose them.

export default function mount() {
  const ask = (event) => event.preventDefault(); // its own: an earlier mount's farewell may come later
  window.addEventListener("beforeunload", ask);
  return () => window.removeEventListener("beforeunload", ask);
}
