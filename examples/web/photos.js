// Taking photos of objects and naming them, for the pages that do: capture.html and index.html.

const INTERVAL = 250; // milliseconds between the photos while a button is held
const THUMBNAIL = 80; // height in pixels
const RESERVED = new RegExp(`^(${[
  'train(ing)?|val(id(ation)?)?|test(ing)?|masks|boxes|mask_and_bbox|batches_filelists', // sdkd_tf/data: layouts, targets
  'network trash folder|temporary items|recycler|system volume information', // sdkd_tf/data/layouts/names
  'con|prn|aux|nul|com\\d|lpt\\d', // Windows
].join('|')})$`, 'i');

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

/** Whether two names of classes are the same, as they are for some file systems. */
export const sameName = (a, b) => a.toLowerCase() === b.toLowerCase();

export const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/**
 * Takes photos while a button is held, at least one, until it is let go or disabled.
 * @param {HTMLButtonElement} button
 * @param {function(Date, number): Promise} take takes one; gets the time at which the button was pressed, and a running
 *   number.
 * @param {function(Error)} fail is called if one could not be taken.
 */
export function whileHeld(button, take, fail) {
  let held = null; // the hold; null after the button is let go
  const press = async () => {
    const hold = held = {};
    const pressed = new Date();
    try {
      for (let number = 0; held === hold && !button.disabled; number++) {
        await take(pressed, number);
        await new Promise(resolve => setTimeout(resolve, INTERVAL));
      }
    } catch (error) {
      fail(error);
    }
  };
  button.onpointerdown = event => {
    if (event.button) return; // not the main one
    button.setPointerCapture(event.pointerId);
    press();
  };
  button.onlostpointercapture = () => { held = null; };
  button.onclick = event => { if (!event.detail) { press(); held = null; } }; // by the keyboard
  button.oncontextmenu = event => event.preventDefault(); // a long touch
}

/**
 * @param {HTMLCanvasElement|OffscreenCanvas} photo
 * @param {string} name of the photo, for screen readers.
 * @param {function()} remove is called after the user deletes it.
 * @returns {HTMLLIElement} a small copy with a button to delete it.
 */
export function thumbnail(photo, name, remove) {
  const item = document.createElement('li');
  const canvas = document.createElement('canvas');
  canvas.height = THUMBNAIL;
  canvas.width = Math.round(THUMBNAIL * photo.width / photo.height);
  canvas.getContext('2d').drawImage(photo, 0, 0, canvas.width, canvas.height);
  const button = Object.assign(document.createElement('button'), {textContent: '×', ariaLabel: `delete ${name}`});
  button.onclick = () => {
    item.remove();
    remove();
  };
  item.append(canvas, button);
  return item;
}

/** Saves a file where the browser puts downloads. */
export function download(blob, name) {
  const link = Object.assign(document.createElement('a'), {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers still read it after the click
}
