// The frame around the picture. Every word from outside goes through textContent or an attribute.

import { el, svgEl } from "../dom.js";
import { later, tr } from "../language.js";

export const VIEWS = [
  ["scan", later("Scan")],
  ["overlay", later("Overlay")],
  ["swipe", later("Swipe")],
  ["side", later("Side by side")],
];
const MAPS = [
  ["inferno", "Inferno"],
  ["cividis", "Cividis"],
];
// name, words, key, icon drawn in a square of 16, and whether it stays pressed
export const TOOLS = [
  ["fit", later("Fit"), "0", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"],
  ["tool", later("Window"), "w", "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2M8 2v12M8 5h4.5M8 8h6M8 11h4.5", true],
  ["ruler", later("Ruler"), "r", "M1.5 10.5l9-9 4 4-9 9zM4.5 7.5l2 2M7.5 4.5l2 2", true],
  ["invert", later("Invert"), "i", "M2.5 2.5h11v11h-11zM13 3L3 13M13 7l-6 6M13 11l-2 2", true],
  ["turn", later("Turn"), "t", "M13 8.5A5 5 0 1 1 8 3.5h4M9.5 1L12 3.5L9.5 6"],
  ["mirror", later("Mirror"), "x", "M8 1.5v13M5.5 4v8H1.5zM10.5 4v8h4z", true],
  [
    "outline",
    later("Lungs"),
    "o",
    "M8 2v6M6.5 5C3 5 2 9 2 13c2 .8 3.5 0 4.5-1zM9.5 5c3.5 0 4.5 4 4.5 8-2 .8-3.5 0-4.5-1z",
    true,
  ],
  ["marks", later("Lesion"), "k", "M8 3c3 0 5 1.5 5 4.5S11 13 8 13 3 11.5 3 8s2-5 5-5z", true],
  ["save", later("Save picture"), "s", "M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11"],
  ["full", later("Full screen"), "f", "M9.5 6.5L14 2M10 2h4v4M6.5 9.5L2 14M6 14H2v-4", true],
  ["help", later("Keys"), "?", "M5.5 6a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .7-1 1.7M8 12.5v.5"],
];
const KEYS = [
  ["1 2 3 4", later("Scan, overlay, swipe, side by side")],
  ["n p", later("Next, previous layer")],
  ["+ − 0", later("Nearer, farther, fit")],
  [later("Arrows"), later("Move the picture")],
  ["Shift + arrows", later("Window width and level")],
  ["w d i", later("Window by dragging, default window, invert")],
  ["t x", later("Turn, mirror")],
  ["[ ]", later("Overlay weaker, stronger")],
  [", .", later("Cut-off lower, higher")],
  ["m o k", later("Colour map, outline of the lungs, of the lesion")],
  ["a l", later("Swipe line left, right")],
  ["s f", later("Save the picture, full screen")],
  ["r Esc", later("Ruler: drag a line, remove it")],
  ["? Esc", later("Show, hide this list")],
  [later("Mouse"), later("Wheel zooms, drag moves, right button drags the window, double-click fits")],
];

function icon(path) {
  return svgEl("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svgEl("path", { d: path }));
}

function button(words, { key = "", path, name, press }) {
  const element = el("button", { type: "button", class: path ? "tool" : "word", "data-name": name });
  element.title = key ? `${words} (${key})` : words;
  element.setAttribute("aria-label", words); // a tool's word is hidden where room is short
  if (key) element.setAttribute("aria-keyshortcuts", key);
  if (path) element.append(icon(path));
  element.append(el("span", {}, words));
  element.addEventListener("click", press);
  return element;
}

function slider(words, { name, most, change }) {
  const input = el("input", { type: "range", min: 0, max: most, step: 5, "data-name": name });
  const value = el("output");
  input.addEventListener("input", () => change(Number(input.value) / 100));
  return { element: el("label", { class: "slider" }, el("span", {}, words), input, value), input, value };
}

function menu(words, { name, choices, change }) {
  const select = el("select", { "aria-label": words, title: words, "data-name": name });
  for (const [value, text] of choices) select.append(el("option", { value }, text));
  select.addEventListener("change", () => change(select.value));
  return select;
}

function helpPanel(close) {
  const list = el("dl");
  for (const [keys, words] of KEYS) list.append(el("dt", {}, tr(keys)), el("dd", {}, tr(words)));
  const shut = button(tr("Close"), { name: "close", press: close });
  const panel = el("div", { class: "help", role: "dialog", "aria-label": tr("Keys"), hidden: "" });
  panel.append(el("div", { class: "help-head" }, el("strong", {}, tr("Keys")), shut), list);
  return { panel, shut };
}

// Build the frame inside `root`. act: name to function. Returns the parts that change.
export function buildFrame(root, act) {
  const views = VIEWS.map(([name, words], i) =>
    button(tr(words), { name, key: String(i + 1), press: () => act.view(name) }),
  );
  const tools = TOOLS.map(([name, words, key, path]) =>
    button(tr(words), { name, key, path, press: () => act[name]() }),
  );
  const layer = menu(tr("Layer"), {
    name: "layer",
    choices: [],
    change: (value) => act.layer(Number(value)),
  });
  const map = menu(tr("Colour map"), { name: "map", choices: MAPS, change: act.map });
  const opacity = slider(tr("Opacity"), { name: "opacity", most: 100, change: act.opacity });
  const cut = slider(tr("Hide below"), { name: "cut", most: 95, change: act.cut });

  const canvas = el("canvas", { class: "picture", role: "img" });
  const divider = el("div", {
    class: "divider",
    role: "slider",
    tabindex: 0,
    "aria-label": tr("Swipe line"),
    "aria-valuemin": 0,
    "aria-valuemax": 100,
  });
  const status = el("div", { class: "status" });
  const under = el("div", { class: "under", "aria-hidden": "true" });
  const told = el("div", { class: "told" });
  const notice = el("div", { class: "notice", role: "alert", hidden: "" });
  const help = helpPanel(act.closeHelp);
  const stage = el(
    "div",
    {
      class: "stage",
      tabindex: 0,
      role: "group",
      "aria-label": tr("Picture. Press question mark for the keys."),
    },
    canvas,
    divider,
    el("div", { class: "corners" }, status, under),
    told,
    notice,
    help.panel,
  );
  const bar = el("canvas", { class: "bar", "aria-hidden": "true" });
  const [low, middle, high] = ["low", "middle", "high"].map((name) => el("span", { class: name }));
  const caption = el("p", { class: "caption" });
  const spoken = el("div", { class: "spoken", role: "status", "aria-live": "polite" });
  const legend = el("div", { class: "legend" }, bar, el("div", { class: "words" }, low, middle, high));

  root.replaceChildren(
    el(
      "div",
      { class: "bar-top" },
      el("div", { class: "views", role: "group", "aria-label": tr("View") }, ...views, layer),
      el("div", { class: "tools", role: "group", "aria-label": tr("Tools") }, ...tools),
    ),
    stage,
    el(
      "div",
      { class: "foot" },
      legend,
      el("div", { class: "settings" }, opacity.element, cut.element, map),
      caption,
    ),
    spoken,
  );
  return {
    root,
    views,
    tools,
    layer,
    map,
    opacity,
    cut,
    canvas,
    divider,
    status,
    under,
    told,
    notice,
    help,
    stage,
    bar,
    low,
    middle,
    high,
    caption,
    spoken,
    legend,
  };
}
