"""Plain folders, `<task>/<class>/*.jpg`: your own photographs, sorted by hand."""

from sdkd_tf.data.layouts.listing import Layout, Listing, Part, natural_key, read_objects, subfolders, tenth
from sdkd_tf.errors import UserError

_TARGETS = ("masks", "boxes", "mask_and_bbox")


def read(root):
    """Reads every sub-folder as a task, in natural order, and splits each class by the order of its files.

    The last tenth of a class (at least one image) is for test, the tenth before for validation, the rest for training:
    whole stretches, because neighbouring frames of a video look alike and would let training see the test set.
    """
    names = sorted((name for name in subfolders(root) if name not in _TARGETS), key=natural_key)
    if not names:
        raise UserError(
            f"data_dir {root}: holds no task folder; expected train, validation and test, or <task>/<class>"
        )
    tasks = []
    for name in names:
        part = read_objects(root / name)
        splits = {"train": {}, "validation": {}, "test": {}}
        for label, files in part.images.items():
            count = tenth(files)
            splits["train"][label] = files[: -2 * count]
            splits["validation"][label] = files[-2 * count : -count]
            splits["test"][label] = files[-count:]
        tasks.append(
            Listing(name, {split: Part(part.where, images, part.problems) for split, images in splits.items()})
        )
    return Layout("folders", tasks, "split by file order of each class: 80 % train, 10 % validation, 10 % test")
