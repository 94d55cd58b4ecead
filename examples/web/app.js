import {Recognizer} from './recognizer.js';
import {Teaching} from './teach.js';

const element = id => document.getElementById(id);
const tell = text => { element('status').textContent = text; };
const TOP = 3;

let turn = 0; // a new photo, a started or a stopped camera takes the turn; what is still running for an older one shows nothing
let camera = null; // the turn of the camera
let stream = null; // of the camera
let seen = null; // what `run` answered to the picture that is shown

const release = opened => opened?.getTracks().forEach(track => track.stop());

function takeTurn() {
  release(stream);
  stream = null;
  element('camera').textContent = 'use the camera';
  return ++turn;
}

/** Shows a picture and what is recognized in it, unless another one takes the turn. Returns whether it did. */
async function show(recognizer, source, width, height, mine) {
  const rgb = recognizer.letterbox(source, width, height);
  const answer = await recognizer.run(rgb);
  if (mine !== turn) return false;
  seen = answer;
  draw(rgb, recognizer.inputSize, seen.saliency);
  showLabels(recognizer);
  tell(`${seen.milliseconds.toFixed(1)} ms`);
  return true;
}

/** The most probable labels of what is seen, by the head if the model has one. */
function showLabels({head, labels}) {
  const {probabilities, known} = head ? head.classify(seen.embedding) : {...seen, known: true};
  element('unknown').hidden = known;
  const best = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, TOP);
  element('labels').replaceChildren(...best.map(i => {
    const item = document.createElement('li');
    item.textContent = `${(head?.labels ?? labels)[i]} ${probabilities[i].toFixed(3)}`;
    return item;
  }));
}

/** The square that the network saw, its salient part in red. */
function draw(rgb, size, saliency) {
  const square = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) square.data.set([rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 255], 4 * i);
  const side = Math.sqrt(saliency.length);
  const red = new ImageData(side, side);
  saliency.forEach((value, i) => red.data.set([255, 0, 0, 150 * value], 4 * i));
  const picture = element('picture');
  picture.width = picture.height = 4 * size;
  for (const data of [square, red]) {
    const canvas = new OffscreenCanvas(data.width, data.height);
    canvas.getContext('2d').putImageData(data, 0, 0);
    picture.getContext('2d').drawImage(canvas, 0, 0, picture.width, picture.height);
  }
}

async function showFile(recognizer, file) {
  if (!file) return false; // the dialog was cancelled
  const mine = takeTurn();
  try {
    const bitmap = await createImageBitmap(file);
    const shown = await show(recognizer, bitmap, bitmap.width, bitmap.height, mine);
    bitmap.close();
    return shown;
  } catch (error) {
    if (mine === turn) tell(`${file.name}: ${error.message}`);
    return false;
  }
}

/** Starts the camera, or stops it if it has been started. */
async function toggleCamera(recognizer) {
  if (camera === turn) return void takeTurn();
  const mine = camera = takeTurn();
  element('camera').textContent = 'stop the camera';
  try {
    if (!navigator.mediaDevices) throw new Error('needs https or localhost');
    const opened = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
    if (mine !== turn) return release(opened);
    stream = opened;
    stream.getVideoTracks()[0].onended = () => { if (mine === turn) takeTurn(); };
    const video = Object.assign(document.createElement('video'), {srcObject: stream, playsInline: true, muted: true});
    await video.play();
    while (mine === turn) {
      await show(recognizer, video, video.videoWidth, video.videoHeight, mine);
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    if (mine !== turn) return;
    takeTurn();
    tell(`camera: ${error.message}`);
  }
}

function listen(recognizer) {
  element('file').onchange = event => {
    showFile(recognizer, event.target.files[0]);
    event.target.value = ''; // so that the same file can be chosen again
  };
  element('camera').onclick = () => toggleCamera(recognizer);
  document.onvisibilitychange = () => { if (document.hidden && camera === turn) takeTurn(); };
  document.ondragover = event => { event.preventDefault(); element('drop').classList.add('over'); };
  document.ondragleave = () => element('drop').classList.remove('over');
  document.ondrop = event => {
    event.preventDefault();
    element('drop').classList.remove('over');
    showFile(recognizer, event.dataTransfer.files[0]);
  };
}

try {
  const recognizer = await Recognizer.load('model');
  window.recognizer = recognizer;
  const {head, inputSize} = recognizer;
  tell(`${(head ?? recognizer).labels.length} objects, input ${inputSize}`);
  listen(recognizer);
  if (head) {
    const learned = () => { if (seen) showLabels(recognizer); };
    new Teaching(head, () => seen?.embedding, file => showFile(recognizer, file), learned);
  }
  for (const control of [element('file'), element('camera')]) control.disabled = false;
} catch (error) {
  tell(`The model cannot be loaded: ${error.message}`);
}
