// Where each part stands, and whether the page is dark.

import { el } from "../dom.js";
import { tr } from "../language.js";

export function layOut({ headline, legend, policies, confusion, metrics, clinic, refers, price, live }) {
  return el(
    "div",
    { class: "threshold-panel" },
    el(
      "div",
      { class: "inside" },
      headline.node,
      legend.histogram,
      policies.node,
      el(
        "div",
        { class: "columns" },
        el("div", { class: "curves" }, ...legend.curves),
        el("div", { class: "figures" }, confusion.node, metrics.node),
      ),
      el(
        "div",
        { class: "columns" },
        el(
          "section",
          { class: "clinic", "aria-labelledby": "clinic-title" },
          el("h3", { id: "clinic-title" }, tr("Where it will be used")),
          clinic.node,
          refers.node,
        ),
        price.node,
      ),
    ),
    live,
  );
}

// Light text means a dark page.
export function isLight(colour) {
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128;
}
