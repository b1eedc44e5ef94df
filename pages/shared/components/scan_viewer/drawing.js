// The picture: panes, what lies in each, their names, the outline.

import { tr } from "../language.js";
import { bounded, matrixOf, panesOf } from "./geometry.js";
import { drawRuler } from "./ruler.js";

const EDGES = [
  ["outline", "#56b4e9"],
  ["marks", "#e69f00"],
];
const SIDE_MOST = 9; // panes beside each other; more would be stamps
const FONT = "system-ui, sans-serif";

// What each pane shows: { name, parts: [{ picture, opacity }], layer, chosen, right } where right is the swiped
// side.
function panesShown(state, pictures) {
  const film = { picture: pictures.film, opacity: 1 };
  const chosen = pictures.layers[state.layer];
  const over = (layer) => [film, { picture: layer, opacity: state.opacity[layer.kind] }];
  const alone = (layer) => (layer.kind === "grey" ? [{ picture: layer, opacity: 1 }] : over(layer));
  const scan = { name: "Scan", parts: [film] };
  if (!chosen || state.view === "scan") return [scan];
  if (state.view === "overlay") return [{ name: chosen.name, parts: over(chosen), layer: chosen }];
  if (state.view === "swipe")
    return [{ ...scan, right: { name: chosen.name, parts: alone(chosen), layer: chosen } }];
  const other = pictures.layers.find((layer) => layer.otherScan);
  if (other) {
    const own = chosen.otherScan ? scan : { name: chosen.name, parts: over(chosen), layer: chosen };
    return [own, { name: other.name, parts: alone(other), layer: other }]; // two alone, so that both are large
  }
  const layers = pictures.layers.length < SIDE_MOST ? pictures.layers : [chosen];
  return [
    scan,
    ...layers.map((layer) => ({ name: layer.name, parts: alone(layer), layer, chosen: layer === chosen })),
  ];
}

function drawParts(context, parts, clip, matrix, shape, edges) {
  context.save();
  context.beginPath();
  context.rect(clip.x, clip.y, clip.width, clip.height);
  context.fillStyle = "#000";
  context.fill();
  context.clip();
  context.transform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f);
  for (const { picture, opacity } of parts) {
    context.globalAlpha = opacity;
    context.drawImage(picture.canvas, 0, 0, shape.width, shape.height);
  }
  for (const [path, colour] of edges) {
    context.globalAlpha = 1;
    context.lineCap = "round";
    const pixel = 1 / Math.hypot(matrix.a, matrix.b);
    context.strokeStyle = "rgba(0, 0, 0, 0.55)"; // a dark rim, so that the line shows on bright film too
    context.lineWidth = 3 * pixel;
    context.stroke(path);
    context.strokeStyle = colour;
    context.lineWidth = 1.5 * pixel;
    context.stroke(path);
  }
  context.restore();
}

function drawName(context, text, pane, { right = false, bright = true } = {}) {
  context.save();
  context.font = `13px ${FONT}`;
  context.textBaseline = "middle";
  const room = pane.width - 24;
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > room)
    shown = `${shown.slice(0, -2).trimEnd()}…`;
  const width = context.measureText(shown).width + 12;
  const left = right ? pane.x + pane.width - width - 8 : pane.x + 8;
  context.fillStyle = "rgba(0, 0, 0, 0.78)";
  context.fillRect(left, pane.y + 8, width, 20);
  context.fillStyle = bright ? "#f2f2f2" : "#b4b4b4";
  context.fillText(shown, left + 6, pane.y + 18.5);
  context.restore();
}

// Draw everything into width x height CSS pixels. Returns the panes, for gestures to find.
export function drawPicture(context, width, height, state, pictures, shape) {
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "medium";
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  const shown = panesShown(state, pictures);
  const panes = panesOf(shown.length, width, height, shape, state.turn);
  const edges = EDGES.filter(([name]) => state[name] && pictures[name]).map(([name, colour]) => [
    pictures[name],
    colour,
  ]);
  const edgesOn = (layer) => (layer?.otherScan ? [] : edges); // they are of the scan
  shown.forEach(({ name, parts, right, chosen, layer }, i) => {
    const pane = panes[i];
    pane.layer = layer;
    const matrix = matrixOf(bounded(state, shape, pane), shape, pane);
    drawParts(context, parts, pane, matrix, shape, edgesOn(layer));
    if (right) {
      const start = pane.width * state.swipe;
      const side = { ...pane, x: pane.x + start, width: pane.width - start };
      drawParts(context, right.parts, side, matrix, shape, edgesOn(right.layer));
      context.fillStyle = "#f2f2f2";
      context.fillRect(side.x - 0.75, pane.y, 1.5, pane.height);
      drawName(
        context,
        right.name,
        { ...pane, x: pane.x + pane.width / 2, width: pane.width / 2 },
        { right: true },
      );
    }
    pane.measures = ![layer, right?.layer].some((one) => one?.otherScan);
    if (state.line && pane.measures) drawRuler(context, state.line, pane, matrix, shape);
    drawName(context, name, right ? { ...pane, width: pane.width / 2 } : pane, { bright: chosen !== false });
  });
  return panes;
}

// The picture as it stands with its legend under it, at least 1600 pixels wide.
export function composed(width, height, words, bar, draw) {
  const ratio = Math.max(2, 1600 / width);
  const foot = 64;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((height + foot) * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  draw(context);
  context.fillStyle = "#000";
  context.fillRect(0, height, width, foot);
  context.font = `13px ${FONT}`;
  context.textBaseline = "middle";
  context.fillStyle = "#f2f2f2";
  if (bar) {
    context.drawImage(bar, 12, height + 10, Math.min(240, width - 24), 8);
    context.fillText(words.legend, 12, height + 30, width - 24);
  }
  context.fillStyle = "#b4b4b4";
  const caution = tr("Research demo, not for clinical use"); // it leaves the page that says so
  context.fillText(`${words.status} · ${caution}`, 12, height + 50, width - 24);
  return canvas;
}
