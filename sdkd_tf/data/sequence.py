"""The task sequence in a data folder of any layout: images, labels and saliency targets."""

import collections
import dataclasses
import pathlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from sdkd_tf.data.layouts import LAYOUTS, read_layout
from sdkd_tf.data.layouts.listing import SPLITS, Listing
from sdkd_tf.data.layouts.names import flaw, natural_key
from sdkd_tf.data.rendered import rendered_benchmark
from sdkd_tf.data.selection import DataOptions, select
from sdkd_tf.data.targets import Box, TargetFinder, read_box
from sdkd_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class Example:
    """One image.

    Attributes:
      image: the image file.
      label: index of its class in `TaskSequence.classes`.
      mask: file of its object mask, if it has one.
      box: (xmin, ymin, xmax, ymax) in pixels, if it has one; a mask takes precedence.
    """

    image: pathlib.Path
    label: int
    mask: pathlib.Path | None
    box: Box | None = None

    @property
    def stored_bytes(self) -> int:
        """Size of the image and mask files, the cost of keeping them."""
        return sum(path.stat().st_size for path in (self.image, self.mask) if path)


@dataclasses.dataclass(frozen=True)
class Task:
    """One task: its name and its examples."""

    name: str
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]

    @property
    def examples(self) -> tuple[Example, ...]:
        """The examples of all splits."""
        return (*self.train, *self.validation, *self.test)


@dataclasses.dataclass(frozen=True)
class TaskSequence:
    """Tasks in the order in which they are learned. A later task may have further classes, or lack some.

    Attributes:
      classes: names of the classes, in Unicode NFC, in natural order within the task that adds them. The labels are
        their indices.
      tasks: the Tasks.
      root: the data folder.
      layout: a key of `layouts.LAYOUTS`.
      note: how the data were split, if the layout does not define it.
    """

    classes: tuple[str, ...]
    tasks: tuple[Task, ...]
    root: pathlib.Path
    layout: str = "tasks"
    note: str = ""

    def relative(self, image: pathlib.Path) -> str:
        """Path of an image relative to the root, with forward slashes."""
        return image.relative_to(self.root).as_posix()

    def by_classes(self, sizes: Sequence[int]) -> "TaskSequence":
        """The sequence in which each task has the images of all tasks of some of the classes, in their order.

        Args:
          sizes: numbers of classes; the first task has the first `sizes[0]` of them, and so on.

        Raises:
          UserError: they do not add up to the number of classes, or a task has no images.
        """
        if sum(sizes) != len(self.classes):
            raise UserError(
                f"class_groups is {','.join(map(str, sizes))}; expected numbers that add up to {len(self.classes)},"
                " the number of classes"
            )
        tasks = []
        for first, size in zip(np.cumsum([0, *sizes]), sizes):
            labels = range(first, first + size)
            every = ([e for t in self.tasks for e in getattr(t, s) if e.label in labels] for s in SPLITS)
            tasks.append(Task(f"classes{first + 1}-{first + size}", *map(tuple, every)))
            if not tasks[-1].examples:
                raise UserError(f"class_groups: no image shows a class of task {tasks[-1].name}; expected some of each")
        return dataclasses.replace(self, tasks=tuple(tasks))

    def without(self, images: set[str]) -> "TaskSequence":
        """The sequence without the given images, named as by `relative`."""

        def kept(examples: Sequence[Example]) -> tuple[Example, ...]:
            return tuple(example for example in examples if self.relative(example.image) not in images)

        tasks = tuple(Task(task.name, *(kept(getattr(task, split)) for split in SPLITS)) for task in self.tasks)
        return dataclasses.replace(self, tasks=tasks)


@dataclasses.dataclass
class Problems:
    """Problems of a data set, one line each.

    Attributes:
      general: problems that do not belong to a single image.
      images: image file -> problems of the image, its mask or its box.
    """

    general: list[str] = dataclasses.field(default_factory=list)
    images: dict[pathlib.Path, list[str]] = dataclasses.field(default_factory=dict)

    def add(self, image: pathlib.Path, lines: Sequence[str]) -> None:
        """Adds problems of an image, unless they are known."""
        new = [line for line in lines if line not in self.images.get(image, ())]
        if new:
            self.images.setdefault(image, []).extend(new)

    @property
    def image_lines(self) -> list[str]:
        """The problems of all images, without repetitions."""
        return list(dict.fromkeys(line for lines in self.images.values() for line in lines))


def load_tasks(options: DataOptions, problems: Problems | None = None, known: Sequence[str] = ()) -> TaskSequence:
    """Detects the layout of a data folder and reads it, without opening images.

    Args:
      options: see DataOptions.
      problems: collects the problems of the data; if it is None, the first problem is raised.
      known: classes that a network already has. They come first and keep their labels, with or without images here.

    Returns:
      A TaskSequence. Every split of a task has images of the same classes, unless `problems` says otherwise.

    Raises:
      UserError: the data lack the tasks or objects asked for, or have a problem and `problems` is None.
    """
    data_dir = options.data_dir
    root = rendered_benchmark() if data_dir == "rendered" else pathlib.Path(data_dir).expanduser()
    if not root.is_dir():
        raise UserError(f"data_dir {root}: no such directory; expected {' or '.join(LAYOUTS.values())}")
    report = _raise if problems is None else problems.general.append
    layout = read_layout(root, options.filelist)
    for problem in layout.problems:
        report(problem)
    listings = select(layout, options)
    for problem in dict.fromkeys(_problems(listings, f" ({layout.note})" if layout.note else "")):
        report(problem)
    classes = _classes(listings, known)
    if len(classes) == 1:
        report(f"data_dir {root}: has one class, {classes[0]!r}; expected at least two")
    tasks = [_read_task(listing, root, classes, problems) for listing in listings]
    if not options.train_masks:
        bare = (tuple(dataclasses.replace(e, mask=None, box=None) for e in task.train) for task in tasks)
        tasks = [dataclasses.replace(task, train=train) for task, train in zip(tasks, bare)]
    for problem in _ambiguous(tasks):
        report(problem)
    sequence = TaskSequence(classes, tuple(tasks), root, layout.name, layout.note)
    return sequence.by_classes(options.class_groups) if options.class_groups else sequence


def _classes(listings: list[Listing], known: Sequence[str]) -> tuple[str, ...]:
    """The known classes, and then the new ones of each task in natural order."""
    classes = list(known)
    for listing in listings:
        names = {name for part in listing.splits.values() for name in part.images}
        classes += sorted(names.difference(classes), key=natural_key)
    return tuple(classes)


def _raise(problem: str) -> None:
    raise UserError(problem)


def _read_task(listing: Listing, root: pathlib.Path, classes: Sequence[str], problems: Problems | None) -> Task:
    find_targets = TargetFinder(root, listing.factor, listing.level)
    splits: dict[str, list[Example]] = {split: [] for split in SPLITS}
    for split, part in listing.splits.items():
        for label, name in enumerate(classes):
            splits[split] += [_example(file, label, find_targets, problems) for file in part.images.get(name, ())]
    return Task(listing.name, **{split: tuple(examples) for split, examples in splits.items()})


def _example(image: pathlib.Path, label: int, find_targets: TargetFinder, problems: Problems | None) -> Example:
    mask = box = None
    try:
        mask, file = find_targets(image)
        box = read_box(file) if file else None
    except UserError as error:
        if problems is None:
            raise
        problems.add(image, [str(error)])
    return Example(image, label, mask, box)


def _problems(listings: list[Listing], note: str) -> Iterator[str]:
    """Problems of the selected tasks: unreadable parts, and classes that differ, lack images or have invalid names."""
    names: set[str] = set()
    for listing in listings:
        for part in listing.splits.values():
            yield from part.problems
        readable = {split: part for split, part in listing.splits.items() if part.images or not part.problems}
        for split, part in readable.items():
            reference = next(iter(readable.values()))
            for name in sorted(set(reference.images) ^ set(part.images)):
                here, there = (part, reference) if name in part.images else (reference, part)
                yield (
                    f"class {name!r} is in {here.where} but not in {there.where};"
                    " expected the same classes in every split of a task"
                )
            for name, files in part.images.items():
                if not files:
                    yield f"{part.where}/{name}: holds no images for {split}; expected *.jpg or *.png{note}"
            names |= set(part.images)
    for kind, known in (("task", [listing.name for listing in listings]), ("class", sorted(names, key=natural_key))):
        for name in known:
            if reason := flaw(name):
                yield f"{kind} {name!a}: {reason}"


def _ambiguous(tasks: Sequence[Task]) -> Iterator[str]:
    """Lines on images with several labels or splits and masks with several images: their number, and one example."""
    labels, splits, masked = (collections.defaultdict(set) for _ in range(3))
    twice: set[pathlib.Path] = set()
    for task in tasks:
        for split in SPLITS:
            counts = collections.Counter(example.image for example in getattr(task, split))
            twice |= {image for image, count in counts.items() if count > 1}
            for example in getattr(task, split):
                labels[example.image].add(example.label)
                splits[example.image].add(split)
                if example.mask:
                    masked[example.mask].add(example.image)
    for images, what in (
        (_several(labels), "have several labels, such as {}; expected one"),
        (list(twice), "are listed twice in a task, such as {}; expected each once"),
        (_several(splits), "are in more than one of train, validation and test, such as {}; expected one of them"),
    ):
        if images:
            yield f"{len(images)} images {what.format(min(images))}"
    if shared := _several(masked):
        mask = min(shared)
        yield (
            f"{len(shared)} masks match several images, such as {mask}, which matches {min(masked[mask])} and"
            f" {max(masked[mask])}; expected one image per mask, or no masks"
        )


def _several(found: Mapping[pathlib.Path, Collection]) -> list[pathlib.Path]:
    return [key for key, values in found.items() if len(values) > 1]
