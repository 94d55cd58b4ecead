"""Finds the saliency target of an image: an object mask, a bounding box, or both."""

import collections
import os
import pathlib
from collections.abc import Sequence

from PIL import Image

from sdkd_tf.data.layouts.names import on_disk
from sdkd_tf.errors import UserError

Box = tuple[int, int, int, int]  # xmin, ymin, xmax, ymax in pixels

_SHIPPED = "mask_and_bbox"  # OpenLORIS-Object's own annotation, with the misspelled subfolders `scence#{1..7}`
SUFFIX_OF = {"masks": ".png", "boxes": ".txt"}  # folder in the data folder -> suffix of the targets below it
TREES = (*SUFFIX_OF, _SHIPPED)  # folders in the data folder that hold only targets
_LEVELS = {
    "illumination": ("Strong", "Normal", "Weak"),
    "occlusion": ("0%", "25%", "50%"),
    "pixel": ("200", "30-200", "30"),
    "clutter": ("Low", "Normal", "High"),
}


class TargetFinder:
    """Finds the targets of one task's images.

    A mask is `masks/<path of the image>.png` or the one that OpenLORIS-Object ships,
    `mask_and_bbox/scence#{1..7}/<factor>/<level's name>/<object>/<image>.png`; a box is `boxes/<path of the image>.txt`
    or the `.txt` next to the shipped mask. The release annotates only some of its images.
    """

    def __init__(self, root: pathlib.Path, factor: str | None = None, level: int | None = None):
        """Args:
        root: the data folder.
        factor, level: those of the task; None if they are unknown.
        """
        self._root = root
        self._shipped = collections.defaultdict(list)
        for folder in root.glob(f"{_SHIPPED}/*/{factor}/{_LEVELS[factor][level - 1]}/*") if factor and level else ():
            self._shipped[folder.name].append(folder)

    def __call__(self, image: pathlib.Path) -> tuple[pathlib.Path | None, pathlib.Path | None]:
        """Returns (path of the mask or None, path of the box or None). Raises UserError if two scenes match."""
        relative = image.relative_to(self._root)
        mask, box = (on_disk(self._root, tree / relative.with_suffix(SUFFIX_OF[tree])) for tree in SUFFIX_OF)
        return self._find(mask, image), self._find(box, image)

    def _find(self, own: pathlib.Path, image: pathlib.Path) -> pathlib.Path | None:
        if os.path.isfile(own):
            return own
        folders = self._shipped.get(image.parent.name, ())
        found = [path for folder in folders if os.path.isfile(path := folder / f"{image.stem}{own.suffix}")]
        if len(found) > 1:
            raise UserError(f"{min(found)}, {max(found)}: both match {image}; expected one of them")
        return found[0] if found else None


def read_box(path: pathlib.Path) -> Box:
    """Reads a box from a text file of four lines xmin, ymin, xmax, ymax, in pixels of the upright image.

    Returns:
      (xmin, ymin, xmax, ymax), integers; xmax and ymax are the first column and row outside the box.

    Raises:
      UserError: the file does not hold four numbers, or they are fractions of the image's sides.
    """
    expected = "expected four lines xmin, ymin, xmax, ymax"
    try:
        sides = [float(line) for line in pathlib.Path(path).read_text(encoding="utf-8-sig").split()]
        xmin, ymin, xmax, ymax = map(int, sides)
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"box {path}: cannot be read; {expected}") from error
    if max(sides) <= 1:
        raise UserError(f"box {path}: has no number above 1, so it may be relative to the image; {expected} in pixels")
    return xmin, ymin, xmax, ymax


def draw_box(box: Sequence[int], size: tuple[int, int]) -> Image.Image:
    """Draws a box as a filled mask.

    Args:
      box: (xmin, ymin, xmax, ymax) in pixels.
      size: (width, height) of the image.

    Returns:
      A PIL image in mode L, 255 in the box and 0 elsewhere.
    """
    mask = Image.new("L", size)
    left, top, right, bottom = (int(side) for side in box)
    mask.paste(255, (left, top, right, bottom))
    return mask
