"""Splits one class of a plain folder: neighboring frames of a video look alike, and never stand on both sides."""

import math
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

Files = list[pathlib.Path]

_MIN_CLIPS = 5
RULE = (
    "of each class in file order: the last fifth for test (5 images or more where it has 15), the tenth before it for"
    " validation, the rest for training"
)


class Split(NamedTuple):
    """The images of one class, and those left out between the parts."""

    train: Files
    validation: Files
    test: Files
    unused: Files
    by_clip: bool


def split_class(files: Sequence[pathlib.Path]) -> Split:
    """Splits a class's images by clip, or else by blocks with a gap; the same every time.

    For test go a fifth, and at least five, or a third of fewer than 15 images; for validation a tenth, at least one. Of one or
    two images none is left for training.

    Args:
      files: in natural order.
    """
    test = max(math.ceil(len(files) / 5), min(5, len(files) // 3))
    validation = max(1, len(files) // 10)
    return _by_clip(files, validation, test) or _by_block(files, validation, test)


def _by_clip(files: Sequence[pathlib.Path], validation: int, test: int) -> Split | None:
    """Whole clips; None where the names tell fewer than five, or too unequal ones.

    A clip is what has the same name before a running number: clipA_001.jpg, clipA_002.jpg.
    """
    clips: dict[str, Files] = {}
    for path in files:
        clips.setdefault(re.sub(r"\d+$", "", path.stem), []).append(path)
    if len(clips) < _MIN_CLIPS or len(files) < 2 * len(clips):  # one image each: the names are not those of clips
        return None
    tested = _fewest(clips, test)
    validated = _fewest({name: clip for name, clip in clips.items() if name not in tested}, validation)
    parts: tuple[Files, Files, Files] = [], [], []
    for name, clip in clips.items():
        parts[2 if name in tested else 1 if name in validated else 0].extend(clip)
    return Split(*parts, [], True) if 5 * len(parts[0]) >= 2 * len(files) and parts[1] and parts[2] else None


def _fewest(clips: dict[str, Files], wanted: int) -> tuple[str, ...]:
    """Those clips, late ones first, that together have the fewest images of all that have as many as wanted."""
    sums: dict[int, tuple[str, ...]] = {0: ()}
    for name in reversed(clips):
        for total in [total for total in sums if total < wanted]:
            sums.setdefault(total + len(clips[name]), (*sums[total], name))
    return sums[min((total for total in sums if total >= wanted), default=0)]


def _by_block(files: Sequence[pathlib.Path], validation: int, test: int) -> Split:
    """Blocks, with a twentieth left out between each two; nothing is left out of fewer than ten images."""
    gap = max(1, len(files) // 20) if len(files) >= 10 else 0
    behind = (test + validation + 2 * gap, test + validation + gap, test + gap, test)  # images after each border
    ends = [max(0, len(files) - count) for count in behind]
    train, first, validated, second, tested = (
        list(files[start:end]) for start, end in zip([0, *ends], [*ends, len(files)])
    )
    return Split(train, validated, tested, first + second, False)
