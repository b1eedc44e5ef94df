// A straight line between two places of the film, and how long it is.

import { tr } from "../language.js";
import { clamp, placeAt } from "./geometry.js";

const COLOUR = "#f0e442";
const TICK = 6; // half of the stroke at either end, in CSS pixels

// from, to: canvas points. spacing: { down, across, unit } of one film pixel, or null. Returns the line, its
// ends in shares of the film, with its length in words.
export function measured(from, to, { view, shape, pane, spacing }) {
  const [start, end] = [from, to].map((point) => {
    const { x, y } = placeAt(point, view, shape, pane);
    return { x: clamp(x, 0, 1), y: clamp(y, 0, 1) };
  });
  const { down, across, unit } = spacing || { down: 1, across: 1, unit: tr("pixels") };
  const length = Math.hypot(
    (end.x - start.x) * shape.width * across,
    (end.y - start.y) * shape.height * down,
  );
  return { from: start, to: end, words: `${length.toFixed(spacing ? 1 : 0)} ${unit}` };
}

// matrix: film pixels to canvas pixels.
export function drawRuler(context, line, pane, matrix, shape) {
  const [from, to] = [line.from, line.to].map(({ x, y }) =>
    matrix.transformPoint(new DOMPoint(x * shape.width, y * shape.height)),
  );
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [across, down] = [(TICK * (from.y - to.y)) / length, (TICK * (to.x - from.x)) / length];
  const path = new Path2D();
  for (const end of [from, to]) {
    path.moveTo(end.x - across, end.y - down);
    path.lineTo(end.x + across, end.y + down);
  }
  path.moveTo(from.x, from.y);
  path.lineTo(to.x, to.y);
  context.save();
  context.beginPath();
  context.rect(pane.x, pane.y, pane.width, pane.height);
  context.clip();
  for (const [colour, width] of [
    ["rgba(0, 0, 0, 0.7)", 4],
    [COLOUR, 1.5],
  ]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  }
  writeLength(context, line.words, to, pane);
  context.restore();
}

function writeLength(context, words, at, pane) {
  context.font = "13px system-ui, sans-serif";
  context.textBaseline = "middle";
  const width = context.measureText(words).width + 12;
  const left = clamp(at.x + 12, pane.x, Math.max(pane.x, pane.x + pane.width - width));
  const top = clamp(at.y - 10, pane.y, pane.y + pane.height - 20);
  context.fillStyle = "rgba(0, 0, 0, 0.78)";
  context.fillRect(left, top, width, 20);
  context.fillStyle = COLOUR;
  context.fillText(words, left + 6, top + 10.5);
}
