// Unpack what the Python face sends: a length, a JSON header, then deflated planes of numbers.

export function readHeader(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return { header, body: bytes.subarray(4 + length) };
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Rows were sent as differences; 16-bit numbers as all high bytes, then all low ones.
async function readPlane({ offset, length, width, height, wide }, body) {
  const bytes = await inflate(body.subarray(offset, offset + length));
  const count = width * height;
  const values = wide ? new Uint16Array(count) : new Uint8Array(count);
  for (let row = 0; row < count; row += width) {
    let sum = 0;
    for (let i = row; i < row + width; i++) {
      sum += wide ? bytes[i] * 256 + bytes[count + i] : bytes[i];
      values[i] = sum; // the array's type drops what overflows
    }
  }
  return { values, width, height, levels: wide ? 65536 : 256 };
}

export async function readPictures(header, body) {
  const names = Object.keys(header.colours);
  const [film, outline, marks, layers, tables] = await Promise.all([
    readPlane(header.film, body),
    header.outline && readPlane(header.outline, body),
    header.marks && readPlane(header.marks, body),
    Promise.all(header.layers.map((layer) => readPlane(layer.plane, body))),
    Promise.all(names.map((name) => readPlane(header.colours[name], body))),
  ]);
  return {
    film: { ...film, canvas: document.createElement("canvas") },
    layers: layers.map((plane, i) => ({
      ...plane,
      ...header.layers[i],
      canvas: document.createElement("canvas"),
    })),
    outline: outline && contour(outline, header.shape),
    marks: marks && contour(marks, header.shape),
    colours: Object.fromEntries(names.map((name, i) => [name, tables[i].values])),
  };
}

// Three-cell means, so that the edge of a coarse mask is drawn without its steps.
function softened({ values, width, height }, radius) {
  const blur = (source, count, along, lines, across) => {
    const result = new Float32Array(source.length);
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      for (let i = -radius; i < count + radius; i++) {
        if (i + radius < count) sum += source[line * across + (i + radius) * along];
        if (i - radius - 1 >= 0) sum -= source[line * across + (i - radius - 1) * along];
        if (i >= 0 && i < count) result[line * across + i * along] = sum / (2 * radius + 1);
      }
    }
    return result;
  };
  let soft = Float32Array.from(values, (value) => value / 255);
  for (let pass = 0; pass < 2; pass++) {
    soft = blur(soft, width, 1, height, width);
    soft = blur(soft, height, width, width, 1);
  }
  return soft;
}

// Marching squares at one half. The path is in the scan's own pixels.
function contour(mask, shape) {
  const { width, height } = mask;
  const soft = softened(mask, Math.max(1, Math.round(Math.max(width, height) / 170)));
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : soft[y * width + x]);
  const stretchX = shape.width / width;
  const stretchY = shape.height / height;
  const path = new Path2D();
  for (let y = -1; y < height; y++) {
    for (let x = -1; x < width; x++) {
      const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)];
      const inside = corners.filter((value) => value >= 0.5).length;
      if (inside === 0 || inside === 4) continue;
      const places = [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ];
      const crossings = [];
      for (let edge = 0; edge < 4; edge++) {
        const next = (edge + 1) % 4;
        const [from, to] = [corners[edge], corners[next]];
        if (from >= 0.5 === to >= 0.5) continue;
        const share = (0.5 - from) / (to - from);
        const mix = (axis) => places[edge][axis] + share * (places[next][axis] - places[edge][axis]);
        crossings.push([(x + mix(0) + 0.5) * stretchX, (y + mix(1) + 0.5) * stretchY]);
      }
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        path.moveTo(...crossings[i]);
        path.lineTo(...crossings[i + 1]);
      }
    }
  }
  return path;
}
