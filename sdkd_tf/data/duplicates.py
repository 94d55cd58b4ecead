"""Finds images that are in several splits: exact copies, and neighboring video frames that look almost the same."""

import hashlib
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image

from sdkd_tf.data.sequence import TaskSequence

_SIDE = 16
_MIN_STEP = 3  # of 255; smaller steps are noise
_MIN_STEPS = 64  # with fewer, an image is uniform or has a single edge, such as a horizon, and resembles many others
# Minimum cosine similarity of two difference hashes. Different images of the bundled benchmark reach .61, product
# photos on a white background .81; an image and a copy shifted by 2 % of its width have .88 on average.
_ALIKE = 0.85
_ROWS = 128  # images compared at a time

Pairs = list[tuple[pathlib.Path, pathlib.Path]]


class ImageHash(NamedTuple):
    """Hashes that identify an image.

    Attributes:
      digest: SHA-256 of the file.
      steps: int8 `[512]`, a difference hash: whether each pixel of the image, scaled to 16 x 16, is darker (1) or
        brighter (-1) than its right and its lower neighbor, or equal (0).
    """

    digest: bytes
    steps: np.ndarray


def image_hash(path: pathlib.Path, image: Image.Image) -> ImageHash:
    """Computes the ImageHash of a file and its decoded image."""
    small = image.convert("L").resize((_SIDE + 1, _SIDE + 1), Image.Resampling.BOX)
    gray = np.asarray(small, np.int16)
    steps = np.stack([gray[:-1, 1:], gray[1:, :-1]]) - gray[:-1, :-1]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return ImageHash(digest, (np.sign(steps) * (abs(steps) >= _MIN_STEP)).astype(np.int8).ravel())


def across_splits(
    sequence: TaskSequence, hashes: Mapping[pathlib.Path, ImageHash | None]
) -> tuple[list[str], list[str]]:
    """Compares the validation and test images with the training images of all tasks.

    Args:
      sequence: the tasks.
      hashes: image file -> its ImageHash, or None for an unreadable image, which is ignored.

    Returns:
      (problems, warnings), one line each: identical files, and images that look almost the same.
    """
    seen = {e.image: hashed for task in sequence.tasks for e in task.train if (hashed := hashes[e.image])}
    held_out = {
        e.image: hashed
        for task in sequence.tasks
        for e in (*task.validation, *task.test)
        if (hashed := hashes[e.image]) and e.image not in seen
    }
    owner = {hashed.digest: path for path, hashed in reversed(seen.items())}
    copies = [(path, owner[hashed.digest]) for path, hashed in held_out.items() if hashed.digest in owner]
    for path, _ in copies:
        del held_out[path]
    return (
        _line(copies, "are copies of training images", "expected each image in one split"),
        _line(_alike(held_out, seen), "look almost like training images", "accuracy on them says little"),
    )


def _line(pairs: Pairs, what: str, then: str) -> list[str]:
    return [f"{len(pairs)} validation or test images {what}, such as {a} and {b}; {then}" for a, b in pairs[:1]]


def _alike(held_out: dict[pathlib.Path, ImageHash], seen: dict[pathlib.Path, ImageHash]) -> Pairs:
    """Pairs each held-out image that looks almost like a training image with the most similar one."""
    if not seen:
        return []
    pairs, paths, others = [], [*held_out], [*seen]
    rows, other_rows = _unit([*held_out.values()]), _unit([*seen.values()])
    for start in range(0, len(paths), _ROWS):
        cosines = rows[start : start + _ROWS] @ other_rows.T
        best = cosines.argmax(axis=1)
        pairs += [(paths[start + row], others[best[row]]) for row in np.flatnonzero(cosines.max(axis=1) >= _ALIKE)]
    return pairs


def _unit(hashes: list[ImageHash]) -> np.ndarray:
    """The steps as unit vectors, or zeros for images with hardly any steps: float32 `[len(hashes), 512]`."""
    steps = np.array([hashed.steps for hashed in hashes], np.float32).reshape(len(hashes), 2 * _SIDE**2)
    counts = np.abs(steps).sum(axis=1, keepdims=True)
    return np.where(counts >= _MIN_STEPS, steps / np.sqrt(np.maximum(counts, 1)), 0)
