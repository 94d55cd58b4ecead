"""Joint training on the images of all tasks so far: not a strategy, but the upper bound for all of them."""

from typing import Any

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.data.sequence import Example
from sdkd_tf.data.task_data import TaskData
from sdkd_tf.strategies.base import Strategy


class Joint(Strategy):
    """Keeps every image. A task takes as many steps as with any other strategy."""

    continuable = False  # its images are not in a finished run

    def __init__(self, student: keras.Model, options: Any = None):
        super().__init__(student, options)
        self._seen: tuple[Example, ...] = ()  # a tuple, which Keras does not wrap

    def training_batches(self, task: TaskData) -> tf.data.Dataset:
        return task.augmented((*self._seen, *task.examples))

    def end_task(self, task: TaskData) -> None:
        self._seen += task.examples

    def state(self) -> dict[str, Any]:
        return {**super().state(), "seen": [example.to_json() for example in self._seen]}

    def restore(self, state: dict[str, Any], values: Any) -> None:
        super().restore(state, values)
        self._seen = tuple(map(Example.from_json, state["seen"]))

    @property
    def kept_examples(self) -> tuple[Example, ...]:
        return self._seen
