"""Where an image's saliency target lies: an object mask, a bounding box, or both."""

import os
import pathlib

from PIL import Image

from sdkd_tf.errors import UserError

# OpenLORIS-Object's own annotation, as public readers of the release find it: a scene's folder is called `scence#1`.
_SHIPPED = "mask_and_bbox"
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
    or the `.txt` beside the shipped mask. The release annotates only a part of its images.
    """

    def __init__(self, root, factor=None, level=None):
        """Args: root: the data's root folder. factor, level: of the task; None where the layout does not tell."""
        self._root = root
        folders = root.glob(f"{_SHIPPED}/*/{factor}/{_LEVELS[factor][level - 1]}/*") if factor else ()
        self._shipped = {folder.name: folder for folder in folders}

    def __call__(self, image):
        """Returns (mask's path or None, box file's path or None)."""
        relative = image.relative_to(self._root)
        shipped = self._shipped.get(image.parent.name, self._root / _SHIPPED)
        mask = _existing((self._root / "masks" / relative).with_suffix(".png"), shipped / f"{image.stem}.png")
        box = _existing((self._root / "boxes" / relative).with_suffix(".txt"), shipped / f"{image.stem}.txt")
        return mask, box


def _existing(*paths):
    return next((path for path in paths if os.path.isfile(path)), None)


def read_box(path):
    """Reads a box from a text file of four lines xmin, ymin, xmax, ymax, in pixels of the upright image.

    Returns:
      (xmin, ymin, xmax, ymax), whole numbers; xmax and ymax are the first column and row beyond the box.

    Raises:
      UserError: the file does not hold four numbers.
    """
    try:
        xmin, ymin, xmax, ymax = (int(float(line)) for line in pathlib.Path(path).read_text().split())
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"box {path}: cannot be read; expected four lines xmin, ymin, xmax, ymax") from error
    return xmin, ymin, xmax, ymax


def draw_box(box, size):
    """Draws a box as a filled mask.

    Args:
      box: (xmin, ymin, xmax, ymax) in pixels.
      size: (width, height) of the image.

    Returns:
      A PIL image in mode L, 255 in the box and 0 elsewhere.
    """
    mask = Image.new("L", size)
    mask.paste(255, tuple(int(side) for side in box))
    return mask
