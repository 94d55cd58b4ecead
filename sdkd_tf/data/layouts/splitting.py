"""Splits one class of a plain folder. Neighboring frames of a video look alike, so they go to the same split."""

import math
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

Files = list[pathlib.Path]

_MIN_CLIPS = 5
RULE = (
    "each class is split in file order: the last fifth is for testing (at least 5 of 15 images or more), the tenth"
    " before it for validation, the rest for training"
)


class Split(NamedTuple):
    """The images of one class by split, and those left out between the splits."""

    train: Files
    validation: Files
    test: Files
    unused: Files
    by_clip: bool


def split_class(files: Sequence[pathlib.Path]) -> Split:
    """Splits the images of a class by clips if possible, otherwise by blocks with gaps. The split is deterministic.

    A fifth of the images is for testing, but at least five, or a third of fewer than 15 images. A tenth is for
    validation, but at least one. A class of one or two images has none left for training.

    Args:
      files: image files in natural order.
    """
    test = max(math.ceil(len(files) / 5), min(5, len(files) // 3))
    validation = max(1, len(files) // 10)
    return _by_clip(files, validation, test) or _by_block(files, validation, test)


def _by_clip(files: Sequence[pathlib.Path], validation: int, test: int) -> Split | None:
    """Splits by whole clips; None if there are fewer than five, or if their sizes are too unequal.

    A clip consists of the images with the same name before a running number: clipA_001.jpg, clipA_002.jpg.
    """
    clips: dict[str, Files] = {}
    for path in files:
        clips.setdefault(re.sub(r"\d+$", "", path.stem), []).append(path)
    if len(clips) < _MIN_CLIPS or len(files) < 2 * len(clips):  # with one image each, the names do not denote clips
        return None
    tested = _fewest(clips, test)
    validated = _fewest({name: clip for name, clip in clips.items() if name not in tested}, validation)
    parts: tuple[Files, Files, Files] = [], [], []
    for name, clip in clips.items():
        parts[2 if name in tested else 1 if name in validated else 0].extend(clip)
    return Split(*parts, [], True) if 5 * len(parts[0]) >= 2 * len(files) and parts[1] and parts[2] else None


def _fewest(clips: dict[str, Files], wanted: int) -> tuple[str, ...]:
    """The set of clips with the smallest total of at least `wanted` images; later clips are preferred."""
    sums: dict[int, tuple[str, ...]] = {0: ()}
    for name in reversed(clips):
        for total in [total for total in sums if total < wanted]:
            sums.setdefault(total + len(clips[name]), (*sums[total], name))
    return sums[min((total for total in sums if total >= wanted), default=0)]


def _by_block(files: Sequence[pathlib.Path], validation: int, test: int) -> Split:
    """Splits into blocks, with a gap of a twentieth of the images between them if there are ten or more."""
    gap = max(1, len(files) // 20) if len(files) >= 10 else 0
    after = (test + validation + 2 * gap, test + validation + gap, test + gap, test)  # images after each border
    ends = [max(0, len(files) - count) for count in after]
    train, first, validated, second, tested = (
        list(files[start:end]) for start, end in zip([0, *ends], [*ends, len(files)])
    )
    return Split(train, validated, tested, first + second, False)
