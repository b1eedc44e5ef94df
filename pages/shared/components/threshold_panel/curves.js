// ROC and precision-recall curves with a dot to drag along each.

import { el, svgEl } from "../dom.js";
import { later, tr } from "../language.js";
import { handle, polyline, scale, setAttr, setText } from "./chart_parts.js";
import { interval, placeCut, share } from "./numbers.js";

const CURVE = { top: 22, right: 22, bottom: 40, left: 40 };

// kind: what is drawn. x, y: names of a layer's arrays, by how many distinct scores are called.
export const ROC = {
  name: later("ROC curve"),
  x: "alarms",
  y: "sensitivity",
  labels: [later("False alarms among normal"), later("Sensitivity")],
};
export const PR = {
  name: later("Precision-recall curve"),
  x: "sensitivity",
  y: "precision",
  labels: [later("Sensitivity"), later("PPV in this set")],
};

export function makeCurve(panel, kind) {
  const size = CURVE;
  const frame = svgEl("g", { class: "frame" });
  const lines = svgEl("g", { class: "lines" });
  const cross = svgEl("path", { class: "cross" });
  const shift = svgEl("line", { class: "shift" });
  const dots = ["priced", "chosen"].map((role) =>
    svgEl("circle", { class: `dot ${role}`, r: role === "chosen" ? 7 : 5 }),
  );
  const hoverDot = svgEl("circle", { class: "hover", r: 4, visibility: "hidden" });
  const svg = svgEl("svg", { role: "img" }, frame, lines, cross, shift, dots[1], dots[0], hoverDot);
  const tip = el("div", { class: "tip", hidden: "", "aria-hidden": "true" });
  let x = scale([0, 1], [0, 1]);
  let y = scale([0, 1], [1, 0]);

  // the cut whose point lies nearest to a place on the screen
  function nearest(layer, px, py) {
    const xs = layer[kind.x];
    const ys = layer[kind.y];
    const [ox, oy] = [x(0), y(0)];
    const [wide, tall] = [x(1) - ox, y(1) - oy];
    let best = 0;
    let least = Infinity;
    // calling no film has no precision: the PR curve starts at its first call
    for (let k = kind === PR ? 1 : 0; k < xs.length; k++) {
      const dx = ox + xs[k] * wide - px;
      const dy = oy + ys[k] * tall - py;
      const distance = dx * dx + dy * dy;
      if (distance < least) [least, best] = [distance, k];
    }
    return { k: best, distance: Math.sqrt(least) };
  }

  const along = (layer) => (px, py) => panel.propose(placeCut(layer().at, nearest(layer(), px, py).k));
  const dot = handle(panel, {
    className: "point",
    label: tr("Operating point on the {curve}, by sensitivity", { curve: tr(kind.name) }),
    move: along(() => panel.chosen),
    // to the right on the slider is more sensitivity, so a lower threshold
    step: (direction, stride) => panel.step(-direction, stride),
  });
  const second = el("div", { class: "handle point", "aria-hidden": "true" });
  second.addEventListener("pointerdown", (event) => {
    if (event.button === 0)
      panel.grab(
        second,
        event,
        along(() => panel.priced),
      );
  });
  const plot = el("div", { class: "plot" }, svg, second, dot, tip);

  svg.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") hover(event);
  });
  svg.addEventListener("pointerleave", () => hover(null));
  svg.addEventListener("click", (event) => {
    const at = pointed(event);
    if (at.distance < 24) panel.glide(placeCut(at.layer.at, at.k), "manual");
  });

  function pointed(event) {
    const box = plot.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    return panel.layers
      .map((layer) => ({ layer, ...nearest(layer, px, py) }))
      .reduce((a, b) => (b.distance < a.distance ? b : a));
  }

  function hover(event) {
    const at = event && pointed(event);
    const shown = Boolean(at && at.distance < 24);
    tip.hidden = !shown;
    setAttr(hoverDot, "visibility", shown ? "visible" : "hidden");
    if (!shown) return;
    const { layer, k } = at;
    const [px, py] = [x(layer[kind.x][k]), y(layer[kind.y][k])];
    setAttr(hoverDot, "cx", px);
    setAttr(hoverDot, "cy", py);
    const set = panel.layers.length > 1 ? `${layer.name} ` : "";
    setText(
      tip,
      set +
        tr("at {threshold}: {rate} {share}", {
          threshold: panel.format(placeCut(layer.at, k)),
          rate: kind === ROC ? tr("sensitivity") : tr("PPV"),
          share: share(layer[kind.y][k]),
        }),
    );
    const left = px > plot.clientWidth / 2;
    tip.style.inset = left
      ? `${py + 10}px ${plot.clientWidth - px + 8}px auto auto`
      : `${py + 10}px auto auto ${px + 8}px`;
  }

  function draw() {
    const width = plot.clientWidth;
    const height = Math.round(Math.min(Math.max(width, 220), 350));
    plot.style.height = `${height}px`;
    setAttr(svg, "width", width);
    setAttr(svg, "height", height);
    x = scale([0, 1], [size.left, width - size.right]);
    y = scale([0, 1], [height - size.bottom, size.top]);
    frame.replaceChildren(svgEl("text", { x: 0, y: 11 }, tr(kind.labels[1])));
    for (const level of [0, 0.25, 0.5, 0.75, 1]) {
      const labelled = level % 0.5 === 0;
      frame.append(
        svgEl("line", { x1: x(0), x2: x(1), y1: y(level), y2: y(level) }),
        svgEl("line", { x1: x(level), x2: x(level), y1: y(0), y2: y(1) }),
      );
      if (!labelled) continue;
      frame.append(svgEl("text", { x: x(0) - 6, y: y(level) + 4, "text-anchor": "end" }, String(level)));
      frame.append(svgEl("text", { x: x(level), y: y(0) + 16, "text-anchor": "middle" }, String(level)));
    }
    frame.append(svgEl("text", { x: x(0.5), y: y(0) + 34, "text-anchor": "middle" }, tr(kind.labels[0])));
    drawLines();
    setAttr(svg, "aria-label", describe());
  }

  function drawLines() {
    lines.replaceChildren();
    if (kind === ROC) {
      const { fpr, low, high } = panel.priced.band;
      const upper = polyline(fpr.map(x), high.map(y));
      const lower = polyline([...fpr].reverse().map(x), [...low].reverse().map(y));
      lines.append(
        svgEl("path", { class: "band", d: `${upper}L${lower.slice(1)}z` }),
        svgEl("line", { class: "chance", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
      );
    } else {
      const base = y(panel.priced.abnormal / (panel.priced.abnormal + panel.priced.normal));
      lines.append(svgEl("line", { class: "chance", x1: x(0), y1: base, x2: x(1), y2: base }));
    }
    for (const layer of panel.layers) {
      const role = layer === panel.priced ? "priced" : "chosen";
      const from = kind === PR ? 1 : 0;
      const [xs, ys] = [layer[kind.x].subarray(from), layer[kind.y].subarray(from)];
      lines.append(svgEl("path", { class: `curve ${role}`, d: polyline(xs.map(x), ys.map(y), kind === PR) }));
    }
  }

  function describe() {
    const parts = panel.layers.map((layer) =>
      kind === ROC
        ? tr("{name}: area {share} ({interval}, 95 %)", {
            name: layer.name,
            share: share(layer.auc),
            interval: interval(layer.aucInterval),
          })
        : tr("{name}: average precision {share}", { name: layer.name, share: share(layer.averagePrecision) }),
    );
    return `${tr(kind.name)}. ${parts.join("; ")}. ${tr("The operating point is given in the table.")}`;
  }

  function move(view) {
    const at = (part) => [x(part.layer[kind.x][part.counts.k]), y(part.layer[kind.y][part.counts.k])];
    const [priced, chosen] = [at(view.priced), at(view.chosen)];
    for (const [node, [px, py]] of [
      [dots[0], priced],
      [dots[1], chosen],
    ]) {
      setAttr(node, "cx", px.toFixed(1));
      setAttr(node, "cy", py.toFixed(1));
    }
    dot.style.transform = `translate(${chosen[0].toFixed(1)}px, ${chosen[1].toFixed(1)}px)`;
    second.style.transform = `translate(${priced[0].toFixed(1)}px, ${priced[1].toFixed(1)}px)`;
    for (const [name, value] of Object.entries({
      x1: chosen[0],
      y1: chosen[1],
      x2: priced[0],
      y2: priced[1],
    }))
      setAttr(shift, name, value.toFixed(1));
    if (kind === ROC) setAttr(cross, "d", crossOf(view.priced, priced));
    const { sensitivity, specificity, ppv } = view.chosen.rates;
    setAttr(dot, "aria-valuemin", 0);
    setAttr(dot, "aria-valuemax", 1);
    setAttr(dot, "aria-valuenow", sensitivity.toFixed(4));
    const other = kind === ROC ? `${tr("specificity")} ${share(specificity)}` : `${tr("PPV")} ${share(ppv)}`;
    setAttr(
      dot,
      "aria-valuetext",
      tr("sensitivity {sensitivity}, {other}, threshold {threshold}", {
        sensitivity: share(sensitivity),
        other,
        threshold: view.text,
      }),
    );
  }

  // the interval of the operating point, both ways
  function crossOf({ intervals }, [px, py]) {
    const [low, high] = intervals.sensitivity.map(y);
    const [left, right] = intervals.specificity.map((value) => x(1 - value));
    return `M${px} ${low.toFixed(1)}V${high.toFixed(1)}M${left.toFixed(1)} ${py}H${right.toFixed(1)}`;
  }

  return { plot, draw, move };
}
