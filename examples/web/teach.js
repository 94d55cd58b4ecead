// Teaching: photos of one object at a time, under a new or a known name, from which the head learns at once.
import {counted, download, folderName, sameName, thumbnail, whileHeld} from './photos.js';

const FEW = 5; // photos

const element = id => document.getElementById(id);
const tell = text => { element('lesson').textContent = text; };

/** The part of the page that teaches. */
export class Teaching {
  #photos = new Set(); // embeddings; the photos themselves are not kept
  #saved = true; // whether all that was learned was downloaded

  /**
   * @param {Head} head
   * @param {function(): ?Float32Array} view the embedding of what the page shows; none before it shows anything.
   * @param {function(File): Promise<boolean>} show shows a photo; false if it could not.
   * @param {function()} learned is called after the head has changed.
   */
  constructor(head, view, show, learned) {
    Object.assign(this, {head, view, show, learned});
    whileHeld(element('take'), async () => this.take(), error => tell(error.message));
    element('files').onchange = async event => {
      for (const file of [...event.target.files]) if (await this.show(file)) this.take();
      event.target.value = ''; // so that the same files can be chosen again
    };
    element('learn').onclick = () => {
      try {
        this.learn();
      } catch (error) {
        tell(error.message);
      }
    };
    element('save').onclick = () => this.save();
    window.onbeforeunload = event => { if (!this.#saved) event.preventDefault(); };
    this.#showNames();
    element('teach').hidden = false;
  }

  /** Takes what the page shows, unless it was taken already. */
  take() {
    const embedding = this.view();
    if (!embedding) throw new Error('there is nothing to see yet; use the camera or choose a photo');
    if (this.#photos.has(embedding)) return;
    this.#photos.add(embedding);
    const item = thumbnail(element('picture'), `photo ${this.#photos.size}`, () => {
      this.#photos.delete(embedding);
      this.#showCount();
    });
    element('photos').prepend(item); // so that the newest is in view
    this.#showCount();
  }

  learn() {
    const typed = element('name').value, count = this.#photos.size;
    const known = this.head.labels.find(label => sameName(label, typed.trim()));
    const name = known ?? folderName('class', typed);
    if (!count) throw new Error('there are no photos yet');
    this.head.add([...this.#photos], Array(count).fill(name));
    this.#saved = false;
    this.#photos.clear();
    element('photos').replaceChildren();
    element('name').value = '';
    this.#showNames();
    this.learned();
    tell(`${name}: ${counted(count, 'photo', 'photos')}, ${known ? 'corrected' : 'new'}`
      + (count < FEW ? `; ${FEW} or more, from all sides, are better` : ''));
  }

  save() {
    download(new Blob([JSON.stringify(this.head)], {type: 'application/json'}), 'head.json');
    this.#saved = true;
  }

  #showCount() {
    tell(this.#photos.size ? counted(this.#photos.size, 'photo', 'photos') : '');
  }

  #showNames() {
    const options = this.head.labels.map(value => Object.assign(document.createElement('option'), {value}));
    element('names').replaceChildren(...options);
  }
}
