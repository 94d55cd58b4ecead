"""Avalanche's file lists: `batches_filelists/domain/<list>/train_batch_{00..}.txt` and `test.txt` of `path label`."""

import pathlib
import re

from sdkd_tf.data.layouts.listing import FACTORS, Images, Layout, Listing, Part, factor_and_level, locate, subfolders
from sdkd_tf.data.layouts.names import canonical, natural_key
from sdkd_tf.errors import UserError
from sdkd_tf.files import read_text

Rows = list[tuple[str, pathlib.Path]]  # (label, image) for every line of a list

_OWN_TEST = "test set of a task: the lines of test.txt from the folders that it trains on"
_SHARED_TEST = "test set of every task: all of test.txt, because its folders do not distinguish the tasks"
_VALIDATION = "validation set: the last tenth of each object's images in every folder of the training lists"


def read(root: pathlib.Path, filelist: str) -> Layout:
    """Reads one task per training list, `batch_00` and so on.

    The validation images are the last tenth, in natural order, of every object's training images in every folder.

    Avalanche tests every task on the whole test list (`complete_test_set_only`), which would make all columns of the
    accuracy matrix equal. Here, a test image belongs to the task that trains on the same folder
    (`train/clutter/segment1/...` and `test/clutter/segment1/...`). If this does not give every image a task and every
    task an image, all tasks share the whole list.

    A class is named after the folder of its images if folders and labels correspond one to one, otherwise after its
    label.

    Args:
      root: the data folder, to which the listed paths are relative.
      filelist: the subfolder of `batches_filelists/domain`.

    Raises:
      UserError: the subfolder is missing or holds no training list.
    """
    known = subfolders(root / "batches_filelists" / "domain")
    folder = known.get(canonical(filelist))
    if folder is None:  # also for a path that leads elsewhere
        raise UserError(f"filelist is {filelist!r}; expected one of {', '.join(known)}")
    files = sorted(folder.glob("train_batch_*.txt"), key=lambda path: natural_key(path.name))
    if not files:
        raise UserError(f"{folder}: holds no training lists; expected train_batch_00.txt and so on")
    batches = [_read_list(root, file) for file in files]
    test, test_problems = _read_list(root, folder / "test.txt")
    names = _class_names([row for rows, _ in batches for row in rows] + test)
    tests = _test_of_each_task(root, [rows for rows, _ in batches], test)
    tasks = []
    for index, (file, (rows, problems)) in enumerate(zip(files, batches)):
        train, validation = _hold_out(rows, names)
        splits = {
            "train": Part(str(file), train, problems),
            "validation": Part(str(file), validation, problems),
            "test": Part(str(folder / "test.txt"), _by_class(tests[index] if tests else test, names), test_problems),
        }
        name = file.stem.removeprefix("train_")
        tasks.append(Listing(name, splits, *_factor_and_level(root, rows, filelist, index, len(files))))
    return Layout("filelists", tasks, f"{_VALIDATION}; {_OWN_TEST if tests else _SHARED_TEST}")


def _read_list(root: pathlib.Path, file: pathlib.Path) -> tuple[Rows, list[str]]:
    """Returns (rows of a list, problems)."""
    if not file.is_file():
        return [], [f"{file}: no such file; expected a list of lines `path label`"]
    try:
        lines = read_text(file).splitlines()
    except UnicodeDecodeError as error:
        return [], [f"{file}: cannot be read ({error}); expected text in UTF-8"]
    rows: Rows = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            name, *label = line.strip().rsplit(maxsplit=1)
            if not label:
                raise UserError(f"{file}:{number}: has no label; expected `path label`")
            rows.append((canonical(label[0]), locate(root, root, name, f"{file}:{number}")))
        except UserError as error:
            problems.append(str(error))
    return rows, problems if rows or problems else [f"{file}: lists no images; expected lines `path label`"]


def _class_names(rows: Rows) -> dict[str, str]:
    """Returns {label: class name}."""
    folders: dict[str, set[str]] = {}
    for label, path in rows:
        folders.setdefault(label, set()).add(canonical(path.parent.name))
    names = [min(found) for found in folders.values()]
    unique = len(set(names)) == len(names) and all(len(found) == 1 for found in folders.values())
    return dict(zip(folders, names if unique else folders))


def _by_class(rows: Rows, names: dict[str, str]) -> Images:
    images: Images = {}
    for label, path in rows:
        images.setdefault(names[label], []).append(path)
    return images


def _hold_out(rows: Rows, names: dict[str, str]) -> tuple[Images, Images]:
    """Splits rows into training and validation images by class."""
    train: Images = {}
    validation: Images = {}
    for name, files in _by_class(rows, names).items():
        train[name], validation[name] = [], []
        for folder in sorted({path.parent for path in files}):
            group = sorted((p for p in files if p.parent == folder), key=lambda path: natural_key(path.name))
            count = max(1, len(group) // 10)
            train[name] += group[:-count]
            validation[name] += group[-count:]
    return train, validation


def _test_of_each_task(root: pathlib.Path, batches: list[Rows], test: Rows) -> list[Rows] | None:
    """Assigns the rows of the test list to tasks; None if the folders do not distinguish the tasks."""

    def place(path: pathlib.Path) -> tuple[str, ...]:  # the folders between the split and the object
        return tuple(map(canonical, path.relative_to(root).parts[1:-2]))

    owners: dict[tuple[str, ...], set[int]] = {}
    for index, rows in enumerate(batches):
        for _, path in rows:
            owners.setdefault(place(path), set()).add(index)
    found = [owners.get(place(path), set()) for _, path in test]
    if any(len(tasks) != 1 for tasks in found) or len(set().union(*found)) != len(batches):
        return None
    return [[row for row, tasks in zip(test, found) if index in tasks] for index in range(len(batches))]


def _factor_and_level(
    root: pathlib.Path, rows: Rows, filelist: str, index: int, count: int
) -> tuple[()] | tuple[str, int]:
    """Factor and level of a task by the folders of its images, or else by its position in a complete list."""
    found = {_factor_and_level_of(path.relative_to(root)) for _, path in rows}
    if found != {()}:
        return found.pop() if len(found) == 1 else ()
    if filelist == "iros" and count == 12:
        return factor_and_level(index)
    if filelist in FACTORS and count == 9:
        return filelist, index // 3 + 1
    return ()


def _factor_and_level_of(path: pathlib.Path) -> tuple[()] | tuple[str, int]:
    """Factor and level of a path `<split>/<factor>/segment<n>/...`, as in the release; empty for other paths."""
    _, factor, segment, *_ = (*path.parts, "", "")
    number = re.fullmatch("segment([1-9])", segment)
    return (factor, (int(number[1]) + 2) // 3) if factor in FACTORS and number else ()
