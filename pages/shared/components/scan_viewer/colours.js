// Numbers to colours, by tables: one entry per code, painted once per change of a setting.

const FULL = 200; // the code of a heat equal to the scale
const MIDDLE = 128; // the code of a signed zero
const SOFT = 0.04;

// Canvas pixels are read as little-endian words: alpha, blue, green, red.
const packed = (red, green, blue, alpha) =>
  ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;

// window: { centre, width } in shares of the film's range.
function greyTable(levels, { centre, width }, invert) {
  const table = new Uint32Array(levels);
  for (let level = 0; level < levels; level++) {
    const share = (level / (levels - 1) - centre) / width + 0.5;
    const grey = Math.round(Math.min(1, Math.max(0, invert ? 1 - share : share)) * 255);
    table[level] = packed(grey, grey, grey, 1);
  }
  return table;
}

// Code 0 of a grey layer means: nothing was seen here.
function greyLayerTable(window, invert) {
  const table = new Uint32Array(256);
  table.set(greyTable(255, window, invert), 1);
  return table;
}

// How strong a code is, from -1 to 1, and above where it exceeds the scale.
export const strengthOf = (kind, code) => (kind === "signed" ? (code - MIDDLE) / 127 : code / FULL);

// PuOr ends nearly black and starts nearly white: both vanish on film, so its ends are left out.
const signedPlace = (strength) =>
  strength === 0 ? 0.5 : 0.5 + Math.sign(strength) * (0.14 + 0.24 * Math.min(1, Math.abs(strength)));

// Colour grows opaque with its strength, so that cold places stay readable. cut: hide below.
function colourTable(kind, colours, cut, solid = false) {
  const table = new Uint32Array(256);
  for (let code = 0; code < 256; code++) {
    const strength = strengthOf(kind, code);
    const size = Math.min(1, Math.abs(strength));
    const above = Math.abs(strength) - cut;
    // A cut through smooth values would look torn: what lies just above it comes in over a few per cent.
    const shown =
      above < 0 || (kind === "signed" && code === 0) ? 0 : cut && !solid ? Math.min(1, above / SOFT) : 1;
    const place = kind === "signed" ? signedPlace(strength) : size;
    const at = Math.floor(place * 255) * 3;
    const alpha = shown * (solid ? 1 : Math.min(size, 0.5) * 2);
    table[code] = packed(colours[at], colours[at + 1], colours[at + 2], alpha);
  }
  return table;
}

// Paint unless the canvas already shows this: `look` names the settings that the table was made for.
function paint(picture, look, makeTable) {
  if (picture.look === look) return;
  const { canvas, values, width, height } = picture;
  const table = makeTable();
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[values[i]];
  context.putImageData(image, 0, 0);
  picture.look = look;
}

export function paintAll({ film, layers, colours }, state) {
  const tone = `${state.window.centre} ${state.window.width} ${state.invert}`;
  paint(film, tone, () => greyTable(film.levels, state.window, state.invert));
  for (const layer of layers) {
    if (layer.kind === "grey") paint(layer, tone, () => greyLayerTable(state.window, state.invert));
    else
      paint(layer, `${state.map} ${state.cut}`, () =>
        colourTable(layer.kind, colours[mapOf(layer, state)], state.cut),
      );
  }
}

const mapOf = (layer, state) => (layer.kind === "signed" ? "PuOr" : state.map);

// The colour bar, from no colour to full; the part below the cut-off stays empty.
export function paintBar(canvas, layer, pictures, state) {
  const first = layer.kind === "signed" ? 1 : 0;
  const last = layer.kind === "signed" ? 255 : FULL;
  const table = colourTable(layer.kind, pictures.colours[mapOf(layer, state)], state.cut, true);
  canvas.width = last - first + 1;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, 1);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[first + i];
  context.putImageData(image, 0, 0);
}
