"""Draws real images of the bundled benchmark's hard tasks, and below them images of task 1 shown as hard.

python -m tools.difficulty_sheet OUT.png [SEED]
"""

import numpy as np
import tensorflow as tf
from absl import app
from PIL import Image

from sdkd_tf.data.difficulty.statistics import summarize
from sdkd_tf.data.difficulty.views import show
from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import Task, load_tasks
from sdkd_tf.errors import UserError, one_line_errors

_HARD = (3, 6, 9, 12)  # dark, half covered, tiny, in clutter
_SIDE = 128
_OBJECTS = slice(0, 20, 2)


def draw(seed: int = 0) -> Image.Image:
    """Returns a sheet with two rows for each hard task, real images and shown ones of the same objects."""
    tasks = load_tasks(DataOptions()).tasks
    easy = _one_of_each_object(tasks[0])
    rows = []
    for number in _HARD:
        task = tasks[number - 1]
        statistics = summarize(make_dataset(task.train, _SIDE, 32), seed=seed)
        shown = [
            show(image, mask, row, [number, seed + place])[0]
            for place, ((image, mask), row) in enumerate(zip(easy, statistics))
        ]
        rows += [[image for image, _ in _one_of_each_object(task)], shown]
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    return Image.fromarray(np.round(sheet * 255).astype(np.uint8))


def _one_of_each_object(task: Task) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """(image, mask) of an example of each object, of another room each."""
    examples: dict[str, list] = {}
    for example in task.train:
        examples.setdefault(example.image.parent.name, []).append(example)
    chosen = [group[place % len(group)] for place, group in enumerate(list(examples.values())[_OBJECTS])]
    return [((e["image"][0] + 1.0) / 2.0, e["mask"][0]) for e in make_dataset(chosen, _SIDE, 1)]


def main(argv: list[str]) -> None:
    """Writes the sheet."""
    with one_line_errors():
        if not 2 <= len(argv) <= 3 or not all(number.isdecimal() for number in argv[2:]):
            raise UserError("expected OUT.png [SEED]")
        draw(*map(int, argv[2:])).save(argv[1])


if __name__ == "__main__":
    app.run(main)
