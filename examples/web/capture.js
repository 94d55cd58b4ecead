// Collects the photos of a task by class, and saves them as a zip of the folders that `sdkd train --data_dir` reads.
import {Zip, ZipDeflate} from 'fflate';

const INTERVAL = 250; // milliseconds between the photos while a button is held
const QUALITY = 0.9; // of the JPEG files
const THUMBNAIL = 80; // height in pixels
const RESERVED = new RegExp(`^(${[
  'train(ing)?|val(id(ation)?)?|test(ing)?|masks|boxes|mask_and_bbox|batches_filelists', // sdkd_tf/data/layouts, targets.py
  'network trash folder|temporary items|recycler|system volume information', // sdkd_tf/data/layouts/names.py
  'con|prn|aux|nul|com\\d|lpt\\d', // Windows
].join('|')})$`, 'i');

const element = id => document.getElementById(id);
const tell = text => { element('status').textContent = text; };
const video = element('video');

const classes = []; // {name, photos, section}; photos maps file names to blobs
let held = null; // the hold of a button that takes photos; null after it is let go
let saved = true; // whether all photos were downloaded

/**
 * @param {string} what it names, for messages: `task` or `class`.
 * @param {string} text what the user typed.
 * @returns {string} the name of its folder: in Unicode NFC, without needless white space.
 * @throws {Error} a folder cannot have the name on every system, or it has another meaning in a data folder.
 */
export function folderName(what, text) {
  const name = text.normalize('NFC').replace(/\s+/g, ' ').trim();
  if (!name) throw new Error(`the ${what} has no name; expected one`);
  if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N} _-]*$/u.test(name)) {
    throw new Error(
      `${what} "${name}" cannot be a folder; expected letters, digits, spaces, - and _ after a letter or digit`);
  }
  if (RESERVED.test(name)) throw new Error(`${what} "${name}" is the name of a special folder; expected another name`);
  return name;
}

async function startCamera() {
  element('camera').disabled = true;
  try {
    if (!navigator.mediaDevices) throw new Error('needs https or localhost');
    video.srcObject = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
    video.srcObject.getVideoTracks()[0].onended = stopCamera;
    await video.play();
    if (document.hidden) return void stopCamera();
    showCamera();
    tell('');
  } catch (error) {
    stopCamera();
    tell(`camera: ${error.message}`);
  } finally {
    element('camera').disabled = false;
  }
}

function stopCamera() {
  held = null;
  video.srcObject?.getTracks().forEach(track => track.stop());
  video.srcObject = null;
  showCamera();
}

function showCamera() {
  video.hidden = !video.srcObject;
  element('camera').textContent = video.srcObject ? 'stop the camera' : 'use the camera';
  for (const button of document.querySelectorAll('.take')) button.disabled = !video.srcObject;
}

function addClass(text) {
  const name = folderName('class', text);
  const same = classes.find(other => other.name.toLowerCase() === name.toLowerCase()); // the same folder on some systems
  if (same) throw new Error(`class "${same.name}" is there already; expected another name`);
  const section = element('class').content.firstElementChild.cloneNode(true);
  const added = {name, photos: new Map(), section};
  const part = selector => section.querySelector(selector);
  part('h2').textContent = name;
  part('.remove').onclick = () => removeClass(added);
  const take = part('.take');
  take.onpointerdown = event => {
    if (event.button) return; // not the main one
    take.setPointerCapture(event.pointerId);
    takePhotos(added);
  };
  take.onlostpointercapture = () => { held = null; };
  take.onclick = event => { if (!event.detail) { takePhotos(added); held = null; } }; // by the keyboard
  take.oncontextmenu = event => event.preventDefault(); // a long touch
  classes.push(added);
  element('classes').append(section);
  showCount(added);
  showCamera();
}

function removeClass(removed) {
  if (removed.photos.size && !confirm(`Delete the ${removed.photos.size} photos of ${removed.name}?`)) return;
  classes.splice(classes.indexOf(removed), 1);
  removed.section.remove();
}

function showCount({photos, section}) {
  section.querySelector('.count').textContent = counted(photos.size, 'photo', 'photos');
}

const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/**
 * Takes photos until the button is let go, at least one. They are named by the time (UTC) at which it was pressed and a
 * running number, so that they sort by time, and sdkd takes them for a clip, which it does not split.
 */
async function takePhotos(taken) {
  const hold = held = {};
  const pressed = new Date().toISOString().replace(/[-:.]/g, '');
  try {
    for (let number = 0; held === hold; number++) {
      await takePhoto(taken, `${pressed}_${String(number).padStart(3, '0')}.jpg`);
      await new Promise(resolve => setTimeout(resolve, INTERVAL));
    }
  } catch (error) {
    tell(`photo: ${error.message}`);
  }
}

async function takePhoto(taken, file) {
  const frame = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  frame.getContext('2d').drawImage(video, 0, 0);
  taken.photos.set(file, await frame.convertToBlob({type: 'image/jpeg', quality: QUALITY}));
  saved = false;
  showThumbnail(taken, file, frame);
  showCount(taken);
}

/** The newest first, so that it is in view. */
function showThumbnail(taken, file, frame) {
  const item = document.createElement('li');
  const canvas = document.createElement('canvas');
  canvas.height = THUMBNAIL;
  canvas.width = Math.round(THUMBNAIL * frame.width / frame.height);
  canvas.getContext('2d').drawImage(frame, 0, 0, canvas.width, canvas.height);
  const button = Object.assign(document.createElement('button'), {textContent: '×', ariaLabel: `delete ${file}`});
  button.onclick = () => {
    taken.photos.delete(file);
    item.remove();
    showCount(taken);
  };
  item.append(canvas, button);
  taken.section.querySelector('.photos').prepend(item);
}

/** @returns {Promise<Blob>} a zip of `<task>/<class>/<photo>`. One photo at a time is in memory, the rest in blobs. */
async function zip(task) {
  const parts = [];
  const archive = new Zip((error, bytes) => {
    if (error) throw error;
    parts.push(new Blob([bytes]));
  });
  for (const {name, photos} of classes) {
    for (const [file, blob] of photos) {
      const entry = new ZipDeflate(`${task}/${name}/${file}`, {level: 0}); // JPEG does not get smaller
      Object.assign(entry, {os: 3, attrs: 0o100644 << 16}); // Unix, or unzip would misread letters such as é
      archive.add(entry);
      entry.push(new Uint8Array(await blob.arrayBuffer()), true);
    }
  }
  archive.end();
  return new Blob(parts, {type: 'application/zip'});
}

async function download() {
  const task = folderName('task', element('task').value);
  const counts = classes.map(({photos}) => photos.size).filter(Boolean);
  if (!counts.length) throw new Error('there are no photos yet');
  saved = true; // before a photo is taken that misses the zip
  const blob = await zip(task).catch(error => { saved = false; throw error; });
  const link = Object.assign(document.createElement('a'), {href: URL.createObjectURL(blob), download: `${task}.zip`});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers still read it after the click
  const total = counts.reduce((a, b) => a + b);
  const few = counts.length < 2 || Math.min(...counts) < 3;
  tell(`${link.download}: ${counted(total, 'photo', 'photos')} of ${counted(counts.length, 'class', 'classes')}`
    + (few ? '; training needs two classes or more, of three photos or more' : ''));
}

/** Deletes the photos and keeps the classes, which are the same in every task. */
function nextTask() {
  if (!saved && !confirm('Some photos were not downloaded. Delete them?')) return;
  for (const each of classes) {
    each.photos.clear();
    each.section.querySelector('.photos').replaceChildren();
    showCount(each);
  }
  saved = true;
  element('task').value = '';
  element('task').focus();
  tell('');
}

element('camera').onclick = () => video.srcObject ? stopCamera() : startCamera();
element('add').onsubmit = event => {
  event.preventDefault();
  try {
    addClass(element('name').value);
    element('name').value = '';
    tell('');
  } catch (error) {
    tell(error.message);
  }
};
element('download').onclick = () => {
  element('download').disabled = true;
  download().catch(error => tell(error.message)).finally(() => { element('download').disabled = false; });
};
element('next').onclick = nextTask;
document.onvisibilitychange = () => { if (document.hidden) stopCamera(); };
window.onbeforeunload = event => { if (!saved) event.preventDefault(); };
