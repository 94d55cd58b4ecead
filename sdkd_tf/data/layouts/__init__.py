"""Readers for the layouts of OpenLORIS-Object and similar data on disk, one module per layout; see `LAYOUTS`."""

import pathlib

from sdkd_tf.data.layouts import filelists, folders, label_csv, release, tasks
from sdkd_tf.data.layouts.listing import Layout, split_folders, subfolders
from sdkd_tf.errors import UserError

LAYOUTS = {
    "release": "{train,validation,test}/{illumination,occlusion,pixel,clutter}/segment{1..9}/<object>/*.jpg",
    "tasks": "{train,validation,test}/<task>/<object>/*.jpg or {train,validation,test}/<object>/*.jpg",
    "csv": "{train,validation,test}/batch{1..9}/label.csv",
    "filelists": "batches_filelists/domain/<list>/train_batch_{00..}.txt and test.txt",
    "folders": "<task>/<class>/*.jpg or <class>/*.jpg",
}


def read_layout(root: pathlib.Path, filelist: str | None = None) -> Layout:
    """Detects the layout of a folder and reads it, without opening images.

    Args:
      root: the data folder.
      filelist: for the layout `filelists`, the subfolder of batches_filelists/domain; None means `iros`.

    Returns:
      A `listing.Layout`. A missing split is left out of the tasks and reported as a problem.

    Raises:
      UserError: no layout matches, a folder cannot be listed, or the layout has no `filelist`.
    """
    try:
        name = detect(root)
        if filelist and name != "filelists":
            raise UserError(f"filelist is {filelist!r}, but {root} has the layout {name}; expected no filelist")
        if name == "filelists":
            return filelists.read(root, filelist or "iros")
        if name == "folders":
            return folders.read(root)
        layout = {"release": release, "tasks": tasks, "csv": label_csv}[name].read(root)
        return _without_missing_splits(layout, root)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror}); expected a readable folder") from error


def detect(root: pathlib.Path) -> str:
    """Returns the name of a folder's layout. File lists take precedence over the folders that they refer to."""
    if (root / "batches_filelists" / "domain").is_dir():
        return "filelists"
    splits = [folder for folder in split_folders(root).values() if folder.is_dir()]
    if not splits:
        return "folders"
    if any((folder / "label.csv").is_file() for split in splits for folder in subfolders(split).values()):
        return "csv"
    if any(any(split.glob(f"{factor}/segment*")) for split in splits for factor in release.FACTORS):
        return "release"
    return "tasks"


def _without_missing_splits(layout: Layout, root: pathlib.Path) -> Layout:
    """Reports a missing or empty split once instead of for every task."""
    for split, folder in split_folders(root).items():
        if not folder.is_dir():
            layout.problems.append(f"data_dir {root}: has no folder {split}; expected train, validation and test")
        elif not subfolders(folder):
            layout.problems.append(f"{folder}: holds no task folders; expected {LAYOUTS[layout.name]}")
        else:
            continue
        for task in layout.tasks:
            del task.splits[split]
    return layout
