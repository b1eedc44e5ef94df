// Where the film lies in a pane. A view is { zoom, x, y, turn, mirror }: zoom 1 fits, (x, y) is the place of
// the film (in shares of it) at the pane's centre, turn counts quarter turns.

const FARTHEST = 20;
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function scaleOf(view, shape, pane) {
  const [width, height] = view.turn % 2 ? [shape.height, shape.width] : [shape.width, shape.height];
  return Math.min(pane.width / width, pane.height / height) * view.zoom;
}

// Film pixels to canvas pixels.
export function matrixOf(view, shape, pane) {
  const scale = scaleOf(view, shape, pane);
  return new DOMMatrix()
    .translateSelf(pane.x + pane.width / 2, pane.y + pane.height / 2)
    .scaleSelf(view.mirror ? -scale : scale, scale)
    .rotateSelf(90 * view.turn)
    .translateSelf(-view.x * shape.width, -view.y * shape.height);
}

// Canvas point to a place on the film, in shares of it.
export function placeAt(point, view, shape, pane) {
  const place = matrixOf(view, shape, pane).inverse().transformPoint(new DOMPoint(point.x, point.y));
  return { x: place.x / shape.width, y: place.y / shape.height };
}

// No edge of the film may come inside a pane that it could fill.
export function bounded(view, shape, pane) {
  const scale = scaleOf(view, shape, pane);
  const [across, down] = view.turn % 2 ? [pane.height, pane.width] : [pane.width, pane.height];
  const hold = (value, half) => (half >= 0.5 ? 0.5 : clamp(value, half, 1 - half));
  return {
    ...view,
    x: hold(view.x, across / scale / shape.width / 2),
    y: hold(view.y, down / scale / shape.height / 2),
  };
}

// The place under `point` stays under it.
export function zoomedAt(view, factor, point, shape, pane) {
  const before = placeAt(point, view, shape, pane);
  const nearer = { ...view, zoom: clamp(view.zoom * factor, 1, FARTHEST) };
  const after = placeAt(point, nearer, shape, pane);
  return bounded({ ...nearer, x: view.x + before.x - after.x, y: view.y + before.y - after.y }, shape, pane);
}

export function panned(view, dx, dy, shape, pane) {
  const from = placeAt({ x: 0, y: 0 }, view, shape, pane);
  const to = placeAt({ x: dx, y: dy }, view, shape, pane);
  return bounded({ ...view, x: view.x + from.x - to.x, y: view.y + from.y - to.y }, shape, pane);
}

// `count` equal panes in the grid that shows the film largest.
export function panesOf(count, width, height, shape, turn) {
  const gap = count > 1 ? 4 : 0;
  let best = null;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const pane = {
      width: (width - gap * (columns - 1)) / columns,
      height: (height - gap * (rows - 1)) / rows,
    };
    const scale = scaleOf({ zoom: 1, turn }, shape, pane);
    if (!best || scale > best.scale) best = { ...pane, columns, scale };
  }
  return Array.from({ length: count }, (_, i) => ({
    x: (i % best.columns) * (best.width + gap),
    y: Math.floor(i / best.columns) * (best.height + gap),
    width: best.width,
    height: best.height,
  }));
}

export const paneUnder = (panes, { x, y }) =>
  panes.find((pane) => x >= pane.x && x < pane.x + pane.width && y >= pane.y && y < pane.y + pane.height) ||
  panes[0];
