"""A task sequence on disk, in any of the layouts of `layouts.LAYOUTS`, with its saliency targets."""

import collections
import concurrent.futures
import dataclasses
import hashlib
import pathlib

from sdkd_tf.data.images import open_image, open_mask
from sdkd_tf.data.layouts import LAYOUTS, read_layout
from sdkd_tf.data.layouts.listing import SPLITS
from sdkd_tf.data.rendered import rendered_benchmark
from sdkd_tf.data.selection import select
from sdkd_tf.data.targets import TargetFinder, read_box
from sdkd_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class Example:
    """One image.

    Attributes:
      image: its file.
      label: the index of its class in `TaskSequence.classes`.
      mask: its object mask's file, if there is one.
      box: (xmin, ymin, xmax, ymax) in pixels, if there is one; where there is a mask too, the mask counts.
    """

    image: pathlib.Path
    label: int
    mask: pathlib.Path | None
    box: tuple[int, int, int, int] | None = None

    def to_json(self):
        """Itself as lists, strings and numbers."""
        return [str(self.image), self.label, str(self.mask) if self.mask else None, self.box]

    @classmethod
    def from_json(cls, saved):
        """The Example that `to_json` saved."""
        image, label, mask, box = saved
        return cls(pathlib.Path(image), label, pathlib.Path(mask) if mask else None, tuple(box) if box else None)

    @property
    def stored_bytes(self):
        """Size of its files: what keeping it costs."""
        return sum(path.stat().st_size for path in (self.image, self.mask) if path)


@dataclasses.dataclass(frozen=True)
class Task:
    """One task: its name and its examples."""

    name: str
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]


@dataclasses.dataclass(frozen=True)
class TaskSequence:
    """Tasks in the order they arrive, with one label set for all; the layout they were read from, and its note."""

    classes: tuple[str, ...]
    tasks: tuple[Task, ...]
    layout: str = "tasks"
    note: str = ""


@dataclasses.dataclass
class Problems:
    """What is wrong with data, one line each.

    Attributes:
      general: what no single image is to blame for.
      images: image file -> what is wrong with it, its mask or its box.
    """

    general: list[str] = dataclasses.field(default_factory=list)
    images: dict[pathlib.Path, list[str]] = dataclasses.field(default_factory=dict)

    def of_image(self, image, lines):
        """Adds what is wrong with an image, if anything is; what is known already stays as it is."""
        new = [line for line in lines if line not in self.images.get(image, ())]
        if new:
            self.images.setdefault(image, []).extend(new)

    @property
    def image_lines(self):
        """The lines of all images, once each."""
        return list(dict.fromkeys(line for lines in self.images.values() for line in lines))


def load_sequence(
    data_dir,
    max_tasks=None,
    labels="instance",
    tasks=None,
    factors=None,
    levels=None,
    objects=None,
    filelist=None,
    problems=None,
):
    """Finds out the layout and reads it, without opening an image.

    Args:
      data_dir: the root folder, or the word `rendered` for the bundled benchmark.
      max_tasks, labels, tasks, factors, levels, objects: which part to use, see `selection.select`; all by default.
      filelist: the sub-folder to use of Avalanche's file lists, see `layouts.read_layout`.
      problems: a Problems to collect what is wrong with the data; None raises the first instead.

    Returns:
      A TaskSequence. Every split of every task holds every class, unless `problems` tells otherwise.

    Raises:
      UserError: the data lack what was asked for, or `problems` is None and there is one.
    """
    root = rendered_benchmark() if str(data_dir) == "rendered" else pathlib.Path(data_dir)
    if not root.is_dir():
        raise UserError(f"data_dir {root}: no such directory; expected {' or '.join(LAYOUTS.values())}")
    report = _raise if problems is None else problems.general.append
    layout = read_layout(root, filelist)
    for problem in layout.problems:
        report(problem)
    listings = select(layout, max_tasks, labels, tasks, factors, levels, objects)
    for problem in dict.fromkeys(_problems(listings, f" ({layout.note})" if layout.note else "")):
        report(problem)
    parts = [part for listing in listings for part in listing.splits.values()]
    classes = tuple(dict.fromkeys(name for part in parts for name in part.images))
    number = {name: label for label, name in enumerate(classes)}
    sequence = []
    for listing in listings:
        find_targets = TargetFinder(root, listing.factor, listing.level)
        splits = {split: [] for split in SPLITS}
        for split, part in listing.splits.items():
            for name, files in part.images.items():
                splits[split] += [_example(file, number[name], find_targets, problems) for file in files]
        sequence.append(Task(listing.name, **{split: tuple(examples) for split, examples in splits.items()}))
    for problem in _ambiguous(sequence):
        report(problem)
    return TaskSequence(classes, tuple(sequence), layout.name, layout.note)


def check_images(sequence, problems, skip_bad_images=False, progress=lambda x: x):
    """Decodes every image once, so that bad data stop a run before its first step.

    Args:
      sequence: a TaskSequence.
      problems: the Problems that `load_sequence` collected; those of the images are added.
      skip_bad_images: leave out images that cannot be used, rather than stop.
      progress: wraps the iteration, for instance tqdm.

    Returns:
      (sequence, fingerprint): the TaskSequence without the images in `problems`; SHA-256, in hexadecimal, of the labels,
      boxes, and files of images and masks that are left, in their order.

    Raises:
      UserError: all problems, one a line; with `skip_bad_images`, those that no single image is to blame for, such as a class
        of which no image is left.
    """
    digest = hashlib.sha256()
    examples = [e for task in sequence.tasks for split in SPLITS for e in getattr(task, split)]
    for example, (_, found) in zip(progress(examples), examine_all(examples)):
        problems.of_image(example.image, found)
        if example.image not in problems.images:
            digest.update(f"{example.label} {example.box}".encode())
            for path in (example.image, example.mask):
                digest.update(path.read_bytes() if path else b"")
    used = without_images(sequence, problems.images)
    wrong = [*problems.general, *(_emptied(sequence, used) if skip_bad_images else problems.image_lines)]
    if wrong:
        raise UserError(wrong[0] if len(wrong) == 1 else "\n  ".join([f"the data have {len(wrong)} problems:", *wrong]))
    return used, digest.hexdigest()


def without_images(sequence, images):
    """The TaskSequence without some images.

    Args:
      sequence: a TaskSequence.
      images: their files.
    """
    tasks = [
        Task(task.name, *(tuple(e for e in getattr(task, split) if e.image not in images) for split in SPLITS))
        for task in sequence.tasks
    ]
    return dataclasses.replace(sequence, tasks=tuple(tasks))


def _emptied(before, after):
    """Tells the classes of which a split of a task had images and has none left."""
    for old, new in zip(before.tasks, after.tasks):
        for split in SPLITS:
            gone = {e.label for e in getattr(old, split)} - {e.label for e in getattr(new, split)}
            for label in sorted(gone):
                yield f"task {old.name}, {split}: no image of class {before.classes[label]!r} can be used; expected one"


def examine_all(examples):
    """Yields what `examine` returns of each Example, in their order; Pillow decodes on all cores at once."""
    pool = concurrent.futures.ThreadPoolExecutor()
    try:
        yield from pool.map(examine, examples)
    finally:
        pool.shutdown(cancel_futures=True)  # of those that nobody waits for any more


def examine(example):
    """Decodes an image and its mask.

    Args:
      example: an Example.

    Returns:
      ((width, height) or None if the image cannot be read, a list of problems, one line each): a file that cannot be
      read, a mask of another size than its image, a box that is empty or leaves its image.
    """
    problems = []
    try:
        str(example.image).encode()
    except UnicodeEncodeError:
        return None, [f"image {ascii(str(example.image))}: its name is no UTF-8; rename it"]
    try:
        size = width, height = open_image(example.image).size
    except UserError as error:
        return None, [str(error)]
    if example.mask:
        try:
            mask_size = open_mask(example.mask).size
            if mask_size != size:
                expected = f"expected {_by(size)}, its image's size"
                problems.append(f"mask {example.mask}: is {_by(mask_size)}; {expected}")
        except UserError as error:
            problems.append(str(error))
    if example.box:
        xmin, ymin, xmax, ymax = example.box
        if not (0 <= xmin < xmax <= width and 0 <= ymin < ymax <= height):
            expected = f"expected 0 <= xmin < xmax <= {width} and 0 <= ymin < ymax <= {height}"
            problems.append(f"box of {example.image}: is {xmin}, {ymin}, {xmax}, {ymax}; {expected}")
    return size, problems


def _raise(problem):
    raise UserError(problem)


def _by(size):
    return f"{size[0]}x{size[1]}"


def _problems(listings, note):
    """What is wrong with the chosen tasks: parts that cannot be read, classes that differ, classes without images."""
    readable = []
    for listing in listings:
        for split, part in listing.splits.items():
            yield from part.problems
            if part.images or not part.problems:
                readable.append((split, part))
    for split, part in readable:
        reference = readable[0][1]
        for name in sorted(set(reference.images) ^ set(part.images)):
            here, there = (part, reference) if name in part.images else (reference, part)
            yield (
                f"class {name!r} is in {here.where} but not in {there.where};"
                " expected the same classes in every split and task"
            )
        for name, files in part.images.items():
            if not files:
                yield f"{part.where}/{name}: holds no image for {split}; expected *.jpg or *.png{note}"


def _ambiguous(tasks):
    """Lines on images whose label, split or mask is not one, each with the number of them and the first as an example."""
    labels, splits, masked = (collections.defaultdict(set) for _ in range(3))
    twice = set()
    for task in tasks:
        for split in SPLITS:
            counts = collections.Counter(example.image for example in getattr(task, split))
            twice |= {image for image, count in counts.items() if count > 1}
            for example in getattr(task, split):
                labels[example.image].add(example.label)
                splits[example.image].add(split)
                if example.mask:
                    masked[example.mask].add(example.image)
    for found, what in (
        ([image for image, its in labels.items() if len(its) > 1], "have several labels, such as {}; expected one"),
        (twice, "are listed twice in a task, such as {}; expected each once"),
        (
            [image for image, its in splits.items() if len(its) > 1],
            "are in more than one of train, validation and test, such as {}; expected one of them",
        ),
    ):
        if found:
            yield f"{len(found)} images {what.format(min(found))}"
    shared = {mask: images for mask, images in masked.items() if len(images) > 1}
    if shared:
        mask = min(shared)
        yield (
            f"{len(shared)} masks fit several images, such as {mask} both {min(shared[mask])} and {max(shared[mask])}; expected"
            " one image a mask, or no masks"
        )


def _example(image, label, find_targets, problems):
    mask = box = None
    try:
        mask, file = find_targets(image)
        box = read_box(file) if file else None
    except UserError as error:
        if problems is None:
            raise
        problems.of_image(image, [str(error)])
    return Example(image, label, mask, box)
