"""What a reader finds on disk: for every task and split, the image files of every object."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Collection, Iterator, Sequence

from sdkd_tf.data.images import SUFFIXES
from sdkd_tf.data.layouts.names import canonical, is_left_behind, natural_key, on_disk
from sdkd_tf.errors import UserError

SPLITS = ("train", "validation", "test")
FACTORS = ("illumination", "occlusion", "pixel", "clutter")  # in the order of OpenLORIS-Object's 12 tasks
_SPELLINGS = {split: split for split in SPLITS} | {
    "training": "train", "val": "validation", "valid": "validation", "testing": "test",
}  # fmt: skip

Images = dict[str, list[pathlib.Path]]  # object name, in NFC -> its image files


@dataclasses.dataclass
class Part:
    """One split of one task.

    Attributes:
      where: the folder or file it was read from, as messages name it.
      images: object name, in NFC -> its image files.
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
      unused: images left out between the splits.
    """

    name: str
    tasks: list[Listing]
    note: str = ""
    problems: list[str] = dataclasses.field(default_factory=list)
    unused: list[pathlib.Path] = dataclasses.field(default_factory=list)


def factor_and_level(index: int) -> tuple[str, int]:
    """(factor, level) of a task by its place, from 0, in the 12: every factor's three levels in turn."""
    return FACTORS[index // 3], index % 3 + 1


def split_folders(root: pathlib.Path) -> dict[str, pathlib.Path]:
    """The folder of each split, which need not exist; `val`, `Valid` and the like stand for `validation`.

    Raises:
      UserError: two folders stand for one split.
    """
    found: dict[str, pathlib.Path] = {}
    for name, path in subfolders(root).items():
        split = _SPELLINGS.get(name.lower())
        if split and found.setdefault(split, path) != path:
            raise UserError(f"{found[split]}, {path}: both stand for {split}; expected one of them")
    return {split: found.get(split, root / split) for split in SPLITS}


def task_folders(root: pathlib.Path) -> dict[str, dict[str, pathlib.Path]]:
    """The task folders that any split has, in natural order: name -> split -> folder, which need not exist."""
    splits = split_folders(root)
    found = {split: subfolders(folder) if folder.is_dir() else {} for split, folder in splits.items()}
    names = sorted({name for tasks in found.values() for name in tasks}, key=natural_key)
    return {name: {split: found[split].get(name, splits[split] / name) for split in SPLITS} for name in names}


def subfolders(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The folders in a folder by their names, in natural order, without those that no person made.

    Raises:
      UserError: two of them have one name in different spellings.
    """
    found: dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: natural_key(path.name)):
        if not is_left_behind(path.name) and path.is_dir() and found.setdefault(canonical(path.name), path) != path:
            spellings = f"{found[canonical(path.name)].name!a} and {path.name!a}"
            raise UserError(f"{folder}: has two folders of one name ({spellings}); expected one")
    return found


def folder_name(folder: pathlib.Path) -> str:
    """The name of a folder in NFC, also where it is given as `.`."""
    return canonical(folder.resolve().name) or "data"


def read_objects(folder: pathlib.Path, but: Collection[str] = ()) -> Part:
    """Reads `<folder>/<object>/*.jpg`, but for some folders, as a Part; objects and images in natural order."""
    if not folder.is_dir():
        problem = f"{folder}: no such directory; expected every task in train, validation and test"
        return Part(str(folder), {}, [problem])
    images = {name: image_files(path) for name, path in subfolders(folder).items() if name not in but}
    return Part(str(folder), images, [] if images else [f"{folder}: holds no object folder; expected <object>/*.jpg"])


def holds_objects(folder: pathlib.Path, but: Collection[str] = ()) -> bool:
    """Whether a folder is `<object>/*.jpg`, but for some folders: it has folders with images, and none with folders."""
    folders = [path for name, path in subfolders(folder).items() if name not in but]
    return any(map(image_files, folders)) and not any(map(subfolders, folders))


def image_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The image files of a folder in natural order, without hidden ones (macOS leaves `._000.jpg`)."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not is_left_behind(path.name)]
    return sorted(files, key=lambda path: natural_key(path.name))


def files_below(
    folder: pathlib.Path, but: tuple[str, ...] = (), unreadable: Callable[[str], None] = lambda line: None
) -> Iterator[pathlib.Path]:
    """The files below a folder in order, without what systems left there.

    Args:
      folder: the folder.
      but: folders in it to leave out.
      unreadable: is called with a line on each folder that cannot be read.
    """

    def tell(error: OSError) -> None:
        unreadable(f"{error.filename}: cannot be read ({error.strerror}); expected a readable folder")

    for where, folders, files in os.walk(folder, onerror=tell):
        left_out = but if where == str(folder) else ()
        folders[:] = sorted(
            (name for name in folders if not is_left_behind(name) and name not in left_out), key=natural_key
        )
        for name in sorted(files, key=natural_key):
            if not is_left_behind(name):
                yield pathlib.Path(where, name)


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
    relative = pathlib.PurePosixPath(name.replace("\\", "/"))  # a list may be made on Windows
    if relative.name and not relative.is_absolute() and ".." not in relative.parts and "\0" not in name:
        path = on_disk(folder, relative)
        if pathlib.Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
            return path
    raise UserError(f"{source}: {name!r} leaves {root}; expected a relative path inside it, without `..`")
