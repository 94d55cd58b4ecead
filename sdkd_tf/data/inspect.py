"""Tells what a data folder holds and everything that is wrong with it.

python -m sdkd_tf.data.inspect DIR [--labels=category] [--factors=...] ...

Ends with exit code 1 if there are problems.
"""

import collections
import pathlib

from absl import app
from tqdm import tqdm

from sdkd_tf.data.layouts import read_layout
from sdkd_tf.data.layouts.listing import SPLITS, SUFFIXES
from sdkd_tf.data.selection_flags import selection
from sdkd_tf.data.sequence import Problems, examine_all, load_sequence
from sdkd_tf.data.targets import TREES
from sdkd_tf.errors import UserError, one_line_errors

_OTHER_IMAGES = (".avif", ".bmp", ".gif", ".heic", ".heif", ".tif", ".tiff", ".webp")


def main(argv):
    with one_line_errors():
        if len(argv) != 2:
            raise UserError(f"{len(argv) - 1} folders given; expected one, or the word rendered")
        problems = Problems()
        sequence = load_sequence(argv[1], **selection(), problems=problems)
        # One image can be in the test set of several tasks.
        examples = {e.image: e for task in sequence.tasks for split in SPLITS for e in getattr(task, split)}
        sizes = collections.Counter()
        found_in = examine_all(examples.values())
        for image, (size, found) in zip(tqdm(examples, desc="reading images", unit="image"), found_in):
            sizes[size] += 1
            problems.of_image(image, found)
        lines = [*dict.fromkeys(problems.general), *problems.image_lines]
        not_read = _not_read(argv[1], selection()["filelist"])
        print("\n".join([*_summary(argv[1], sequence), *_images(examples.values(), sizes), *not_read]))
        print("\n".join([f"problems: {len(lines) or 'none'}", *(f"  {line}" for line in lines)]))
        return 1 if lines else 0


def _summary(folder, sequence):
    """Lines on layout, classes and counts; a cell is the images of a split and the least and most of a class."""
    yield f"{folder}: layout {sequence.layout}" + (f" ({sequence.note})" if sequence.note else "")
    yield f"classes: {len(sequence.classes)} ({', '.join(sequence.classes)})"
    yield f"tasks: {len(sequence.tasks)}, in this order, with images (least to most of a class)"
    width = max((len(task.name) for task in sequence.tasks), default=0)
    for task in sequence.tasks:
        cells = []
        for split in SPLITS:
            counts = collections.Counter(example.label for example in getattr(task, split))
            of_class = [counts[label] for label in range(len(sequence.classes))] or [0]
            cells.append(f"{split} {sum(of_class)} ({min(of_class)} to {max(of_class)})")
        yield f"  {task.name:{width}}  " + "  ".join(cells)


def _images(examples, sizes):
    """Lines on the distinct images."""
    text = [f"{width}x{height} ({count})" for (width, height), count in sorted(s for s in sizes.items() if s[0])]
    yield f"images: {len(examples)}, sizes {', '.join(text) or 'unknown'}"
    yield f"masks: {sum(e.mask is not None for e in examples)}, boxes: {sum(e.box is not None for e in examples)}"


def _not_read(folder, filelist):
    """Lines on images of kinds that no layout reads, and on images where the layout has none, if there are any."""
    if folder == "rendered":
        return
    root = pathlib.Path(folder)
    files = {path for path in root.rglob("*") if path.is_file()}
    found = collections.Counter(path.suffix.lower() for path in files)
    kinds = [f"{found[suffix]} {suffix}" for suffix in _OTHER_IMAGES if found[suffix]]
    if kinds:
        yield f"not read: {', '.join(kinds)}; expected .jpg, .jpeg or .png"
    parts = [part for task in read_layout(root, filelist).tasks for part in task.splits.values()]
    read = {image for part in parts for images in part.images.values() for image in images}
    elsewhere = sorted(path for path in files - read if path.suffix.lower() in SUFFIXES and _is_data(path, root))
    if elsewhere:
        yield f"not read: {len(elsewhere)} images that are not where the layout has them, such as {elsewhere[0]}"


def _is_data(path, root):
    """Whether a file is neither a target nor hidden."""
    parts = path.relative_to(root).parts
    return parts[0] not in TREES and not any(part.startswith(".") for part in parts)


if __name__ == "__main__":
    app.run(main)
