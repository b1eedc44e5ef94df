// The browser's own question, in its own words: pages may not choose them.

const ask = (event) => event.preventDefault();

export default function mount() {
  window.addEventListener("beforeunload", ask);
  return () => window.removeEventListener("beforeunload", ask);
}
