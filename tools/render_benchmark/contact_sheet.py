"""Draws an overview of a render: python -m tools.render_benchmark.contact_sheet DIR OUT.png [SPLIT]."""

import csv
import pathlib
import sys

from absl import app
from PIL import Image

from sdkd_tf.errors import UserError


def draw(folder: pathlib.Path, split: str = "train") -> Image.Image:
    """Returns a sheet with one image per task (row) and object (column).

    Args:
      folder: a finished render.
      split: train, validation or test.

    Raises:
      UserError: the folder has no images of this split.
    """
    with (folder / "levels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    if not rows:
        raise UserError(f"{folder / 'levels.csv'}: has no images of the split {split!r}")
    tasks = sorted({int(row["task"]) for row in rows})
    objects = list(dict.fromkeys(row["object"] for row in rows))
    cells: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        cells.setdefault((int(row["task"]), row["object"]), []).append(row["path"])
    side = Image.open(folder / rows[0]["path"]).width
    sheet = Image.new("RGB", (side * len(objects), side * len(tasks)))
    for down, task in enumerate(tasks):
        for across, name in enumerate(objects):
            paths = cells[task, name]
            # Each column takes another image of the sequence, so that all rooms are shown.
            sheet.paste(Image.open(folder / paths[across % len(paths)]), (across * side, down * side))
    return sheet


def main(argv: list[str]) -> None:
    """Writes the sheet."""
    if not 3 <= len(argv) <= 4:
        sys.exit("error: expected DIR OUT.png [SPLIT]")
    try:
        draw(pathlib.Path(argv[1]), *argv[3:]).save(argv[2])
    except (OSError, ValueError) as error:  # UserError is a ValueError, and so is an unknown suffix
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
