"""The challenge's final round and the bundled benchmark: `{split}/<task>/<object>/*.jpg`."""

import pathlib

from sdkd_tf.data.layouts import listing
from sdkd_tf.data.layouts.listing import Layout, Listing


def read(root: pathlib.Path) -> Layout:
    """Reads the tasks in the order of the numbers in their names.

    If the tasks are exactly `task1` to `task12`, they are taken for the 12 tasks of OpenLORIS-Object and get their
    factors and levels. Folders of the form `{split}/<object>/*.jpg` are a single task with the name of the root.
    """
    splits = listing.split_folders(root)
    single = all(
        listing.holds_objects(folder) for folder in splits.values() if folder.is_dir() and listing.subfolders(folder)
    )
    found = {listing.folder_name(root): splits} if single else listing.task_folders(root)
    known = [*found] == [f"task{number}" for number in range(1, 13)]
    tasks = []
    for index, (name, folders) in enumerate(found.items()):
        parts = {split: listing.read_objects(folder) for split, folder in folders.items()}
        tasks.append(Listing(name, parts, *(listing.factor_and_level(index) if known else ())))
    return Layout("tasks", tasks)
