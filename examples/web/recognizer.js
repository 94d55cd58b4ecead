// An SDKD .tflite in the browser: an image in, labels with probabilities, the saliency map and the embedding out.
import {loadAndCompile, loadLiteRt, Tensor} from '@litertjs/core';
import {Head} from './head.js';
import {letterbox} from './letterbox.js';

const PIXELS = 2 ** 22; // that are read from a photo at once: no browser's canvas is too small for them
let runtime; // of all models

export class Recognizer {
  /** @param {string} folder URL of the folder that convert.py wrote: sdkd_int8.tflite, labels.txt, perhaps head.json. */
  static async load(folder) {
    const [model, labels, head] = await Promise.all(['sdkd_int8.tflite', 'labels.txt', 'head.json'].map(async name => {
      const response = await fetch(`${folder}/${name}`);
      if (response.ok) return response;
      if (name === 'head.json' && response.status === 404) return null; // the FC layer was trained
      throw new Error(`${folder}/${name}: ${response.status}; expected the files that convert.py wrote`);
    }));
    await (runtime ??= loadLiteRt('./node_modules/@litertjs/core/wasm/'));
    const compiled = await loadAndCompile(new Uint8Array(await model.arrayBuffer()), {accelerator: 'wasm'});
    const names = (await labels.text()).split(/\r?\n/);
    const recognizer = new Recognizer(compiled, names.at(-1) ? names : names.slice(0, -1));
    const {probabilities, embedding} = await recognizer.run(new Uint8Array(3 * recognizer.inputSize ** 2)); // is slow
    if (probabilities.length !== recognizer.labels.length) {
      throw new Error(`${folder}/labels.txt: ${recognizer.labels.length} lines; expected ${probabilities.length}`);
    }
    if (head) recognizer.head = await readHead(head, `${folder}/head.json`, embedding?.length);
    return recognizer;
  }

  constructor(model, labels) {
    this.model = model;
    this.labels = labels; // of the probabilities of `run`
    this.head = null; // knows these and what it was taught, if there is a head.json
    this.inputSize = model.getInputDetails()[0].shape[1];
    this.last = Promise.resolve();
  }

  /**
   * Runs once at a time: calls wait for those before them.
   * @param {Uint8Array} rgb inputSize x inputSize pixels, three bytes each, row by row.
   * @returns {Promise<{probabilities: Float32Array, saliency: Float32Array, embedding: ?Float32Array,
   *   milliseconds: number}>} the embedding is null if the file has none.
   */
  run(rgb) {
    const next = () => this.#run(rgb);
    return this.last = this.last.then(next, next);
  }

  async #run(rgb) {
    const image = new Tensor(rgb, [1, this.inputSize, this.inputSize, 3]);
    let outputs = {};
    try {
      const start = performance.now();
      outputs = await this.model.run({image});
      const probabilities = Float32Array.from(await outputs.probabilities.data());
      const saliency = Float32Array.from(await outputs.saliency.data());
      const embedding = outputs.embedding ? Float32Array.from(await outputs.embedding.data()) : null;
      return {probabilities, saliency, embedding, milliseconds: performance.now() - start};
    } finally {
      for (const tensor of [image, ...Object.values(outputs)]) tensor.delete();
    }
  }

  /** The bytes that `run` takes: an image or video frame scaled to fit the square, keeping its aspect ratio, on black. */
  letterbox(source, width, height) {
    const count = Math.min(height, Math.max(1, Math.floor(PIXELS / width)));
    const context = new OffscreenCanvas(width, count).getContext('2d', {willReadFrequently: true});
    const rows = (top, strip) => {
      context.fillRect(0, 0, width, strip);
      context.drawImage(source, 0, top, width, strip, 0, 0, width, strip);
      return context.getImageData(0, 0, width, strip).data;
    };
    return letterbox(width, height, this.inputSize, rows, count);
  }
}

async function readHead(response, name, size) {
  let head;
  try {
    head = new Head(await response.json());
  } catch (error) {
    throw new Error(`${name}: ${error.message}; expected a file that convert.py wrote`);
  }
  if (head.size !== size) {
    throw new Error(`${name}: is for embeddings of length ${head.size}; expected ${size ?? 'a model with embeddings'}`);
  }
  return head;
}
