"""Checks of a data set before a run: every image and target is decoded once, and all files get one fingerprint."""

import concurrent.futures
import hashlib
import os
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from sdkd_tf.data.duplicates import Look, across_splits, look_of
from sdkd_tf.data.images import open_image
from sdkd_tf.data.layouts.listing import SPLITS
from sdkd_tf.data.leftovers import leftovers
from sdkd_tf.data.masks import open_mask
from sdkd_tf.data.sequence import Example, Problems, TaskSequence
from sdkd_tf.errors import UserError

_MOST_AT_ONCE = 4  # images in memory; one of 200 megapixels takes 0.8 GB
Found = tuple[tuple[int, int] | None, list[str], Look | None]


def check_images(sequence: TaskSequence, problems: Problems, skip_bad_images: bool = False) -> TaskSequence:
    """Decodes every image once, so that bad data stop a run before its first step.

    Args:
      sequence: a TaskSequence.
      problems: the Problems that `load_tasks` collected; those of the images are added.
      skip_bad_images: leave out images that cannot be used, instead of stopping.

    Returns:
      The TaskSequence without the images in `problems`.

    Raises:
      UserError: all problems, one a line; with `skip_bad_images`, those that are not of single images, such as a class of
        which no image is left.
    """
    examples = [example for task in sequence.tasks for example in task.examples]
    looks = {}
    for example, (_, found, look) in zip(tqdm(examples, desc="checking images", unit="image"), examine_all(examples)):
        problems.add(example.image, found)
        looks[example.image] = look
    used = sequence.without({sequence.relative(image) for image in problems.images})
    copies, alike = across_splits(used, looks)
    misnamed, unused = leftovers(sequence.root)
    problems.general += [*copies, *misnamed]
    for line in [*alike, *unused]:
        print(f"warning: {line}")
    wrong = [*problems.general, *(_emptied(sequence, used) if skip_bad_images else problems.image_lines)]
    if wrong:
        raise UserError(wrong[0] if len(wrong) == 1 else "\n  ".join([f"the data have {len(wrong)} problems:", *wrong]))
    return used


def fingerprint(sequence: TaskSequence) -> str:
    """SHA-256, in hexadecimal, of the labels, boxes, and files of images and masks, in their order."""
    digest = hashlib.sha256()
    for example in (example for task in sequence.tasks for example in task.examples):
        digest.update(f"{example.label} {example.box}".encode())
        for path in (example.image, example.mask):
            digest.update(path.read_bytes() if path else b"")
    return digest.hexdigest()


def _emptied(before: TaskSequence, after: TaskSequence) -> Iterator[str]:
    """Names the classes of which a split of a task had images and has none left."""
    for old, new in zip(before.tasks, after.tasks):
        for split in SPLITS:
            gone = {e.label for e in getattr(old, split)} - {e.label for e in getattr(new, split)}
            for label in sorted(gone):
                yield f"task {old.name}, {split}: no image of class {before.classes[label]!r} can be used; expected one"


def examine_all(examples: Iterable[Example]) -> Iterator[Found]:
    """Yields what `examine` returns for each Example, in order; Pillow decodes on several cores at once."""
    pool = concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_AT_ONCE))
    try:
        yield from pool.map(examine, examples)
    finally:
        pool.shutdown(cancel_futures=True)  # of those that nobody waits for any more


def examine(example: Example) -> Found:
    """Decodes an image and its mask.

    Returns:
      ((width, height) or None if the image cannot be read, a list of problems, one line each, its Look or None): a file that
      cannot be read, a mask of another size than its image, a box that is empty or exceeds its image.
    """
    try:
        str(example.image).encode()
    except UnicodeEncodeError:
        return None, [f"image {ascii(str(example.image))}: its name is not UTF-8; rename it"], None
    try:
        image = open_image(example.image)
        size, look = image.size, look_of(example.image, image)
    except UserError as error:
        return None, [str(error)], None
    problems = []
    if example.mask:
        try:
            mask_size = open_mask(example.mask).size
            if mask_size != size:
                problems.append(f"mask {example.mask}: is {_by(mask_size)}; expected {_by(size)}, its image's size")
        except UserError as error:
            problems.append(str(error))
    if example.box:
        (width, height), (xmin, ymin, xmax, ymax) = size, example.box
        if not (0 <= xmin < xmax <= width and 0 <= ymin < ymax <= height):
            expected = f"expected 0 <= xmin < xmax <= {width} and 0 <= ymin < ymax <= {height}"
            problems.append(f"box of {example.image}: is {xmin}, {ymin}, {xmax}, {ymax}; {expected}")
    return size, problems, look


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
