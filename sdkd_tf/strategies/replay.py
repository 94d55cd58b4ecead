"""Experience replay (Chaudhry et al., 2019, "On Tiny Episodic Memories"), alone and with SDKD."""

import dataclasses
import random
from collections.abc import Iterable
from typing import Annotated, Any

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.data.task_data import TaskData
from sdkd_tf.options import about
from sdkd_tf.strategies.base import Strategy
from sdkd_tf.strategies.sdkd import SDKD


class ExperienceReplay(Strategy):
    """Keeps a reservoir of images, and trains on a batch of them with every batch of new images."""

    @dataclasses.dataclass(frozen=True)
    class Options(Strategy.Options):
        """Options of experience replay."""

        memory_images: Annotated[int, about("Images that experience replay keeps.", ge=0, research=True)] = 200

    continuable = False  # its images are not in a finished run

    def __init__(self, student: keras.Model, options: Any = None):
        super().__init__(student, options)
        self.reservoir = Reservoir(self.options.memory_images)

    def training_batches(self, task: TaskData) -> tf.data.Dataset:
        new = super().training_batches(task)
        return beside(task.augmented(self.kept_examples), new) if self.kept_examples else new

    def end_task(self, task: TaskData) -> None:
        super().end_task(task)
        self.reservoir.offer(task.examples)
        self.kept_examples = self.reservoir.kept

    def state(self) -> dict[str, Any]:
        return {**super().state(), "offered": self.reservoir.offered}

    def restore(self, state: dict[str, Any], values: Any) -> None:
        super().restore(state, values)
        self.reservoir.kept, self.reservoir.offered = self.kept_examples, state["offered"]


class SDKDReplay(ExperienceReplay, SDKD):
    """SDKD with the batches of experience replay; the teacher is asked about half of the kept images as well."""

    @dataclasses.dataclass(frozen=True)
    class Options(SDKD.Options, ExperienceReplay.Options):
        """Options of SDKD with experience replay."""


class Reservoir:
    """A uniform random sample of a stream of unknown length (Vitter, 1985, algorithm R)."""

    def __init__(self, size: int):
        """Args: size: number of items to keep."""
        self.kept: tuple[Any, ...] = ()
        self.offered, self._size = 0, size

    def offer(self, items: Iterable[Any]) -> None:
        """Adds items to the stream. Afterwards, every item so far is kept with the same probability."""
        kept = list(self.kept)
        for item in items:
            self.offered += 1
            place = random.randrange(self.offered)
            if len(kept) < self._size:
                kept.append(item)
            elif place < self._size:
                kept[place] = item
        self.kept = tuple(kept)


def beside(old: tf.data.Dataset, new: tf.data.Dataset) -> tf.data.Dataset:
    """Concatenates each batch of `old` with one of `new`."""
    return tf.data.Dataset.zip((old, new)).map(lambda a, b: {name: tf.concat([a[name], b[name]], axis=0) for name in a})
