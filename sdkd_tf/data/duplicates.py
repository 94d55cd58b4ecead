"""Images on both sides of a split: with the same bytes, or neighboring frames that look almost the same."""

import hashlib
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image

from sdkd_tf.data.sequence import TaskSequence

_SIDE = 16
_SMALLEST_STEP = 3  # of 255; less is noise
_FEWEST_STEPS = 64  # less is a plain image or one edge, such as a horizon, and looks like many others
# Cosine of two looks. Different images of the bundled benchmark have at most .61, product photos on white .81; an image and
# itself, moved by 2 % of its width, .88 on average.
_ALIKE = 0.85
_ROWS = 128  # compared at once

Pairs = list[tuple[pathlib.Path, pathlib.Path]]


class Look(NamedTuple):
    """What an image is recognized by.

    Attributes:
      digest: SHA-256 of the file.
      steps: int8 `[512]`, a difference hash: whether each of 16 x 16 places is darker (1), brighter (-1) than its right and its
        lower neighbor, or as bright (0).
    """

    digest: bytes
    steps: np.ndarray


def look_of(path: pathlib.Path, image: Image.Image) -> Look:
    """The Look of an image file and its pixels."""
    small = image.convert("L").resize((_SIDE + 1, _SIDE + 1), Image.Resampling.BOX)
    gray = np.asarray(small, np.int16)
    steps = np.stack([gray[:-1, 1:], gray[1:, :-1]]) - gray[:-1, :-1]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return Look(digest, (np.sign(steps) * (abs(steps) >= _SMALLEST_STEP)).astype(np.int8).ravel())


def across_splits(sequence: TaskSequence, looks: Mapping[pathlib.Path, Look | None]) -> tuple[list[str], list[str]]:
    """Compares the images for validation and test with those for training, over all tasks.

    Args:
      sequence: the TaskSequence.
      looks: image file -> its Look, or None of one that cannot be read, which is left out.

    Returns:
      (problems, warnings), one line each: images with the same bytes, and others that look almost the same.
    """
    seen = {e.image: look for task in sequence.tasks for e in task.train if (look := looks[e.image])}
    held_out = {
        e.image: look
        for task in sequence.tasks
        for e in (*task.validation, *task.test)
        if (look := looks[e.image]) and e.image not in seen
    }
    owner = {look.digest: path for path, look in reversed(seen.items())}
    copies = [(path, owner[look.digest]) for path, look in held_out.items() if look.digest in owner]
    for path, _ in copies:
        del held_out[path]
    return (
        _line(copies, "have the same bytes as one for training", "expected each image in one split"),
        _line(_alike(held_out, seen), "look almost like one for training", "accuracy on them says little"),
    )


def _line(pairs: Pairs, what: str, then: str) -> list[str]:
    return [f"{len(pairs)} images for validation or test {what}, such as {a} and {b}; {then}" for a, b in pairs[:1]]


def _alike(held_out: dict[pathlib.Path, Look], seen: dict[pathlib.Path, Look]) -> Pairs:
    """Images that look almost like one for training, each with that one."""
    if not seen:
        return []
    pairs, paths, others = [], [*held_out], [*seen]
    looks, other_looks = _unit([*held_out.values()]), _unit([*seen.values()])
    for start in range(0, len(paths), _ROWS):
        cosines = looks[start : start + _ROWS] @ other_looks.T
        best = cosines.argmax(axis=1)
        pairs += [(paths[start + row], others[best[row]]) for row in np.flatnonzero(cosines.max(axis=1) >= _ALIKE)]
    return pairs


def _unit(looks: list[Look]) -> np.ndarray:
    """The steps as rows of length 1, or of 0 where there is next to nothing to see: float32 `[len(looks), 512]`."""
    steps = np.array([look.steps for look in looks], np.float32).reshape(len(looks), 2 * _SIDE**2)
    counts = np.abs(steps).sum(axis=1, keepdims=True)
    return np.where(counts >= _FEWEST_STEPS, steps / np.sqrt(np.maximum(counts, 1)), 0)
