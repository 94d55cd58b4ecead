import {Recognizer, rgbOf} from './recognizer.js';

const element = id => document.getElementById(id);
const TOP = 3;

async function show(recognizer, source, width, height) {
  const canvas = recognizer.letterbox(source, width, height);
  const {probabilities, saliency, milliseconds} = await recognizer.run(rgbOf(canvas));
  draw(canvas, saliency);
  const best = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, TOP);
  element('labels').replaceChildren(...best.map(i => {
    const item = document.createElement('li');
    item.textContent = `${recognizer.labels[i]} ${probabilities[i].toFixed(3)}`;
    return item;
  }));
  element('status').textContent = `${milliseconds.toFixed(1)} ms`;
}

/** The square that the network saw, its salient part in red. */
function draw(canvas, saliency) {
  const side = Math.sqrt(saliency.length);
  const map = new OffscreenCanvas(side, side);
  const red = new ImageData(side, side);
  saliency.forEach((value, i) => red.data.set([255, 0, 0, 150 * value], 4 * i));
  map.getContext('2d').putImageData(red, 0, 0);
  const picture = element('picture');
  [picture.width, picture.height] = [4 * canvas.width, 4 * canvas.height];
  const context = picture.getContext('2d');
  context.drawImage(canvas, 0, 0, picture.width, picture.height);
  context.drawImage(map, 0, 0, picture.width, picture.height);
}

async function showFile(recognizer, file) {
  try {
    const bitmap = await createImageBitmap(file);
    await show(recognizer, bitmap, bitmap.width, bitmap.height);
  } catch (error) {
    element('status').textContent = `${file.name}: ${error.message}`;
  }
}

async function startCamera(recognizer) {
  const video = document.createElement('video');
  video.srcObject = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
  await video.play();
  const frame = async () => {
    await show(recognizer, video, video.videoWidth, video.videoHeight);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

try {
  const recognizer = await Recognizer.load('model');
  window.recognizer = recognizer;
  element('status').textContent = `${recognizer.labels.length} objects, input ${recognizer.inputSize}`;
  element('file').onchange = event => showFile(recognizer, event.target.files[0]);
  element('camera').onclick = () =>
    startCamera(recognizer).catch(error => { element('status').textContent = `camera: ${error.message}`; });
  const drop = element('drop');
  drop.ondragover = event => { event.preventDefault(); drop.classList.add('over'); };
  drop.ondragleave = () => drop.classList.remove('over');
  drop.ondrop = event => {
    event.preventDefault();
    drop.classList.remove('over');
    if (event.dataTransfer.files.length) showFile(recognizer, event.dataTransfer.files[0]);
  };
} catch (error) {
  element('status').textContent = `The model cannot be loaded: ${error.message}`;
}
