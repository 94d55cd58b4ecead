"""Draws a contact sheet: pictures with lines of text below them, in rows."""

import dataclasses
import pathlib
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageOps

from sdkd_tf.reporting.figures import save_figure
from sdkd_tf.reporting.fonts import drawable

SIDE = 240  # longer side of a picture, in pixels
_GAP, _LINE, _DPI = 16, 17, 100  # between cells, and of a line of text, in pixels
_CHARACTER = 8.2  # width of most bold ones in pixels, for the length of a line


@dataclasses.dataclass(frozen=True)
class Cell:
    """Pictures side by side, each at most SIDE pixels wide and high, and the lines below them.

    The first line is bold, the last one gray.
    """

    pictures: Sequence[Image.Image]
    lines: Sequence[str]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return max(picture.height for picture in self.pictures) + _LINE * len(self.lines)


def fitted(image: Image.Image) -> Image.Image:
    """Scales a PIL image to a longer side of SIDE pixels."""
    return ImageOps.contain(image, (SIDE, SIDE), Image.Resampling.BICUBIC)


def save_sheet(path: pathlib.Path, cells: Sequence[Cell], columns: int) -> None:
    """Writes a contact sheet as a PNG file.

    Args:
      path: the file.
      cells: one or more Cells.
      columns: number of cells in a row.
    """
    inside = max(len(cell.pictures) for cell in cells) * (SIDE + _GAP // 4)
    longest = int(inside / _CHARACTER)
    lines = iter(drawable([_shortened(line, longest) for cell in cells for line in cell.lines]))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [max(cell.height for cell in row) + _GAP for row in rows]
    width, height = min(columns, len(cells)) * (inside + _GAP) + _GAP, sum(heights) + _GAP
    figure = plt.figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    top = height - _GAP
    for row, used in zip(rows, heights):
        for column, cell in enumerate(row):
            left = _GAP + column * (inside + _GAP)
            beside = left
            for picture in cell.pictures:
                figure.figimage(np.asarray(picture), beside, top - picture.height)
                beside += picture.width + _GAP // 4
            below = top - max(picture.height for picture in cell.pictures)
            for number in range(len(cell.lines)):
                style = (
                    {"weight": "bold"} if number == 0 else {"color": "gray"} if number == len(cell.lines) - 1 else {}
                )
                where = left / width, (below - 3 - number * _LINE) / height
                figure.text(*where, next(lines), va="top", fontsize=9, **style)
        top -= used
    save_figure(figure, path, _DPI)


def _shortened(text: str, longest: int) -> str:
    """The end of a text that is too long, which says more about a path than its start."""
    return text if len(text) <= longest else "…" + text[1 - longest :]
