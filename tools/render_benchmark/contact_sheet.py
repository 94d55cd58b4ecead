"""Draws an overview of a render: python -m tools.render_benchmark.contact_sheet DIR OUT.png [SPLIT]."""

import csv
import pathlib
import sys

from absl import app
from PIL import Image


def draw(folder: pathlib.Path, split: str = "train") -> Image.Image:
    """Returns a sheet with a row for each task and a column for each object, one image each."""
    with (folder / "levels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    if not rows:
        raise ValueError(f"{folder / 'levels.csv'} has no images of split {split}")
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
            # Another moment of the sequence in each column shows all rooms.
            sheet.paste(Image.open(folder / paths[across % len(paths)]), (across * side, down * side))
    return sheet


def main(argv: list[str]) -> None:
    """Writes the sheet."""
    if not 3 <= len(argv) <= 4:
        sys.exit("error: expected DIR OUT.png [SPLIT]")
    try:
        draw(pathlib.Path(argv[1]), *argv[3:]).save(argv[2])
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
