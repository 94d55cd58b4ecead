// Teaching: photos of one object at a time, under a new or a known name, from which the head learns at once.
import {counted, download, folderName, sameName, thumbnail, whileHeld} from './photos.js';

const FEW = 5; // photos

const element = id => document.getElementById(id);
const tell = text => { element('lesson').textContent = text; };

/**
 * Shows the part of the page that teaches.
 * @param {Head} head
 * @param {function(): ?Float32Array} view the embedding of what the page shows; null before it shows anything.
 * @param {function(File): Promise<boolean>} show shows a photo; false if it could not.
 * @param {function()} learned is called after the head has changed.
 */
export function offerTeaching(head, view, show, learned) {
  const photos = new Set(); // embeddings; the photos themselves are not kept
  let saved = true; // whether all that was learned was downloaded

  /** Takes what the page shows, unless it was taken already. */
  async function take() {
    const embedding = view();
    if (!embedding) throw new Error('there is nothing to see yet; use the camera or choose a photo');
    if (photos.has(embedding)) return;
    photos.add(embedding);
    element('photos').prepend(thumbnail(element('picture'), `photo ${photos.size}`, () => {
      photos.delete(embedding);
      showCount();
    }));
    showCount();
  }

  function showCount() {
    tell(photos.size ? counted(photos.size, 'photo', 'photos') : '');
  }

  async function takeFiles(files) {
    for (const file of files) if (await show(file)) await take();
  }

  function learn() {
    const typed = element('name').value;
    const known = head.labels.find(label => sameName(label, typed.trim()));
    const name = known ?? folderName('class', typed);
    if (!photos.size) throw new Error('there are no photos yet');
    head.add([...photos], Array(photos.size).fill(name));
    saved = false;
    tell(`${name}: ${counted(photos.size, 'photo', 'photos')}, ${known ? 'corrected' : 'new'}`
      + (photos.size < FEW ? `; ${FEW} or more, from several sides, are better` : ''));
    photos.clear();
    element('photos').replaceChildren();
    element('name').value = '';
    showNames();
    learned();
  }

  function showNames() {
    const options = head.labels.map(value => Object.assign(document.createElement('option'), {value}));
    element('names').replaceChildren(...options);
  }

  whileHeld(element('take'), take, error => tell(error.message));
  element('files').onchange = async event => {
    await takeFiles([...event.target.files]);
    event.target.value = ''; // so that the same files can be chosen again
  };
  element('learn').onclick = () => {
    try {
      learn();
    } catch (error) {
      tell(error.message);
    }
  };
  element('save').onclick = () => {
    download(new Blob([JSON.stringify(head)], {type: 'application/json'}), 'head.json');
    saved = true;
  };
  window.onbeforeunload = event => { if (!saved) event.preventDefault(); };
  showNames();
  element('teach').hidden = false;
}
