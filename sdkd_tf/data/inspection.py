"""What a data folder holds, and everything that is wrong with it."""

import collections
import pathlib
from collections.abc import Collection, Iterator

from tqdm import tqdm

from sdkd_tf.data.checks import examine_all
from sdkd_tf.data.duplicates import across_splits
from sdkd_tf.data.layouts import read_layout
from sdkd_tf.data.layouts.listing import SPLITS, SUFFIXES
from sdkd_tf.data.layouts.names import is_left_behind
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import Example, Problems, TaskSequence, load_tasks
from sdkd_tf.data.targets import TREES

_OTHER_IMAGES = (".avif", ".bmp", ".gif", ".heic", ".heif", ".tif", ".tiff", ".webp")


def describe(options: DataOptions) -> tuple[list[str], list[str]]:
    """Reads a data folder and decodes every image.

    Returns:
      (description, problems), both lists of lines.

    Raises:
      UserError: the folder has no layout that is known, or lacks what was asked for.
    """
    problems = Problems()
    sequence = load_tasks(options, problems)
    # One image can be in the test set of several tasks.
    examples = {example.image: example for task in sequence.tasks for example in task.examples}
    sizes: collections.Counter = collections.Counter()
    found_in = examine_all(examples.values())
    looks = {}
    for image, (size, found, look) in zip(tqdm(examples, desc="reading images", unit="image"), found_in):
        sizes[size] += 1
        problems.add(image, found)
        looks[image] = look
    copies, alike = across_splits(sequence, looks)
    not_read = () if options.data_dir == "rendered" else _not_read(sequence.root, options.filelist)
    description = [*_summary(options.data_dir, sequence), *_images(examples.values(), sizes), *not_read]
    description += [f"warning: {line}" for line in alike]
    return description, [*dict.fromkeys([*problems.general, *copies]), *problems.image_lines]


def _summary(folder: str, sequence: TaskSequence) -> Iterator[str]:
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


def _images(examples: Collection[Example], sizes: collections.Counter) -> Iterator[str]:
    """Lines on the distinct images."""
    known = sorted((size, count) for size, count in sizes.items() if size)
    text = [f"{width}x{height} ({count})" for (width, height), count in known]
    yield f"images: {len(examples)}, sizes {', '.join(text) or 'unknown'}"
    yield f"masks: {sum(e.mask is not None for e in examples)}, boxes: {sum(e.box is not None for e in examples)}"


def _not_read(root: pathlib.Path, filelist: str | None) -> Iterator[str]:
    """Lines on images of kinds that no layout reads, and on images where the layout has none, if there are any."""
    files = {path for path in root.rglob("*") if path.is_file()}
    found = collections.Counter(path.suffix.lower() for path in files)
    kinds = [f"{found[suffix]} {suffix}" for suffix in _OTHER_IMAGES if found[suffix]]
    if kinds:
        yield f"not read: {', '.join(kinds)}; expected .jpg, .jpeg or .png"
    layout = read_layout(root, filelist)
    parts = [part for task in layout.tasks for part in task.splits.values()]
    read = {image for part in parts for images in part.images.values() for image in images}.union(layout.unused)
    elsewhere = sorted(path for path in files - read if path.suffix.lower() in SUFFIXES and _is_data(path, root))
    if elsewhere:
        yield f"not read: {len(elsewhere)} images that are not where the layout has them, such as {elsewhere[0]}"


def _is_data(path: pathlib.Path, root: pathlib.Path) -> bool:
    """Whether a file is neither a target, nor hidden, nor made by a system."""
    parts = path.relative_to(root).parts
    return parts[0] not in TREES and not any(map(is_left_behind, parts))
