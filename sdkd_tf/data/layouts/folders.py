"""Plain folders, `<task>/<class>/*.jpg`: your own photographs, sorted by hand."""

import pathlib

from sdkd_tf.data.layouts.listing import Images, Layout, Listing, Part, natural_key, read_objects, subfolders, tenth
from sdkd_tf.data.targets import TREES
from sdkd_tf.errors import UserError

_NOTE = (
    "of each class in file order, the last tenth, at least one image, is for test, the tenth before it for validation"
)


def read(root: pathlib.Path) -> Layout:
    """Reads every sub-folder as a task, in natural order, and splits each class by the order of its files.

    The last tenth of a class (at least one image) is for test, the tenth before for validation, the rest for training:
    whole stretches, because neighbouring frames of a video look alike and would let training see the test set.
    """
    names = sorted((name for name in subfolders(root) if name not in TREES), key=natural_key)
    if not names:
        raise UserError(
            f"data_dir {root}: holds no task folder; expected train, validation and test, or <task>/<class>"
        )
    tasks = []
    for name in names:
        part = read_objects(root / name)
        splits: dict[str, Images] = {"train": {}, "validation": {}, "test": {}}
        for label, files in part.images.items():
            count = tenth(files)
            splits["train"][label] = files[: -2 * count]
            splits["validation"][label] = files[-2 * count : -count]
            splits["test"][label] = files[-count:]
        tasks.append(
            Listing(name, {split: Part(part.where, images, part.problems) for split, images in splits.items()})
        )
    return Layout("folders", tasks, _NOTE)
