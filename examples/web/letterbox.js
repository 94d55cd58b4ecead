// Scales an image as sdkd_tf/data/images.py does, in every browser: the filter is Pillow's BILINEAR, a triangle as wide as two
// pixels of the result, so that every pixel of a large photo counts. The filters of canvases differ from browser to browser.

const BITS = 22; // of the weights' fraction; with 8 bits of a pixel they fit an int32
const HALF = 1 << (BITS - 1); // so that >> rounds

/** For each pixel of a scaled line: where its pixels of the source begin, and their weights. */
function taps(from, to) {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({length: to}, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const triangle = Array.from(
      {length: end - first}, (_, k) => Math.max(0, 1 - Math.abs((k + first - center + 0.5) * (1 / support))));
    const sum = triangle.reduce((a, b) => a + b);
    return {first, weights: Int32Array.from(triangle, weight => Math.trunc(0.5 + (weight / sum) * 2 ** BITS))};
  });
}

/** Scales `lines` lines at once; steps are from pixel to pixel of a line, and from line to line. */
function scaleLines(taps, lines, source, pixelStep, lineStep, target, targetStart, targetPixelStep, targetLineStep) {
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < taps.length; i++) {
      const {first, weights} = taps[i];
      let red = HALF, green = HALF, blue = HALF;
      for (let k = 0, at = first * pixelStep + line * lineStep; k < weights.length; k++, at += pixelStep) {
        red += source[at] * weights[k];
        green += source[at + 1] * weights[k];
        blue += source[at + 2] * weights[k];
      }
      const to = targetStart + i * targetPixelStep + line * targetLineStep;
      target[to] = red >> BITS;
      target[to + 1] = green >> BITS;
      target[to + 2] = blue >> BITS;
    }
  }
}

/** As Python rounds: halves to the even neighbor. */
function round(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

/**
 * @param {number} width of the image in pixels.
 * @param {number} height of the image in pixels.
 * @param {number} size side of the square in pixels.
 * @param {function(number, number): Uint8ClampedArray} rows the RGBA bytes of `count` rows from `top`, on black.
 * @param {number} count how many rows to ask for at once.
 * @returns {Uint8Array} RGB bytes of the square: the image at its aspect, centered on black.
 */
export function letterbox(width, height, size, rows, count) {
  const w = width >= height ? size : round((width / height) * size);
  const h = width <= height ? size : round((height / width) * size);
  if (!w || !h) throw new Error(`${width} x ${height} pixels are too thin to be scaled to ${size}`);
  const across = taps(width, w);
  const narrow = new Uint8Array(3 * w * height);
  for (let top = 0; top < height; top += count) {
    const strip = Math.min(count, height - top);
    scaleLines(across, strip, rows(top, strip), 4, 4 * width, narrow, 3 * w * top, 3, 3 * w);
  }
  const square = new Uint8Array(3 * size * size);
  const start = 3 * (round((size - h) / 2) * size + round((size - w) / 2));
  scaleLines(taps(height, h), w, narrow, 3 * w, 3, square, start, 3 * size, 3);
  return square;
}
