"""The challenge's final round and the bundled benchmark: `{split}/<task>/<object>/*.jpg`."""

import pathlib

from sdkd_tf.data.layouts.listing import SPLITS, Layout, Listing, factor_and_level, read_objects, task_names


def read(root: pathlib.Path) -> Layout:
    """Reads the tasks in the order of the numbers in their names.

    `task1` to `task12`, neither more nor fewer, are OpenLORIS-Object's 12 tasks, which gives them factor and level.
    """
    names = task_names(root)
    known = names == [f"task{number}" for number in range(1, 13)]
    tasks = []
    for index, name in enumerate(names):
        splits = {split: read_objects(root / split / name) for split in SPLITS}
        tasks.append(Listing(name, splits, *(factor_and_level(index) if known else ())))
    return Layout("tasks", tasks)
