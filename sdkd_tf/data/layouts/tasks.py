"""The challenge's final round and the bundled benchmark: `{split}/<task>/<object>/*.jpg`."""

import pathlib

from sdkd_tf.data.layouts.listing import (
    Layout,
    Listing,
    factor_and_level,
    folder_name,
    holds_objects,
    read_objects,
    split_folders,
    subfolders,
    task_folders,
)


def read(root: pathlib.Path) -> Layout:
    """Reads the tasks in the order of the numbers in their names.

    `task1` to `task12`, neither more nor fewer, are OpenLORIS-Object's 12 tasks, which gives them factor and level.
    `{split}/<object>/*.jpg` alone is one task with the name of the root.
    """
    splits = split_folders(root)
    single = all(holds_objects(folder) for folder in splits.values() if folder.is_dir() and subfolders(folder))
    found = {folder_name(root): splits} if single else task_folders(root)
    known = [*found] == [f"task{number}" for number in range(1, 13)]
    tasks = []
    for index, (name, folders) in enumerate(found.items()):
        parts = {split: read_objects(folder) for split, folder in folders.items()}
        tasks.append(Listing(name, parts, *(factor_and_level(index) if known else ())))
    return Layout("tasks", tasks)
