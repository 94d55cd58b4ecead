"""The head of a converted network: class statistics with which a device classifies embeddings, and learns new objects.

The file `head.json` next to a .tflite file holds them. Ports read it in examples/web and examples/android.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Annotated, NamedTuple

import numpy as np
from msgspec import Meta
from scipy.special import softmax

from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike, read_json, write_json
from sdkd_tf.strategies.discriminant import TEMPERATURE, ClassStatistics

NAME = "head.json"


class Decision(NamedTuple):
    """The prediction of a head for an image.

    Attributes:
      probabilities: `[classes]`.
      known: whether the image shows one of the classes; see `ClassStatistics.distances`.
    """

    probabilities: np.ndarray
    known: bool


@dataclasses.dataclass(frozen=True)
class _Stored:
    """The content of head.json. Arrays are 32-bit floats, little endian, in base64.

    Attributes:
      labels: names of the classes.
      counts: number of images of each class.
      means: `[classes, size]`.
      scatter: the lower triangle of `[size, size]`, row by row; see `ClassStatistics`.
      reach: distance above which an image shows none of the classes, and the number of tasks it was measured on.
      temperature: what logits are divided by; above 0.
    """

    labels: list[str]
    counts: list[float]
    means: bytes
    scatter: bytes
    reach: tuple[float, float]
    temperature: Annotated[float, Meta(gt=0)]


class Head:
    """Names of the classes, and their statistics."""

    def __init__(self, labels: list[str], statistics: ClassStatistics, temperature: float = TEMPERATURE):
        self.labels, self.statistics, self.temperature = labels, statistics, temperature

    @property
    def size(self) -> int:
        """Length of the embeddings that it classifies."""
        return int(self.statistics.means.shape[1])

    @functools.cached_property
    def _solved(self) -> tuple[np.ndarray, np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """(kernel, bias, distance function) of the statistics."""
        return *self.statistics.discriminant(), self.statistics.distance_function()

    def __call__(self, embedding: np.ndarray) -> Decision:
        """Classifies an embedding `[size]`."""
        kernel, bias, distances = self._solved
        logits = (embedding @ kernel + bias) * (TEMPERATURE / self.temperature)
        known = distances(embedding[None])[0] <= self.statistics.reach.numpy()[0]
        return Decision(softmax(logits), bool(known))

    def taught(self, embeddings: np.ndarray, labels: list[str]) -> "Head":
        """A head that has also learned from some images. New classes come after the known ones.

        Args:
          embeddings: `[images, size]`.
          labels: name of the class of each image.
        """
        names = [*self.labels, *(name for name in dict.fromkeys(labels) if name not in self.labels)]
        known, more = self.statistics, len(names) - len(self.labels)
        counts = np.pad(known.counts.numpy(), (0, more))
        means = np.pad(known.means.numpy(), ((0, more), (0, 0)))
        grown = ClassStatistics.of(counts, means, known.scatter.numpy(), known.reach.numpy())
        grown.add(embeddings, np.array([names.index(label) for label in labels]))
        return Head(names, grown, self.temperature)

    def write(self, path: PathLike) -> None:
        """Writes head.json atomically."""
        statistics = self.statistics
        counts, means, scatter, (reach, tasks) = (
            v.numpy().astype("<f4") for v in (statistics.counts, statistics.means, statistics.scatter, statistics.reach)
        )
        triangle = scatter[np.tril_indices(len(scatter))]
        reach = float(reach), float(tasks)
        stored = _Stored(self.labels, counts.tolist(), means.tobytes(), triangle.tobytes(), reach, self.temperature)
        write_json(path, stored)


def head_beside(model: PathLike) -> Head | None:
    """Reads the head.json next to a .tflite file; None if there is none. Raises UserError if it is damaged."""
    path = pathlib.Path(model).with_name(NAME)
    return read_head(path) if path.is_file() else None


def read_head(path: PathLike) -> Head:
    """Reads a head.json. Raises UserError if it is missing or damaged."""
    stored = read_json(path, _Stored, "convert.py")
    classes = len(stored.labels)
    try:
        means = np.frombuffer(stored.means, "<f4").reshape(classes, -1)
        triangle, size = np.frombuffer(stored.scatter, "<f4"), means.shape[1]
        if len(stored.counts) != classes or len(triangle) != size * (size + 1) // 2:
            raise ValueError("numbers of classes or features differ")
        scatter = np.zeros((size, size), np.float32)
        scatter[np.tril_indices(size)] = triangle
        scatter += np.tril(scatter, -1).T
        statistics = ClassStatistics.of(np.array(stored.counts), means, scatter, np.array(stored.reach))
        head = Head(stored.labels, statistics, stored.temperature)
        if min(stored.counts) < 0 or not (max(stored.counts) > 0 and np.isfinite(head(means[0]).probabilities).all()):
            raise ValueError("its statistics have no solution")
    except ValueError as error:  # LinAlgError is one
        raise UserError(f"{path}: {error}; expected a file written by convert.py") from error
    return head
