"""The data of one task that the hooks of a strategy get: its examples, and batches of them."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from sdkd_tf.data.pipeline import DecodedImages, make_dataset
from sdkd_tf.data.sequence import Example


@dataclasses.dataclass(frozen=True)
class TaskData:
    """One task.

    Attributes:
      index: index of the task among all tasks that the network learns; 0 for the first.
      examples: the training Examples of the task.
      input_size: side of the network's square input in pixels.
      batch_size: images per batch, over all replicas together.
      augmentation: a key of `augmentation.AUGMENTATIONS`.
      validation: the validation Examples of the task; they are not trained on.
      epochs: number of epochs of training; with 0, the task only adds to what the strategy keeps.
      min_steps: smallest number of steps per epoch.
      seed: seed of order and augmentation in the current epoch.
      memory: keeps the decoded images while the task is learned.
      input_context: defines the part of every batch that this worker reads.
    """

    index: int
    examples: tuple[Example, ...]
    input_size: int
    batch_size: int
    augmentation: str = "light"
    validation: tuple[Example, ...] = ()
    epochs: int = 1
    min_steps: int = 1
    seed: int = 0
    memory: DecodedImages = dataclasses.field(default_factory=DecodedImages)
    input_context: tf.distribute.InputContext = tf.distribute.InputContext()

    @property
    def steps(self) -> int:
        """Number of batches per epoch: one pass over the images, or several if there are few."""
        return max(self.min_steps, math.ceil(len(self.examples) / self.batch_size))

    def batches(self, examples: Sequence[Example] | None = None, batch_size: int | None = None) -> tf.data.Dataset:
        """Batches in order, without augmentation.

        Args:
          examples: the Examples to read; None for those of the task.
          batch_size: images per batch; None for that of the task.
        """
        chosen = self.examples if examples is None else examples
        return make_dataset(chosen, self.input_size, batch_size or self.batch_size, memory=self.memory)

    def augmented(self, examples: Sequence[Example] | None = None, rows: np.ndarray | None = None) -> tf.data.Dataset:
        """The current epoch's batches, `steps` of them, shuffled and augmented.

        Args:
          examples: the Examples to draw from; None for those of the task.
          rows: difficulties of earlier tasks to rehearse, see `pipeline.make_dataset`.
        """
        return make_dataset(
            self.examples if examples is None else examples,
            self.input_size,
            self.batch_size,
            seed=self.seed,
            batches=self.steps,
            augmentation=self.augmentation,
            rows=rows,
            memory=self.memory,
            input_context=self.input_context,
        )
