// Collects the photos of a task by class, and saves them as a zip of the folders that `sdkd train --data_dir` reads.
import {Zip, ZipDeflate} from 'fflate';
import {counted, download, folderName, sameName, thumbnail, whileHeld} from './photos.js';

const QUALITY = 0.9; // of the JPEG files

const element = id => document.getElementById(id);
const tell = text => { element('status').textContent = text; };
const video = element('video');

const classes = []; // {name, photos, section}; photos maps file names to blobs
let saved = true; // whether all photos were downloaded

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
  const same = classes.find(other => sameName(other.name, name));
  if (same) throw new Error(`class "${same.name}" is there already; expected another name`);
  const section = element('class').content.firstElementChild.cloneNode(true);
  const added = {name, photos: new Map(), section};
  const part = selector => section.querySelector(selector);
  part('h2').textContent = name;
  part('.remove').onclick = () => removeClass(added);
  const take = (pressed, number) => takePhoto(added, pressed, number);
  whileHeld(part('.take'), take, error => tell(`photo: ${error.message}`));
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

/**
 * Takes a photo. It is named by the time (UTC) at which the button was pressed and a running number, so that photos sort
 * by time, and sdkd takes those of one hold for a clip, which it does not split.
 */
async function takePhoto(taken, pressed, number) {
  const file = `${pressed.toISOString().replace(/[-:.]/g, '')}_${String(number).padStart(3, '0')}.jpg`;
  const frame = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  frame.getContext('2d').drawImage(video, 0, 0);
  taken.photos.set(file, await frame.convertToBlob({type: 'image/jpeg', quality: QUALITY}));
  saved = false;
  const item = thumbnail(frame, file, () => {
    taken.photos.delete(file);
    showCount(taken);
  });
  taken.section.querySelector('.photos').prepend(item); // so that the newest is in view
  showCount(taken);
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

async function downloadTask() {
  const task = folderName('task', element('task').value);
  const counts = classes.map(({photos}) => photos.size).filter(Boolean);
  if (!counts.length) throw new Error('there are no photos yet');
  saved = true; // before a photo is taken that misses the zip
  const blob = await zip(task).catch(error => { saved = false; throw error; });
  download(blob, `${task}.zip`);
  const total = counts.reduce((a, b) => a + b);
  const few = counts.length < 2 || Math.min(...counts) < 3;
  tell(`${task}.zip: ${counted(total, 'photo', 'photos')} of ${counted(counts.length, 'class', 'classes')}`
    + (few ? '; training needs two classes or more, of three photos or more' : ''));
}

/** Deletes the photos and keeps the classes. */
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
  downloadTask().catch(error => tell(error.message)).finally(() => { element('download').disabled = false; });
};
element('next').onclick = nextTask;
document.onvisibilitychange = () => { if (document.hidden) stopCamera(); };
window.onbeforeunload = event => { if (!saved) event.preventDefault(); };
