"""Checks a data set before training: decodes every image and mask once, and computes a fingerprint of all files."""

import collections
import concurrent.futures
import hashlib
import os
import pathlib
from collections.abc import Collection, Iterator

from tqdm import tqdm

from sdkd_tf.data.duplicates import ImageHash, across_splits, image_hash
from sdkd_tf.data.images import open_image
from sdkd_tf.data.layouts.listing import SPLITS
from sdkd_tf.data.leftovers import leftovers
from sdkd_tf.data.masks import open_mask
from sdkd_tf.data.sequence import Example, Problems, TaskSequence
from sdkd_tf.errors import UserError

_MAX_THREADS = 4  # limits the images in memory: one of 200 megapixels takes 0.8 GB
Size = tuple[int, int]  # width and height in pixels


def check_images(sequence: TaskSequence, problems: Problems, skip_bad_images: bool = False) -> TaskSequence:
    """Decodes every image once, so that a run with bad data stops before its first step.

    Args:
      sequence: the tasks.
      problems: the Problems collected by `load_tasks`; those of the images are added.
      skip_bad_images: leave out unusable images instead of raising an error.

    Returns:
      The TaskSequence without the images in `problems`.

    Raises:
      UserError: lists all problems, one per line. With `skip_bad_images`, only those that do not belong to a single
        image, such as a class without any usable image.
    """
    # An image can be in the test set of several tasks.
    examples = {example.image: example for task in sequence.tasks for example in task.examples}
    hashes, _ = examine_all(examples.values(), problems, "checking images")
    used = sequence.without({sequence.relative(image) for image in problems.images})
    copies, alike = across_splits(used, hashes)
    misnamed, unused = leftovers(sequence.root)
    problems.general += [*copies, *misnamed]
    for line in [*alike, *unused]:
        print(f"warning: {line}")
    wrong = [*problems.general, *(_emptied(sequence, used) if skip_bad_images else problems.image_lines)]
    if wrong:
        raise UserError(wrong[0] if len(wrong) == 1 else "\n  ".join([f"the data have {len(wrong)} problems:", *wrong]))
    return used


def fingerprint(sequence: TaskSequence) -> str:
    """SHA-256, in hexadecimal, of all labels, boxes, images and masks in their order."""
    digest = hashlib.sha256()
    for example in (example for task in sequence.tasks for example in task.examples):
        digest.update(f"{example.label} {example.box}".encode())
        for path in (example.image, example.mask):
            digest.update(path.read_bytes() if path else b"")
    return digest.hexdigest()


def _emptied(before: TaskSequence, after: TaskSequence) -> Iterator[str]:
    """Lists the classes that have lost all of their images in a split of a task."""
    for old, new in zip(before.tasks, after.tasks):
        for split in SPLITS:
            gone = {e.label for e in getattr(old, split)} - {e.label for e in getattr(new, split)}
            for label in sorted(gone):
                yield f"task {old.name}, {split}: no image of class {before.classes[label]!r} can be used; expected one"


def examine_all(
    examples: Collection[Example], problems: Problems, what: str
) -> tuple[dict[pathlib.Path, ImageHash | None], collections.Counter[Size | None]]:
    """Decodes all images in parallel, and adds their problems to `problems`.

    Returns:
      ({image: its ImageHash or None}, number of images of each size), as returned by `examine`.
    """
    hashes: dict[pathlib.Path, ImageHash | None] = {}
    sizes: collections.Counter[Size | None] = collections.Counter()
    pool = concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS))
    try:
        for example, (size, found, hashed) in zip(tqdm(examples, what, unit="image"), pool.map(examine, examples)):
            problems.add(example.image, found)
            hashes[example.image] = hashed
            sizes[size] += 1
    finally:
        pool.shutdown(cancel_futures=True)  # on Ctrl-C, do not wait for the other images
    return hashes, sizes


def examine(example: Example) -> tuple[Size | None, list[str], ImageHash | None]:
    """Decodes an image and its mask.

    Returns:
      ((width, height), problems, ImageHash); size and hash are None if the image cannot be read. Problems are one line
      each: a file that cannot be read, a mask of a different size than its image, or a box that is empty or not inside
      its image.
    """
    try:
        str(example.image).encode()
    except UnicodeEncodeError:
        return None, [f"image {ascii(str(example.image))}: its name is not UTF-8; rename it"], None
    try:
        image = open_image(example.image)
        size, hashed = image.size, image_hash(example.image, image)
    except UserError as error:
        return None, [str(error)], None
    problems = []
    if example.mask:
        try:
            mask_size = open_mask(example.mask).size
            if mask_size != size:
                sizes = "is {}x{}; expected {}x{}, its image's size".format(*mask_size, *size)
                problems.append(f"mask {example.mask}: {sizes}")
        except UserError as error:
            problems.append(str(error))
    if example.box:
        (width, height), (xmin, ymin, xmax, ymax) = size, example.box
        if not (0 <= xmin < xmax <= width and 0 <= ymin < ymax <= height):
            expected = f"expected 0 <= xmin < xmax <= {width} and 0 <= ymin < ymax <= {height}"
            problems.append(f"box of {example.image}: is {xmin}, {ymin}, {xmax}, {ymax}; {expected}")
    return size, problems, hashed
