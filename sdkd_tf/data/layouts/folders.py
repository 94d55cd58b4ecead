"""Plain folders, `<task>/<class>/*.jpg`, such as your own photos sorted by hand."""

import pathlib

from sdkd_tf.data.layouts import listing
from sdkd_tf.data.layouts.listing import SPLITS, Layout, Listing, Part
from sdkd_tf.data.layouts.splitting import RULE, Split, split_class
from sdkd_tf.data.targets import TREES
from sdkd_tf.errors import UserError


def read(root: pathlib.Path) -> Layout:
    """Reads every subfolder as a task, in natural order, and splits each of its classes with `splitting.split_class`.

    A folder of the form `<class>/*.jpg` is a single task with the name of the folder.
    """
    folders = {name: folder for name, folder in listing.subfolders(root).items() if name not in TREES}
    if not folders:
        raise UserError(f"data_dir {root}: has no task folders; expected train, validation and test, or <task>/<class>")
    if listing.holds_objects(root, but=TREES):
        folders = {listing.folder_name(root): root}
    tasks: list[Listing] = []
    halves: list[Split] = []
    for name, folder in folders.items():
        part = listing.read_objects(folder, but=TREES if folder == root else ())
        splits = {label: split_class(files) for label, files in part.images.items()}
        images = {split: {label: getattr(its, split) for label, its in splits.items()} for split in SPLITS}
        tasks.append(Listing(name, {split: Part(part.where, images[split], part.problems) for split in SPLITS}))
        halves += splits.values()
    return Layout("folders", tasks, _note(halves), unused=[path for split in halves for path in split.unused])


def _note(splits: list[Split]) -> str:
    """Describes how the classes of all tasks were split."""
    by_clip, unused = sum(split.by_clip for split in splits), sum(len(split.unused) for split in splits)
    lines = [RULE]
    if by_clip:
        lines.append(f"{by_clip} of {len(splits)} class folders are split by clips, that is, images with the same name")
    if unused:
        lines.append(f"{unused} images between the splits are left out, because neighbors may look alike")
    return "; ".join(lines)
