"""Predictions for the test images one by one: the confusion matrix, and the worst mistakes."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tf_keras as keras
from scipy.special import softmax

from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import Example, TaskSequence
from sdkd_tf.model.network import as_outputs


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a network predicts for test images, in the order of the tasks.

    Attributes:
      examples: the images, each once, even if several tasks test on it.
      tasks: for each image, the name of the first task that tests on it.
      probabilities: float32 `[images, classes]`.
      saliency: float32 `[images, h, w]` in [0, 1]; None for a network without maps.
    """

    examples: Sequence[Example]
    tasks: Sequence[str]
    probabilities: np.ndarray
    saliency: np.ndarray | None

    @property
    def labels(self) -> np.ndarray:
        """The true labels, int `[images]`."""
        return np.array([example.label for example in self.examples])

    def confusion(self) -> np.ndarray:
        """The confusion matrix, int `[classes, classes]`: row i, column j counts images of class i labeled as j."""
        classes = self.probabilities.shape[1]
        counts = np.zeros((classes, classes), int)
        np.add.at(counts, (self.labels, self.probabilities.argmax(axis=1)), 1)
        return counts

    def worst_mistakes(self, most: int) -> list[int]:
        """Indices of at most `most` wrongly labeled images, those with the highest probability of a wrong label first."""
        wrong = np.flatnonzero(self.probabilities.argmax(axis=1) != self.labels)
        return wrong[np.argsort(-self.probabilities.max(axis=1)[wrong], kind="stable")][:most].tolist()


def predict_test_images(network: keras.Model, sequence: TaskSequence, input_size: int) -> Predictions:
    """Runs a network on the distinct test images of all tasks."""
    tasks: dict[Example, str] = {}
    for task in sequence.tasks:
        for example in task.test:
            tasks.setdefault(example, task.name)
    logits, maps = [], []
    for batch in make_dataset(list(tasks), input_size, 50):
        outputs = as_outputs(network(batch["image"], training=False))
        logits.append(outputs.logits.numpy())
        if outputs.saliency is not None:
            maps.append(outputs.saliency.numpy()[..., 0])
    probabilities = softmax(np.concatenate(logits), axis=1)
    return Predictions(list(tasks), list(tasks.values()), probabilities, np.concatenate(maps) if maps else None)
