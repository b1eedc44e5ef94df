// Copies the address of the page. Where the browser forbids that (no https), the address is shown, selected.

import { el } from "../dom.js";

export default function mount({ parentElement, data }) {
  const label = el("span", {}, data.label);
  const said = el("span", { "aria-live": "polite", class: "unseen" });
  const field = el("input", { readonly: "", "aria-label": data.label, hidden: "" });
  const button = el("button", { type: "button", onclick: copy }, label);
  const root = el("div", { class: "copy-link" }, button, field, said);
  parentElement.querySelector(".copy-link")?.remove();
  parentElement.append(root);

  async function copy() {
    const address = window.location.href;
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(address);
      label.textContent = data.done;
      said.textContent = data.done;
      return;
    }
    field.hidden = false;
    field.value = address;
    field.select();
  }
}
