"""One interface to a converted file and to the float network of a run."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from sdkd_tf.deploy.head import NAME, Head, head_beside
from sdkd_tf.deploy.tflite import Classifier, Prediction, read_labels
from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike


class Answer(NamedTuple):
    """The prediction of a network for an image.

    Attributes:
      probabilities: `[classes]`.
      known: whether the image shows one of the classes at all; None if the network has no Head that could tell.
      saliency: `[h, w]` in [0, 1], or None if the network has no map.
    """

    probabilities: np.ndarray
    known: bool | None
    saliency: np.ndarray | None


class Recognizer:
    """Recognizes objects with a .tflite file or with a run.

    If there is a Head, the one next to the file or that of the run, it classifies, so objects that it was taught are
    recognized as well.

    Attributes:
      labels: names of the classes.
      input_size: side of the square images in pixels.
    """

    def __init__(self, path: PathLike, threads: int = 1):
        """Args:
        path: a .tflite file, or the directory of a finished run.
        threads: CPU threads for a .tflite file.

        Raises:
          UserError: the path holds neither, or its labels or its Head do not fit.
        """
        self._head: Head | None
        self._predict: Callable[[np.ndarray], list[Prediction]]
        if os.path.isdir(path):
            from sdkd_tf.deploy.float_classifier import FloatClassifier  # a .tflite file needs no training code

            network = FloatClassifier(path)
            self._predict, self.input_size, self._head = network, network.input_size, network.head
            self.labels = network.labels
            return
        classifier = Classifier(path, threads)
        self._predict = lambda images: [classifier(image) for image in images]
        self.input_size, head = classifier.input_size, head_beside(path)
        if head and classifier.embedding_size not in (head.size, 0):
            fits = f"embeddings of length {head.size}, not {classifier.embedding_size}"
            raise UserError(f"model {path}: the {NAME} beside it is for {fits}; expected the one written with it")
        self._head = head if head and classifier.embedding_size else None
        self.labels = self._head.labels if self._head else read_labels(str(path), classifier.num_classes)

    def __call__(self, images: np.ndarray) -> list[Answer]:
        """Recognizes images, uint8 `[n, input_size, input_size, 3]`, RGB."""
        return [self._answer(prediction) for prediction in self._predict(images)]

    def _answer(self, prediction: Prediction) -> Answer:
        if self._head is None:
            return Answer(prediction.probabilities, None, prediction.saliency)
        return Answer(*self._head(prediction.embedding), prediction.saliency)

    def best(self, answer: Answer, count: int) -> tuple[Sequence[str], Sequence[float]]:
        """The most probable labels and their probabilities, best first; the first of equal ones wins, as in argmax."""
        order = (-answer.probabilities).argsort(kind="stable")[:count]
        return [self.labels[i] for i in order], answer.probabilities[order].tolist()
