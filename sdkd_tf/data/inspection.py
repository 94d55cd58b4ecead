"""Describes the content of a data folder, and lists its problems."""

import collections
import pathlib
from collections.abc import Collection, Iterator

from sdkd_tf.data.checks import examine_all
from sdkd_tf.data.duplicates import across_splits
from sdkd_tf.data.layouts import read_layout
from sdkd_tf.data.layouts.listing import SPLITS, SUFFIXES, files_below
from sdkd_tf.data.leftovers import leftovers
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import Example, Problems, TaskSequence, load_tasks
from sdkd_tf.data.targets import TREES


def describe(options: DataOptions) -> tuple[list[str], list[str]]:
    """Reads a data folder and decodes every image.

    Returns:
      (description, problems), both lists of lines.

    Raises:
      UserError: the folder has no known layout, or lacks the tasks or objects asked for.
    """
    problems = Problems()
    sequence = load_tasks(options, problems)
    # An image can be in the test set of several tasks.
    examples = {example.image: example for task in sequence.tasks for example in task.examples}
    hashes, sizes = examine_all(examples.values(), problems, "reading images")
    copies, alike = across_splits(sequence, hashes)
    misnamed, unused = leftovers(sequence.root)
    if options.data_dir != "rendered":
        alike += _elsewhere(sequence.root, options.filelist)
    description = [*_summary(options.data_dir, sequence), *_images(examples.values(), sizes)]
    description += [f"warning: {line}" for line in [*alike, *unused]]
    return description, [*dict.fromkeys([*problems.general, *copies, *misnamed]), *problems.image_lines]


def _summary(folder: str, sequence: TaskSequence) -> Iterator[str]:
    """Lines on the layout, the classes, and the number of images per split, with the range over the classes."""
    yield f"{folder}: layout {sequence.layout}" + (f" ({sequence.note})" if sequence.note else "")
    yield f"classes: {len(sequence.classes)} ({', '.join(sequence.classes)})"
    yield f"tasks: {len(sequence.tasks)}, in this order, with images per split (fewest to most per class)"
    width = max((len(task.name) for task in sequence.tasks), default=0)
    known: set[int] = set()
    for task in sequence.tasks:
        labels = {example.label for example in task.examples}
        cells = []
        for split in SPLITS:
            counts = collections.Counter(example.label for example in getattr(task, split))
            per_class = [counts[label] for label in labels] or [0]
            cells.append(f"{split} {sum(per_class)} ({min(per_class)} to {max(per_class)})")
        for what, different in (("new", labels - known), ("not here", known - labels)):
            if known and different:
                cells.append(f"{what}: {', '.join(sequence.classes[label] for label in sorted(different))}")
        known |= labels
        yield f"  {task.name:{width}}  " + "  ".join(cells)


def _images(examples: Collection[Example], sizes: collections.Counter) -> Iterator[str]:
    """Lines on the sizes of the distinct images, and on masks and boxes."""
    known = sorted((size, count) for size, count in sizes.items() if size)
    text = [f"{width}x{height} ({count})" for (width, height), count in known]
    yield f"images: {len(examples)}, sizes {', '.join(text) or 'unknown'}"
    yield f"masks: {sum(e.mask is not None for e in examples)}, boxes: {sum(e.box is not None for e in examples)}"


def _elsewhere(root: pathlib.Path, filelist: str | None) -> Iterator[str]:
    """A line on images that lie where the layout expects none, if there are any."""
    layout = read_layout(root, filelist)
    parts = [part for task in layout.tasks for part in task.splits.values()]
    read = {image for part in parts for images in part.images.values() for image in images}.union(layout.unused)
    images = (path for path in files_below(root, but=TREES) if path.suffix.lower() in SUFFIXES)
    elsewhere = [path for path in images if path not in read]
    if elsewhere:
        yield f"{root}: {len(elsewhere)} images are ignored, as they do not fit the layout, such as {elsewhere[0]}"
