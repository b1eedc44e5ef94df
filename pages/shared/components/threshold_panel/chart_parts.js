// What the charts and tables share: texts that change, scales, lines, ticks, handles.

import { el } from "../dom.js";

// Writes only what changed: most frames of a drag change few of the texts.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttr(node, name, value) {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

export function figure(value, text) {
  return el("data", { value: value ?? "" }, text);
}

export function setFigure(node, value, text) {
  setAttr(node, "value", value ?? "");
  setText(node, text);
}

// A straight scale with its inverse.
export function scale(from, to) {
  const [a, b] = from;
  const [c, d] = to;
  const map = (value) => c + ((value - a) / (b - a || 1)) * (d - c);
  map.inverse = (place) => a + ((place - c) / (d - c || 1)) * (b - a);
  return map;
}

// A polyline, without the points that a screen cannot tell apart.
export function polyline(xs, ys, step = false) {
  let path = "";
  let lastX = NaN;
  let lastY = NaN;
  for (let index = 0; index < xs.length; index++) {
    const x = xs[index];
    const y = ys[index];
    const last = index === xs.length - 1;
    if (!last && Math.abs(x - lastX) + Math.abs(y - lastY) < 0.5) continue;
    if (!path) path = `M${x.toFixed(1)} ${y.toFixed(1)}`;
    else path += step ? `V${y.toFixed(1)}H${x.toFixed(1)}` : `L${x.toFixed(1)} ${y.toFixed(1)}`;
    lastX = x;
    lastY = y;
  }
  return path;
}

// Round numbers inside a range, some four of them.
export function ticks(low, high, count = 4) {
  const raw = (high - low) / count;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * unit).find((size) => size >= raw * 0.99);
  const all = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    const value = Number((index * step).toPrecision(12));
    all.push({ value, text: String(value).replace("-", "−") });
  }
  return all;
}

// Something to grab, by pointer or by key. move(x, y) gets places inside the chart, in pixels.
export function handle(panel, { className, label, orientation, move, step }) {
  const node = el("div", {
    class: `handle ${className}`,
    role: "slider",
    tabindex: "0",
    "aria-label": label,
    "aria-orientation": orientation ?? "horizontal",
  });
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    node.focus({ focusVisible: false });
    panel.grab(node, event, move);
  });
  node.addEventListener("keydown", (event) => {
    const towards = { ArrowRight: 1, ArrowUp: 1, PageUp: 1, ArrowLeft: -1, ArrowDown: -1, PageDown: -1 };
    if (event.key === "Home" || event.key === "End") step(event.key === "Home" ? -1 : 1, "end");
    else if (event.key in towards)
      step(towards[event.key], event.shiftKey || event.key.startsWith("Page") ? "coarse" : "fine");
    else return;
    event.preventDefault();
    panel.keyed = true;
  });
  for (const name of ["keyup", "blur"]) node.addEventListener(name, () => panel.releaseKeys());
  return node;
}
