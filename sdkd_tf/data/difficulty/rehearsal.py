"""Rehearsal of old difficulties on new images: what is kept of earlier tasks is how hard their images were."""

import numpy as np
import tensorflow as tf

from sdkd_tf.data.difficulty.statistics import summarize
from sdkd_tf.data.difficulty.views import show

_ROWS = 512


class Difficulties(tf.Module):
    """A sample of the difficulties of all tasks so far, in which every task has the same share.

    Attributes:
      rows: `[512, 4]`, the columns of `statistics.Difficulty`.
      tasks: number of tasks that were added.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows = tf.Variable(tf.zeros([_ROWS, 4]), trainable=False, name="difficulties")
        self.tasks = tf.Variable(0, trainable=False, name="tasks")

    @property
    def known_rows(self) -> np.ndarray | None:
        """The rows, or None before the first task."""
        return self.rows.numpy() if self.tasks.numpy() else None

    @property
    def stored_bytes(self) -> int:
        """Bytes of the rows: 8 KB."""
        return 4 * self.rows.shape.num_elements()

    def add(self, batches: tf.data.Dataset) -> None:
        """Adds a task.

        Args:
          batches: batches of its training images, as in `statistics.summarize`.
        """
        self.tasks.assign_add(1)
        count = int(self.tasks.numpy())
        replaced = np.random.default_rng(count).random(_ROWS) < 1 / count  # all rows if it is the first
        new = summarize(batches, _ROWS, seed=count)
        self.rows.assign(np.where(replaced[:, None], new, self.rows.numpy()))


def rehearse(example: dict[str, tf.Tensor], rows: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """Shows an image as hard as a random image of earlier tasks.

    Args:
      example: an element of `pipeline.make_dataset` before batching.
      rows: `[n, 4]`, difficulties of earlier tasks.
      seed: int `[2]`; the same seed gives the same result.

    Returns:
      The changed example; see `views.show`.
    """
    row_seed, seed = tf.unstack(tf.random.split(tf.random.experimental.stateless_fold_in(seed, 2)))
    row = rows[tf.random.stateless_uniform([], row_seed, maxval=tf.shape(rows)[0], dtype=tf.int32)]
    image, mask = show((example["image"] + 1.0) / 2.0, example["mask"], row, seed)
    return {**example, "image": image * 2.0 - 1.0, "mask": mask}
