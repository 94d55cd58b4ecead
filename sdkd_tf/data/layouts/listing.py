"""What a reader finds on disk: for every task and split, the image files of every object."""

import dataclasses
import os
import pathlib
import re
from collections.abc import Sequence

from sdkd_tf.errors import UserError

SPLITS = ("train", "validation", "test")
FACTORS = ("illumination", "occlusion", "pixel", "clutter")  # in the order of OpenLORIS-Object's 12 tasks
SUFFIXES = (".jpg", ".jpeg", ".png")

Images = dict[str, list[pathlib.Path]]  # object name -> its image files


@dataclasses.dataclass
class Part:
    """One split of one task.

    Attributes:
      where: the folder or file it was read from, as messages name it.
      images: object name -> its image files; the objects in the order of their labels.
      problems: what is wrong with the part as a whole, one line each; not empty if it could not be read.
    """

    where: str
    images: Images
    problems: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Listing:
    """One task: its name, its Parts by split, and its factor and level (1 to 3) if the layout tells them."""

    name: str
    splits: dict[str, Part]
    factor: str | None = None
    level: int | None = None


@dataclasses.dataclass
class Layout:
    """A whole data set.

    Attributes:
      name: a key of `LAYOUTS`.
      tasks: Listings in the order they arrive.
      note: how splits were made, where the layout itself has none.
      problems: what is wrong beyond a single task, one line each.
    """

    name: str
    tasks: list[Listing]
    note: str = ""
    problems: list[str] = dataclasses.field(default_factory=list)


def factor_and_level(index: int) -> tuple[str, int]:
    """(factor, level) of a task by its place, from 0, in the 12: every factor's three levels in turn."""
    return FACTORS[index // 3], index % 3 + 1


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sorting key under which `task10` comes after `task9`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def subfolders(folder: pathlib.Path) -> list[str]:
    """Sorted names of the folders in a folder; hidden ones, such as `.ipynb_checkpoints`, are no data."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def task_names(root: pathlib.Path) -> list[str]:
    """Names of the task folders of all splits, in natural order."""
    splits = [root / split for split in SPLITS if (root / split).is_dir()]
    return sorted({name for split in splits for name in subfolders(split)}, key=natural_key)


def read_objects(folder: pathlib.Path) -> Part:
    """Reads `<folder>/<object>/*.jpg` as a Part; objects by name, images in natural order."""
    if not folder.is_dir():
        problem = f"{folder}: no such directory; expected every task in train, validation and test"
        return Part(str(folder), {}, [problem])
    images = {name: image_files(folder / name) for name in subfolders(folder)}
    return Part(str(folder), images, [] if images else [f"{folder}: holds no object folder; expected <object>/*.jpg"])


def image_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The JPEG and PNG files of a folder in natural order, without hidden ones (macOS leaves `._000.jpg`)."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != "."]
    return sorted(files, key=lambda path: natural_key(path.name))


def tenth(files: Sequence[pathlib.Path]) -> int:
    """How many of an object's images a tenth is, at least one."""
    return max(1, len(files) // 10)


def locate(root: pathlib.Path, folder: pathlib.Path, name: str, source: str) -> pathlib.Path:
    """Where an image is that a list names.

    Args:
      root: the data's root folder, which no path may leave.
      folder: what `name` is relative to.
      name: the path as the list has it.
      source: file and line, for the message.

    Returns:
      The path; the file need not exist.

    Raises:
      UserError: the path is absolute, climbs by `..`, or a symbolic link leads it out of `root`.
    """
    relative = pathlib.PurePosixPath(name)
    safe = relative.name and not relative.is_absolute() and ".." not in relative.parts and "\0" not in name
    if not safe or not pathlib.Path(os.path.realpath(folder / name)).is_relative_to(os.path.realpath(root)):
        raise UserError(f"{source}: {name!r} leaves {root}; expected a relative path inside it, without `..`")
    return folder / name
