"""One task as a strategy's hooks see it: its examples and the batches made of them."""

import dataclasses
import math
from collections.abc import Sequence

import tensorflow as tf

from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import Example


@dataclasses.dataclass(frozen=True)
class TaskData:
    """One task.

    Attributes:
      index: place of the task among all that the network learns; 0 for the first.
      examples: the task's training Examples.
      input_size: side of the network's square input in pixels.
      batch_size: images in a batch, of all replicas together.
      augmentation: a key of `augmentation.AUGMENTATIONS`.
      seed: of the current epoch's order and augmentation.
      input_context: which part of every batch this worker reads.
    """

    index: int
    examples: tuple[Example, ...]
    input_size: int
    batch_size: int
    augmentation: str = "light"
    seed: int = 0
    input_context: tf.distribute.InputContext = tf.distribute.InputContext()

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return math.ceil(len(self.examples) / self.batch_size)

    def batches(self, examples: Sequence[Example] | None = None, batch_size: int | None = None) -> tf.data.Dataset:
        """Batches in order, not augmented.

        Args:
          examples: the Examples to read; None for the task's.
          batch_size: images in a batch; None for the task's.
        """
        return make_dataset(
            self.examples if examples is None else examples, self.input_size, batch_size or self.batch_size
        )

    def augmented(self, examples: Sequence[Example] | None = None) -> tf.data.Dataset:
        """The current epoch's batches, `steps` of them, shuffled and augmented.

        Args:
          examples: the Examples to draw from; None for the task's.
        """
        return make_dataset(
            self.examples if examples is None else examples,
            self.input_size,
            self.batch_size,
            seed=self.seed,
            batches=self.steps,
            augmentation=self.augmentation,
            input_context=self.input_context,
        )
