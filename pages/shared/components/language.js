// Words in the page's language. English stands in the code; the server sends a component's other words with its
// data, by the English ones.

let words = {};

export function speak(sent) {
  words = sent ?? {};
}

// english: with fields in braces. fields: what goes there, by name.
export function tr(english, fields = {}) {
  return (words[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
}

// For words named before the language is known: `tr` is called where they are shown.
export const later = (english) => english;
