"""Joint training on the images of all tasks so far: the upper bound for the strategies."""

import tensorflow as tf

from sdkd_tf.data.task_data import TaskData
from sdkd_tf.strategies.base import Strategy
from sdkd_tf.strategies.discriminant import ClassStatistics


class Joint(Strategy):
    """Keeps all images and trains on those of all tasks so far, with as many steps per task as the other strategies."""

    continuable = False  # its images are not in a finished run

    def training_batches(self, task: TaskData) -> tf.data.Dataset:
        return task.augmented((*self.kept_examples, *task.examples))

    def end_task(self, task: TaskData) -> None:
        self.kept_examples += task.examples
        super().end_task(task)

    def update(self, statistics: ClassStatistics, task: TaskData) -> None:
        """Computes the statistics of all tasks anew, because the features have changed."""
        statistics.reset()
        statistics.add(*self.embed(task.batches(self.kept_examples)))
