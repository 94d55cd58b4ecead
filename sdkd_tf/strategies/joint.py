"""Joint training on the images of all tasks so far: not a strategy, but the upper bound for all of them."""

import tensorflow as tf

from sdkd_tf.data.task_data import TaskData
from sdkd_tf.strategies.base import Strategy


class Joint(Strategy):
    """Keeps every image. A task takes as many steps as with any other strategy."""

    continuable = False  # its images are not in a finished run

    def training_batches(self, task: TaskData) -> tf.data.Dataset:
        return task.augmented((*self.kept_examples, *task.examples))

    def end_task(self, task: TaskData) -> None:
        self.kept_examples += task.examples
