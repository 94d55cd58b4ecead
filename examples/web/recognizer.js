// An SDKD .tflite in the browser: RGBA pixels in, labels with probabilities and the saliency map out.
import {loadAndCompile, loadLiteRt, Tensor} from '@litertjs/core';

export class Recognizer {
  /** @param {string} folder URL of the folder that convert.py wrote: sdkd_int8.tflite and labels.txt. */
  static async load(folder) {
    await loadLiteRt('./node_modules/@litertjs/core/wasm/');
    const model = await loadAndCompile(`${folder}/sdkd_int8.tflite`, {accelerator: 'wasm'});
    const response = await fetch(`${folder}/labels.txt`);
    if (!response.ok) throw new Error(`${folder}/labels.txt: ${response.status}; expected the labels beside the model`);
    return new Recognizer(model, (await response.text()).trim().split('\n'));
  }

  constructor(model, labels) {
    this.model = model;
    this.labels = labels;
    this.inputSize = model.getInputDetails()[0].shape[1];
  }

  /**
   * @param {Uint8Array} rgb inputSize x inputSize pixels, three bytes each, row by row.
   * @returns {Promise<{probabilities: Float32Array, saliency: Float32Array, milliseconds: number}>}
   */
  async run(rgb) {
    const image = new Tensor(rgb, [1, this.inputSize, this.inputSize, 3]);
    const start = performance.now();
    const outputs = await this.model.run({image});
    const probabilities = Float32Array.from(await outputs.probabilities.data());
    const saliency = Float32Array.from(await outputs.saliency.data());
    const milliseconds = performance.now() - start;
    for (const tensor of [image, ...Object.values(outputs)]) tensor.delete();
    return {probabilities, saliency, milliseconds};
  }

  /** Scales an image or video frame to fit the input's square, aspect kept, on black; returns the canvas. */
  letterbox(source, width, height) {
    const canvas = new OffscreenCanvas(this.inputSize, this.inputSize);
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.fillRect(0, 0, this.inputSize, this.inputSize);
    const scale = this.inputSize / Math.max(width, height);
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
    context.imageSmoothingQuality = 'high';
    context.drawImage(source, Math.round((this.inputSize - w) / 2), Math.round((this.inputSize - h) / 2), w, h);
    return canvas;
  }
}

/** The RGB bytes of a canvas, without alpha. */
export function rgbOf(canvas) {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return Uint8Array.from({length: (data.length / 4) * 3}, (_, i) => data[Math.floor(i / 3) * 4 + (i % 3)]);
}
