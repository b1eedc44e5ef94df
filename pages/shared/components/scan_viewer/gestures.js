// Pointers, wheel and keys. They speak to the viewer in its own verbs and never to the server.

import { clamp } from "./geometry.js";

const WHEEL = 0.0016; // zoom per wheel pixel, as a logarithm
const PINCH = 0.01; // the same for a trackpad's pinch, which arrives as a wheel with control held

const pointOf = (event, stage) => {
  const box = stage.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};

export function listenToPointers(viewer, { stage, divider, help }) {
  const down = new Map(); // pointer id to its last point
  let dragsWindow = false;
  let start = null; // of a press that may still become a click
  let origin = null; // of a line that is being measured

  const pinched = (id, point) => {
    const [other] = [...down].filter(([key]) => key !== id).map(([, value]) => value);
    const before = down.get(id);
    const length = (a, b) => Math.max(8, Math.hypot(a.x - b.x, a.y - b.y));
    const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
    viewer.pan((point.x - before.x) / 2, (point.y - before.y) / 2);
    viewer.zoomAt(length(point, other) / length(before, other), middle);
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.target === divider || help.panel.contains(event.target)) return;
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pointOf(event, stage));
    start = down.size === 1 && event.button === 0 ? pointOf(event, stage) : null;
    origin = viewer.state.ruler ? start : null;
    dragsWindow = event.button === 2 || viewer.state.tool;
    if (event.button === 2) event.preventDefault();
  });
  stage.addEventListener("pointermove", (event) => {
    const point = pointOf(event, stage);
    const before = down.get(event.pointerId);
    if (!before) return viewer.hover(point);
    if (start && Math.hypot(point.x - start.x, point.y - start.y) > 4) start = null;
    if (down.size === 2) pinched(event.pointerId, point);
    else if (origin) viewer.measure(origin, point);
    else if (dragsWindow) viewer.dragWindow(point.x - before.x, point.y - before.y);
    else viewer.pan(point.x - before.x, point.y - before.y);
    down.set(event.pointerId, point);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
    stage.addEventListener(end, (event) => down.delete(event.pointerId));
  stage.addEventListener("pointerup", () => start && viewer.pick(start));
  stage.addEventListener("pointerleave", () => viewer.hover(null));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("dblclick", (event) => {
    if (!help.panel.contains(event.target)) viewer.act.fit();
  });

  divider.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    divider.setPointerCapture(event.pointerId);
  });
  divider.addEventListener("pointermove", (event) => {
    if (divider.hasPointerCapture(event.pointerId))
      viewer.set({ swipe: clamp(pointOf(event, stage).x / stage.clientWidth, 0, 1) });
  });
}

export function listenToWheel(viewer, { stage, help }) {
  let last = -Infinity;
  const listener = (event) => {
    if (help.panel.contains(event.target)) return;
    const outwards = event.deltaY > 0;
    // At fit there is nothing farther out: let the page scroll, unless the fit was reached just now.
    if (outwards && viewer.state.zoom === 1 && !event.ctrlKey && event.timeStamp - last > 400) return;
    event.preventDefault();
    last = event.timeStamp;
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
    viewer.zoomAt(Math.exp(-pixels * (event.ctrlKey ? PINCH : WHEEL)), pointOf(event, stage));
  };
  stage.addEventListener("wheel", listener, { passive: false });
}

const PANS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// What each key does; null for a key that is not ours.
function keyAction(viewer, event) {
  const { act, state } = viewer;
  const arrow = PANS[event.key];
  if (arrow && event.target === viewer.frame.divider)
    return arrow[0] ? () => act.swipe(-arrow[0] * 0.02) : null;
  if (arrow && event.shiftKey) return () => viewer.dragWindow(-arrow[0] * 12, -arrow[1] * 12);
  if (arrow) return state.zoom > 1 ? () => viewer.pan(arrow[0] * 60, arrow[1] * 60) : null;
  const plain = {
    1: () => act.view("scan"),
    2: () => act.view("overlay"),
    3: () => act.view("swipe"),
    4: () => act.view("side"),
    n: () => act.step(1),
    p: () => act.step(-1),
    "+": () => viewer.zoomAt(1.25),
    "=": () => viewer.zoomAt(1.25),
    "-": () => viewer.zoomAt(0.8),
    "−": () => viewer.zoomAt(0.8),
    0: act.fit,
    w: act.tool,
    r: act.ruler,
    d: act.reset,
    i: act.invert,
    t: act.turn,
    x: act.mirror,
    o: act.outline,
    k: act.marks,
    m: act.nextMap,
    s: act.save,
    f: act.full,
    "?": act.help,
    Escape: act.escape,
    "[": () => act.fade(-0.05),
    "]": () => act.fade(0.05),
    ",": () => act.trim(-0.05),
    ".": () => act.trim(0.05),
    a: () => act.swipe(-0.05),
    l: () => act.swipe(0.05),
  };
  return plain[event.key] || plain[event.key.toLowerCase()] || null;
}

export function listenToKeys(viewer, { root }) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("select, input") && !["?", "Escape"].includes(event.key)) return;
    const action = keyAction(viewer, event);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation(); // the page has keys of its own
    action();
    if (viewer.frame.help.panel.hidden) viewer.say();
  });
}
