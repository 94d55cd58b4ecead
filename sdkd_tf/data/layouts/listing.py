"""What the reader of a layout returns: the image files of every task, split and object."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Collection, Iterator

from sdkd_tf.data.images import SUFFIXES
from sdkd_tf.data.layouts.names import canonical, is_left_behind, natural_key, on_disk
from sdkd_tf.errors import UserError

SPLITS = ("train", "validation", "test")
FACTORS = ("illumination", "occlusion", "pixel", "clutter")  # in the order of the 12 tasks of OpenLORIS-Object
_SPELLINGS = {split: split for split in SPLITS} | {
    "training": "train", "val": "validation", "valid": "validation", "testing": "test",
}  # fmt: skip

Images = dict[str, list[pathlib.Path]]  # name of an object, in Unicode NFC -> its image files


@dataclasses.dataclass
class Part:
    """One split of one task.

    Attributes:
      where: the folder or file that it was read from, for messages.
      images: name of an object, in Unicode NFC -> its image files.
      problems: problems of the part as a whole, one line each; at least one if it could not be read.
    """

    where: str
    images: Images
    problems: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Listing:
    """One task: its name, its Parts by split, and its factor and level (1 to 3) if the layout defines them."""

    name: str
    splits: dict[str, Part]
    factor: str | None = None
    level: int | None = None


@dataclasses.dataclass
class Layout:
    """A whole data set.

    Attributes:
      name: a key of `LAYOUTS`.
      tasks: the Listings in the order in which they are learned.
      note: how the data were split, if the layout does not define it.
      problems: problems that do not belong to a single task, one line each.
      unused: images left out between the splits.
    """

    name: str
    tasks: list[Listing]
    note: str = ""
    problems: list[str] = dataclasses.field(default_factory=list)
    unused: list[pathlib.Path] = dataclasses.field(default_factory=list)


def factor_and_level(index: int) -> tuple[str, int]:
    """(factor, level) of a task of OpenLORIS-Object by its index, 0 to 11: levels 1 to 3 of each factor in turn."""
    return FACTORS[index // 3], index % 3 + 1


def split_folders(root: pathlib.Path) -> dict[str, pathlib.Path]:
    """The folder of each split, which need not exist. Names such as `val` and `Valid` are recognized as well.

    Raises:
      UserError: two folders name the same split.
    """
    found: dict[str, pathlib.Path] = {}
    for name, path in subfolders(root).items():
        split = _SPELLINGS.get(name.lower())
        if split and found.setdefault(split, path) != path:
            raise UserError(f"{found[split]}, {path}: both name the split {split}; expected one of them")
    return {split: found.get(split, root / split) for split in SPLITS}


def task_folders(root: pathlib.Path) -> dict[str, dict[str, pathlib.Path]]:
    """The tasks for which any split has a folder, in natural order: name -> split -> folder, which need not exist."""
    splits = split_folders(root)
    found = {split: subfolders(folder) if folder.is_dir() else {} for split, folder in splits.items()}
    names = sorted({name for tasks in found.values() for name in tasks}, key=natural_key)
    return {name: {split: found[split].get(name, splits[split] / name) for split in SPLITS} for name in names}


def subfolders(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The subfolders of a folder by name, in natural order, without hidden folders and those of the system.

    Raises:
      UserError: two names differ only in their Unicode form.
    """
    found: dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: natural_key(path.name)):
        if not is_left_behind(path.name) and path.is_dir() and found.setdefault(canonical(path.name), path) != path:
            spellings = f"{found[canonical(path.name)].name!a} and {path.name!a}"
            raise UserError(f"{folder}: has two folders with the same name ({spellings}); expected one")
    return found


def folder_name(folder: pathlib.Path) -> str:
    """The name of a folder in Unicode NFC, even if it is given as `.`."""
    return canonical(folder.resolve().name) or "data"


def read_objects(folder: pathlib.Path, but: Collection[str] = ()) -> Part:
    """Reads `<folder>/<object>/*.jpg` as a Part, in natural order and without the subfolders in `but`."""
    if not folder.is_dir():
        problem = f"{folder}: no such directory; expected every task in train, validation and test"
        return Part(str(folder), {}, [problem])
    images = {name: image_files(path) for name, path in subfolders(folder).items() if name not in but}
    return Part(str(folder), images, [] if images else [f"{folder}: holds no object folders; expected <object>/*.jpg"])


def holds_objects(folder: pathlib.Path, but: Collection[str] = ()) -> bool:
    """Whether a folder has the form `<object>/*.jpg`: some subfolders hold images, and none of them holds folders."""
    folders = [path for name, path in subfolders(folder).items() if name not in but]
    return any(map(image_files, folders)) and not any(map(subfolders, folders))


def image_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The image files of a folder in natural order, without hidden ones such as macOS' `._000.jpg`."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not is_left_behind(path.name)]
    return sorted(files, key=lambda path: natural_key(path.name))


def files_below(
    folder: pathlib.Path, but: tuple[str, ...] = (), unreadable: Callable[[str], None] = lambda line: None
) -> Iterator[pathlib.Path]:
    """Yields the files below a folder in natural order, without hidden files and those of the system.

    Args:
      folder: the folder.
      but: names of its subfolders to leave out.
      unreadable: called with a line for each folder that cannot be read.
    """

    def tell(error: OSError) -> None:
        unreadable(f"{error.filename}: cannot be read ({error.strerror}); expected a readable folder")

    seen = set()
    for where, folders, files in os.walk(folder, onerror=tell, followlinks=True):
        if (real := os.path.realpath(where)) in seen:  # a link to a folder that contains it
            folders.clear()
            continue
        seen.add(real)
        left_out = but if where == str(folder) else ()
        read = (name for name in folders if not is_left_behind(name) and name not in left_out)
        folders[:] = sorted(read, key=natural_key)
        for name in sorted(files, key=natural_key):
            if not is_left_behind(name):
                yield pathlib.Path(where, name)


def locate(root: pathlib.Path, folder: pathlib.Path, name: str, source: str) -> pathlib.Path:
    """Resolves a path in a list of images.

    Args:
      root: the data folder, which the path must not leave.
      folder: the folder to which the path is relative.
      name: the path as written in the list.
      source: file and line of the list, for the message.

    Returns:
      The path. The file need not exist.

    Raises:
      UserError: the path is absolute, contains `..`, or leads out of `root` through a symbolic link.
    """
    relative = pathlib.PurePosixPath(name.replace("\\", "/"))  # for lists written on Windows
    if relative.name and not relative.is_absolute() and ".." not in relative.parts and "\0" not in name:
        path = on_disk(folder, relative)
        if pathlib.Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
            return path
    raise UserError(f"{source}: {name!r} leaves {root}; expected a relative path inside it, without `..`")
