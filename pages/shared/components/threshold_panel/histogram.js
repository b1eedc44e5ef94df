// Scores of both classes back to back: normal films upwards, abnormal ones downwards.

import { el, svgEl } from "../dom.js";
import { tr } from "../language.js";
import { handle, scale, setAttr, setText, ticks } from "./chart_parts.js";
import { median } from "./numbers.js";

const HISTOGRAM = { top: 24, right: 22, bottom: 40, left: 44, height: 252 };

export function makeHistogram(panel) {
  const size = HISTOGRAM;
  const clips = ["below", "above"].map((side) => {
    const rect = svgEl("rect", { y: 0, height: size.height });
    return { rect, node: svgEl("clipPath", { id: `clip-${side}` }, rect) };
  });
  const frame = svgEl("g", { class: "frame" });
  const bars = clips.map(({ node }) => svgEl("g", { "clip-path": `url(#${node.id})` }));
  const outlines = svgEl("g", { class: "outlines" });
  const marks = svgEl("g", { class: "marks" });
  const band = svgEl("rect", { class: "refer-band", visibility: "hidden" });
  const ghost = svgEl("line", { class: "ghost", visibility: "hidden" });
  const svg = svgEl("svg", { role: "img", height: size.height }, ...clips.map(({ node }) => node));
  svg.append(band, frame, ...bars, outlines, marks, ghost);
  const scanName = el("span", {});
  const scanScore = el("span", {});
  const scanLabel = el("div", { class: "scan-label" }, scanName, scanScore);
  const bubble = el("div", { class: "bubble", "aria-hidden": "true" });
  const upperBubble = el("div", { class: "bubble", "aria-hidden": "true" });
  let x = scale([0, 1], [0, 1]);
  let width = 0; // read once per drawing: reading it in every frame would force a layout in each

  const scoreAt = (place) => {
    if (place >= x(panel.domain[1]) - 0.5) return panel.ends[1];
    if (place <= x(panel.domain[0]) + 0.5) return panel.ends[0];
    return Number(x.inverse(place).toFixed(panel.decimals));
  };
  const line = handle(panel, {
    className: "line",
    label: tr("Threshold on the score"),
    move: (place) => panel.propose(scoreAt(place)),
    step: (direction, stride) => panel.step(direction, stride),
  });
  const upper = handle(panel, {
    className: "line upper",
    label: tr("Upper threshold: films between the two are referred"),
    move: (place) => panel.proposeUpper(scoreAt(place)),
    step: (direction, stride) => panel.stepUpper(direction, stride),
  });
  line.append(bubble);
  upper.append(upperBubble);
  const plot = el("div", { class: "plot" }, svg, scanLabel, line, upper);
  plot.style.height = `${size.height}px`;
  svg.addEventListener("pointerdown", (event) => {
    // a finger on the picture scrolls the page; only the handles hold it
    if (event.pointerType === "mouse" && event.button === 0)
      panel.grab(line, event, (place) => panel.propose(scoreAt(place)), { jump: true });
  });
  svg.addEventListener("click", (event) => {
    if (event.pointerType === "touch" || event.pointerType === "pen")
      panel.glide(scoreAt(event.clientX - plot.getBoundingClientRect().left), "manual");
  });

  function draw() {
    width = plot.clientWidth;
    setAttr(svg, "width", width);
    x = scale(panel.domain, [size.left, width - size.right]);
    const middle = (size.top + size.height - size.bottom) / 2;
    const half = middle - size.top;
    const shares = (layer, key) => layer.bins[key].map((count) => count / layer[key]);
    const highest = Math.max(
      ...panel.layers.flatMap((layer) => [...shares(layer, "normal"), ...shares(layer, "abnormal")]),
    );
    const tall = (value) => half * Math.sqrt(value / highest);
    const edges = panel.data.edges.map(x);
    drawFrame(middle, tall, highest);
    const priced = panel.priced;
    const filled = ["normal", "abnormal"].map((key) => {
      const sign = key === "normal" ? -1 : 1;
      return shares(priced, key)
        .map((value, i) =>
          value
            ? `M${edges[i].toFixed(1)} ${middle}v${(sign * tall(value)).toFixed(1)}H${(edges[i + 1] - 0.75).toFixed(1)}V${middle}z`
            : "",
        )
        .join("");
    });
    // left of the line the abnormal films are missed, right of it the normal ones are false alarms
    bars[0].replaceChildren(
      svgEl("path", { class: "normal pale", d: filled[0] }),
      svgEl("path", { class: "abnormal", d: filled[1] }),
    );
    bars[1].replaceChildren(
      svgEl("path", { class: "normal", d: filled[0] }),
      svgEl("path", { class: "abnormal pale", d: filled[1] }),
    );
    outlines.replaceChildren();
    if (panel.layers.length > 1) {
      for (const key of ["normal", "abnormal"]) {
        const sign = key === "normal" ? -1 : 1;
        const path = shares(panel.chosen, key)
          .map((value, i) => `V${(middle + sign * tall(value)).toFixed(1)}H${edges[i + 1].toFixed(1)}`)
          .join("");
        outlines.append(svgEl("path", { class: key, d: `M${edges[0]} ${middle}${path}V${middle}` }));
      }
    }
    drawMarks(middle, half);
    setAttr(svg, "aria-label", describe());
  }

  function drawFrame(middle, tall, highest) {
    frame.replaceChildren();
    const [left, right] = [size.left, width - size.right];
    const levels = [0.01, 0.1, 0.25, 0.5, 1].filter((level) => level < highest && tall(level) > 13);
    for (const level of levels) {
      for (const sign of [-1, 1]) {
        const y = middle + sign * tall(level);
        frame.append(
          svgEl("line", { x1: left, x2: right, y1: y, y2: y }),
          svgEl("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, `${level * 100} %`),
        );
      }
    }
    frame.append(svgEl("line", { class: "axis", x1: left, x2: right, y1: middle, y2: middle }));
    const bottom = size.height - size.bottom;
    for (const { value, text } of ticks(...panel.domain, width < 480 ? 4 : 8)) {
      frame.append(
        svgEl("line", { class: "axis", x1: x(value), x2: x(value), y1: bottom, y2: bottom + 4 }),
        svgEl("text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, text),
      );
    }
  }

  function drawMarks(middle, half) {
    marks.replaceChildren();
    const [top, bottom] = [size.top, size.height - size.bottom];
    for (const policy of panel.policies) {
      if (policy.threshold === null) continue;
      const at = x(panel.clamp(policy.threshold));
      marks.append(svgEl("line", { class: "policy", x1: at, x2: at, y1: top - 4, y2: top + 4 }));
    }
    const scan = panel.data.scan;
    setText(scanName, scan ? scan.name : "");
    setText(scanScore, scan ? panel.format(scan.score) : "");
    if (!scan) return;
    const at = x(panel.clamp(scan.score));
    marks.append(
      svgEl("line", { class: "scan", x1: at, x2: at, y1: middle - half, y2: bottom }),
      svgEl("path", { class: "scan", d: `M${at} ${bottom + 20}l6 11h-12z` }),
    );
    const left = at > width / 2;
    scanLabel.style.inset = left ? `auto ${width - at + 11}px 3px auto` : `auto auto 3px ${at + 11}px`;
  }

  function describe() {
    const { priced, chosen } = panel;
    const parts = [...new Set([chosen, priced])].map((layer) =>
      tr("{name}: {normal} normal films, median score {middle}; {abnormal} with {finding}, median {other}", {
        ...layer,
        finding: panel.finding,
        middle: panel.format(median(layer, "normal")),
        other: panel.format(median(layer, "abnormal")),
      }),
    );
    return `${tr("Histogram of the scores.")} ${parts.join(". ")}.`;
  }

  function place(node, label, score, text) {
    const at = x(panel.clamp(score));
    node.style.transform = `translateX(${at.toFixed(1)}px)`;
    setText(label, text);
    const room = Math.min(at - size.left, width - size.right - at);
    label.style.translate = room > 24 ? "" : at < width / 2 ? `${24 - room}px` : `${room - 24}px`;
    setAttr(node, "aria-valuemin", panel.domain[0]);
    setAttr(node, "aria-valuemax", panel.domain[1]);
    setAttr(node, "aria-valuenow", score);
    return at;
  }

  function move(view) {
    const at = place(line, bubble, view.threshold, view.text);
    setAttr(line, "aria-valuetext", `${view.text}: ${panel.cost(view)}`);
    setAttr(clips[0].rect, "width", Math.max(0, at));
    setAttr(clips[1].rect, "x", at);
    setAttr(clips[1].rect, "width", Math.max(0, width - at));
    upper.hidden = view.upper === null;
    setAttr(band, "visibility", view.upper === null ? "hidden" : "visible");
    if (view.upper === null) return;
    const to = place(upper, upperBubble, view.upper, panel.format(view.upper));
    setAttr(upper, "aria-valuetext", `${panel.format(view.upper)}: ${panel.referralText(view)}`);
    // the two bubbles would cover each other: the upper one steps down
    upperBubble.classList.toggle("aside", to - at < 72);
    for (const [name, value] of Object.entries({
      x: at,
      width: to - at,
      y: size.top,
      height: size.height - size.top - size.bottom,
    }))
      setAttr(band, name, value);
  }

  function preview(threshold) {
    setAttr(ghost, "visibility", threshold === null ? "hidden" : "visible");
    if (threshold === null) return;
    const at = x(panel.clamp(threshold));
    for (const [name, value] of Object.entries({
      x1: at,
      x2: at,
      y1: size.top,
      y2: size.height - size.bottom,
    }))
      setAttr(ghost, name, value);
  }

  return { plot, draw, move, preview };
}
