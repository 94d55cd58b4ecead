"""A task sequence on disk: `{train,validation,test}/<task>/<object>/*.jpg`, masks in the parallel tree `masks/`."""

import dataclasses
import pathlib
import re

from PIL import Image

from sdkd_tf.data.images import open_image
from sdkd_tf.errors import UserError

SPLITS = ("train", "validation", "test")
RENDERED = pathlib.Path(__file__).parent / "rendered"  # the bundled benchmark, `--data_dir=rendered`
_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclasses.dataclass(frozen=True)
class Example:
    """One image: its file, the index of its object in `TaskSequence.classes`, and its mask's file, if there is one."""

    image: pathlib.Path
    label: int
    mask: pathlib.Path | None


@dataclasses.dataclass(frozen=True)
class Task:
    """One task: its folder's name and its examples."""

    name: str
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]


@dataclasses.dataclass(frozen=True)
class TaskSequence:
    """Tasks in the order they arrive, with one label set for all."""

    classes: tuple[str, ...]
    tasks: tuple[Task, ...]


def load_sequence(data_dir, max_tasks=None):
    """Reads the layout, without opening an image.

    Args:
      data_dir: the root folder, or the word `rendered` for the bundled benchmark.
      max_tasks: keep only so many tasks from the start; None keeps all.

    Returns:
      A TaskSequence. Tasks are sorted by the number in their name, then by name; classes by name.

    Raises:
      UserError: a folder is missing, or splits or tasks differ in their classes.
    """
    root = RENDERED if str(data_dir) == "rendered" else pathlib.Path(data_dir)
    if not root.is_dir():
        raise UserError(f"data_dir {root}: no such directory; expected {{train,validation,test}}/<task>/<object>/*.jpg")
    for split in SPLITS:
        if not (root / split).is_dir():
            raise UserError(f"data_dir {root}: has no folder {split}; expected train, validation and test")
    names = sorted(_folders(root / "train"), key=_natural)[:max_tasks]
    if not names:
        raise UserError(f"{root / 'train'}: holds no task folder; expected <task>/<object>/*.jpg")
    classes = _folders(root / "train" / names[0])
    tasks = []
    for name in names:
        splits = []
        for split in SPLITS:
            _check_classes(root / split / name, classes, root / "train" / names[0])
            splits.append(tuple(_examples(root, split, name, classes)))
        tasks.append(Task(name, *splits))
    return TaskSequence(tuple(classes), tuple(tasks))


def check_images(examples, progress=lambda x: x):
    """Decodes every image once, so that a bad file stops a run before its first step.

    Args:
      examples: Examples to check.
      progress: wraps the iteration, for instance tqdm.

    Raises:
      UserError: an image or mask cannot be read, or a mask's size is not its image's.
    """
    for example in progress(examples):
        size = open_image(example.image).size
        if example.mask:
            open_image(example.mask)
            with Image.open(example.mask) as mask:
                if mask.size != size:
                    raise UserError(f"mask {example.mask}: is {_by(mask.size)}; expected {_by(size)}, its image's size")


def _by(size):
    return f"{size[0]}x{size[1]}"


def _natural(name):
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _folders(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def _check_classes(folder, classes, reference):
    if not folder.is_dir():
        raise UserError(f"{folder}: no such directory; expected every task in train, validation and test")
    found = _folders(folder)
    for name in sorted(set(classes) ^ set(found)):
        here, there = (folder, reference) if name in found else (reference, folder)
        raise UserError(
            f"class {name!r} is in {here} but not in {there}; expected the same classes in every split and task"
        )


def _examples(root, split, task, classes):
    for label, name in enumerate(classes):
        folder = root / split / task / name
        images = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
        if not images:
            raise UserError(f"{folder}: holds no image; expected *.jpg or *.png")
        for image in images:
            mask = root / "masks" / split / task / name / f"{image.stem}.png"
            yield Example(image, label, mask if mask.exists() else None)
