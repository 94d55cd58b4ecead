"""The layouts in which OpenLORIS-Object and its like lie on disk, one reader each; see `LAYOUTS`."""

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
    """Finds out which layout a folder has and reads it, without opening an image.

    Args:
      root: the data's root folder.
      filelist: for the layout `filelists`, which sub-folder of batches_filelists/domain to use; None means `iros`.

    Returns:
      A `listing.Layout`. A split that `root` lacks is left out of its tasks and told in its problems.

    Raises:
      UserError: no layout fits, a folder cannot be listed, or `filelist` does not fit the layout.
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
    """Names the layout of a folder. File lists win over the folders they point into, since both are there at once."""
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
    """Tells a missing or empty split once, not once a task."""
    for split, folder in split_folders(root).items():
        if not folder.is_dir():
            layout.problems.append(f"data_dir {root}: has no folder {split}; expected train, validation and test")
        elif not subfolders(folder):
            layout.problems.append(f"{folder}: holds no task folder; expected {LAYOUTS[layout.name]}")
        else:
            continue
        for task in layout.tasks:
            del task.splits[split]
    return layout
