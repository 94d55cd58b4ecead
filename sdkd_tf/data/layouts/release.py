"""The full release: `{split}/{factor}/segment{1..9}/<object>/*.jpg`. A level has three separately filmed segments."""

import pathlib
from collections.abc import Iterable, Iterator, Sequence

from sdkd_tf.data.layouts.listing import FACTORS, Images, Layout, Listing, Part, read_objects, split_folders, subfolders

_SEGMENTS = tuple(f"segment{number}" for number in range(1, 10))


def read(root: pathlib.Path) -> Layout:
    """Reads the 12 tasks `illumination1` to `clutter3`: segments 1-3 are level 1, 4-6 level 2, 7-9 level 3.

    Segments missing in all splits are left out, as are levels without segments. Problems are segments missing in only
    some splits, and folders that are neither a factor nor a segment. An object may lack images in a segment, as in the
    release, but not in a whole level.
    """
    folders, tasks = split_folders(root), []
    for factor in FACTORS:
        for level in (1, 2, 3):
            segments = _SEGMENTS[3 * level - 3 : 3 * level]
            names = [name for name in segments if any((folder / factor / name).is_dir() for folder in folders.values())]
            if names:
                splits = {split: _merged(folder / factor, names) for split, folder in folders.items()}
                tasks.append(Listing(f"{factor}{level}", splits, factor, level))
    return Layout("release", tasks, problems=list(_unknown_folders(folders.values())))


def _unknown_folders(folders: Iterable[pathlib.Path]) -> Iterator[str]:
    for split in (folder for folder in folders if folder.is_dir()):
        for factor in subfolders(split):
            if factor not in FACTORS:
                yield f"{split / factor}: is not a factor; expected {', '.join(FACTORS)}"
                continue
            for segment in subfolders(split / factor):
                if segment not in _SEGMENTS:
                    yield f"{split / factor / segment}: is not a segment; expected {_SEGMENTS[0]} to {_SEGMENTS[-1]}"


def _merged(folder: pathlib.Path, names: Sequence[str]) -> Part:
    parts = [read_objects(folder / name) for name in names]
    images: Images = {}
    for part in parts:
        for name, files in part.images.items():
            images.setdefault(name, []).extend(files)
    where = f"{folder}/segment{{{','.join(name.removeprefix('segment') for name in names)}}}"
    return Part(where, images, [problem for part in parts for problem in part.problems])
