// Large pictures in tiles, as mirnet_keras/restorer/tiling.py does it: the same places, the same
// fading, in the same order, so that both give the same picture. `tileStarts` is its
// `tile_starts`, `fadeWeights` its `_fade_in` and `_ramp`. Tiles have one size here, and a picture
// smaller than a tile is mirrored up to it, as `Restorer` does for LiteRT files of one size. As
// there, a picture without colour stays without a tint.

/**
 * Restores a picture tile by tile. It needs the result and two rows of tiles in memory.
 *
 * @param predict async function from Float32Array (tile * tile * 3) in 0..1 to Float32Array
 *     (scale * tile * scale * tile * 3).
 * @param picture {data, width, height}; data is RGBA, 8 bits, of which alpha is not looked at.
 * @param sizes {tile, overlap, scale}; the first two in pixels of the picture.
 * @param report called with the number of tiles done, from 0 on, and of all tiles.
 * @returns {data, width, height}, `scale` times larger, opaque.
 */
export async function restoreInTiles(predict, picture, { tile, overlap, scale }, report) {
  const rows = tileStarts(Math.max(picture.height, tile), tile, overlap);
  const columns = tileStarts(Math.max(picture.width, tile), tile, overlap);
  const rowWeights = fadeWeights(rows, tile, scale);
  const columnWeights = fadeWeights(columns, tile, scale);
  const side = scale * tile;
  const bandWidth = scale * (columns.at(-1) + tile);
  const restored = opaque(scale * picture.width, scale * picture.height);
  const write = isNeutral(picture) ? writeGreyRows : writeRows;
  const count = rows.length * columns.length;
  report(0, count);
  let above = null;
  for (const [r, top] of rows.entries()) {
    const band = new Float32Array(side * bandWidth * 3);
    for (const [c, left] of columns.entries()) {
      const result = await predict(readTile(picture, top, left, tile));
      layTile(band, bandWidth, result, side, scale * left, columnWeights[c]);
      report(r * columns.length + c + 1, count);
    }
    if (above) fadeRows(band, above, scale * (top - rows[r - 1]), bandWidth * 3, rowWeights[r]);
    const end = r + 1 < rows.length ? scale * rows[r + 1] : restored.height;
    write(restored, band, bandWidth, scale * top, end);
    above = band;
  }
  return restored;
}

/** The first pixel of each tile along an axis: spread evenly, first and last at its ends. */
export function tileStarts(size, tile, overlap) {
  if (size <= tile) return [0];
  const room = size - tile;
  const gaps = Math.ceil(room / (tile - overlap));
  return Array.from({ length: gaps + 1 }, (_, i) => Math.floor((i * room) / gaps));
}

/**
 * For each tile, how much each of its pixels along an axis counts over what lies there already.
 *
 * Of the part shared with the tile before, the first quarter counts nothing, the last quarter
 * all, and between them it rises as a raised cosine.
 */
export function fadeWeights(starts, tile, scale) {
  return starts.map((start, i) => {
    const weights = new Float32Array(scale * tile).fill(1);
    if (i === 0) return weights;
    const shared = scale * (starts[i - 1] + tile - start);
    const margin = Math.floor(shared / 4);
    const steps = shared - 2 * margin;
    weights.fill(0, 0, margin);
    for (let k = 0; k < steps; k++) {
      weights[margin + k] = 0.5 - 0.5 * Math.cos((Math.PI * (k + 0.5)) / steps);
    }
    return weights;
  });
}

/** Whether the three channels of a picture are equal. */
function isNeutral({ data }) {
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  }
  return true;
}

/** The pixel that stands at a place at or beyond the end of an axis: mirrored, end not repeated. */
function mirrored(place, size) {
  if (place < size) return place;
  if (size === 1) return 0;
  const phase = place % (2 * size - 2);
  return Math.min(phase, 2 * size - 2 - phase);
}

function readTile({ data, width, height }, top, left, tile) {
  const values = new Float32Array(tile * tile * 3);
  for (let y = 0, to = 0; y < tile; y++) {
    const row = mirrored(top + y, height) * width;
    for (let x = 0; x < tile; x++) {
      const from = 4 * (row + mirrored(left + x, width));
      for (let channel = 0; channel < 3; channel++) values[to++] = data[from + channel] / 255;
    }
  }
  return values;
}

function faded(under, over, weight) {
  return weight === 1 ? over : under + weight * (over - under);
}

function layTile(band, bandWidth, tile, side, left, weights) {
  for (let y = 0, from = 0; y < side; y++) {
    let to = 3 * (y * bandWidth + left);
    for (let x = 0; x < side; x++) {
      for (let channel = 0; channel < 3; channel++, to++, from++) {
        band[to] = faded(band[to], tile[from], weights[x]);
      }
    }
  }
}

/** Fades the rows of `above`, which begins `shift` rows higher, into those of `band`. */
function fadeRows(band, above, shift, rowLength, weights) {
  const shared = above.length - shift * rowLength;
  for (let i = 0; i < shared; i++) {
    const weight = weights[Math.floor(i / rowLength)];
    band[i] = faded(above[i + shift * rowLength], band[i], weight);
  }
}

/** Writes the rows of the result before `end`, of which the band's first is `top`. */
function writeRows(restored, band, bandWidth, top, end) {
  for (let y = top; y < end; y++) {
    let from = 3 * (y - top) * bandWidth;
    let to = 4 * y * restored.width;
    for (let x = 0; x < restored.width; x++, to += 4) {
      for (let channel = 0; channel < 3; channel++) {
        restored.data[to + channel] = level(band[from++]);
      }
    }
  }
}

/** As `writeRows`, each pixel as the mean of its three channels. */
function writeGreyRows(restored, band, bandWidth, top, end) {
  for (let y = top; y < end; y++) {
    let from = 3 * (y - top) * bandWidth;
    let to = 4 * y * restored.width;
    for (let x = 0; x < restored.width; x++, to += 4, from += 3) {
      const grey = level((band[from] + band[from + 1] + band[from + 2]) / 3);
      restored.data.fill(grey, to, to + 3);
    }
  }
}

/** 0..255 for 0..1. */
function level(value) {
  if (!Number.isFinite(value)) throw new Error("The model gives no numbers for this photo.");
  return Math.floor(Math.min(Math.max(value, 0), 1) * 255 + 0.5);
}

function opaque(width, height) {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let alpha = 3; alpha < data.length; alpha += 4) data[alpha] = 255;
  return { data, width, height };
}
