"""The FC layer in closed form: linear discriminant analysis from class means and the covariance that classes share.

Only these statistics are kept of the images. They are sums, so tasks can come in any order and nothing is forgotten
as long as the embeddings stay the same (streaming LDA: Hayes and Kanan, "Lifelong Machine Learning with Deep Streaming
Linear Discriminant Analysis", CVPR Workshops 2020).
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

# The posteriors of LDA are too confident: a class has several modes, one for each condition that it was seen in. On
# validation images of the benchmark, dividing the logits by this number is best in log likelihood (docs/results.md).
TEMPERATURE = 5.0
_RECOGNIZED = 0.95  # fraction of the images of known classes that are not taken to show something else
_UNLIMITED = 1e9
_NEVER = 1e3  # minus the logit of a class without images
RIDGE = 1.0  # of the regression that follows a change, in units of the mean variance; less follows the task too closely


class ClassStatistics(tf.Module):
    """Counts, means and common scatter of the embeddings of each class, and how far images of the classes reach.

    Attributes:
      counts: `[classes]`, images seen of each class.
      means: `[classes, size]`.
      scatter: `[size, size]`, sum over all images of the outer product of their deviation from the mean of their class.
      reach: `[2]`, the distance (see `distances`) above which an image is taken to show none of the classes, and the
        number of tasks it was measured on; 1e9 before the first.
    """

    def __init__(self, classes: int, size: int):
        """Args: number of classes and length of an embedding."""
        super().__init__()
        self.counts = tf.Variable(tf.zeros([classes]), trainable=False, name="counts")
        self.means = tf.Variable(tf.zeros([classes, size]), trainable=False, name="means")
        self.scatter = tf.Variable(tf.zeros([size, size]), trainable=False, name="scatter")
        self.reach = tf.Variable([_UNLIMITED, 0.0], trainable=False, name="reach")

    @classmethod
    def of(cls, counts: np.ndarray, means: np.ndarray, scatter: np.ndarray, reach: np.ndarray) -> "ClassStatistics":
        """Statistics with given values; see the attributes."""
        statistics = cls(*means.shape)
        statistics._assign(counts, means, scatter)
        statistics.reach.assign(reach)
        return statistics

    def reset(self) -> None:
        """Forgets all images."""
        for variable in (self.counts, self.means, self.scatter):
            variable.assign(tf.zeros_like(variable))

    @property
    def stored_bytes(self) -> int:
        """Bytes of the statistics as 32-bit floats; the scatter is symmetric, so half of it is enough."""
        classes, size = self.means.shape
        return 4 * (classes + classes * size + size * (size + 1) // 2)

    def add(self, embeddings: np.ndarray, labels: np.ndarray) -> None:
        """Adds images (Welford's update in the form of Chan, Golub, LeVeque, COMPSTAT 1982).

        Args:
          embeddings: `[images, size]`.
          labels: `[images]`, integers below the number of classes.
        """
        counts, means, scatter = self._values()
        for label in np.unique(labels):
            new = embeddings[labels == label].astype(np.float64)
            mean, count = new.mean(axis=0), len(new)
            deviation, total = mean - means[label], counts[label] + count
            scatter += (new - mean).T @ (new - mean)
            scatter += np.outer(deviation, deviation) * counts[label] * count / total
            means[label] += deviation * count / total
            counts[label] = total
        self._assign(counts, means, scatter)

    def move(self, before: np.ndarray, after: np.ndarray) -> None:
        """Follows a change of the embeddings, as seen on the images of the current task.

        The change is taken to be affine. It is estimated by ridge regression of `after - before` on `before`, so that
        directions that these images do not show stay as they are. Compare Gomez-Villa et al., "Exemplar-free continual
        representation learning via learnable drift compensation", ECCV 2024.

        Args:
          before, after: embeddings `[images, size]` of the same images.
        """
        counts, means, scatter = self._values()
        before = before.astype(np.float64)
        change = after - before
        center, shift = before.mean(axis=0), change.mean(axis=0)
        gram = (before - center).T @ (before - center)
        ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        slope = np.linalg.solve(gram + ridge, (before - center).T @ (change - shift))
        matrix = np.eye(len(gram)) + slope
        self._assign(counts, means + (means - center) @ slope + shift, matrix.T @ scatter @ matrix)

    def discriminant(self) -> tuple[np.ndarray, np.ndarray]:
        """Solves for the FC layer.

        The covariance is shrunk toward its diagonal as far as the number of images demands (OAS: Chen, Wiesel, Eldar,
        Hero, "Shrinkage algorithms for MMSE covariance estimation", IEEE Transactions on Signal Processing 2010,
        equation 23). All classes are taken to be equally frequent; one without images is never chosen.

        Returns:
          kernel float32 `[size, classes]`, bias float32 `[classes]`.
        """
        counts, means, _ = self._values()
        kernel = self._precision() @ means.T
        bias = -0.5 * np.sum(means.T * kernel, axis=0)
        # What all logits have in common does not matter, and without it the values are smaller and round better.
        kernel -= kernel[:, counts > 0].mean(axis=1, keepdims=True)
        bias = np.where(counts > 0, bias - bias[counts > 0].mean(), -_NEVER * TEMPERATURE)
        return (kernel / TEMPERATURE).astype(np.float32), (bias / TEMPERATURE).astype(np.float32)

    def distances(self, embeddings: np.ndarray) -> np.ndarray:
        """How unlike the known classes images are; see `distance_function`."""
        return self.distance_function()(embeddings)

    def distance_function(self) -> Callable[[np.ndarray], np.ndarray]:
        """Prepares the function that says how unlike the known classes images are.

        The sum of two mean squares, after whitening with the covariance within classes: over the axes along which the
        class means differ, the relative Mahalanobis distance to the nearest class,

            min over k of (x - m_k)' W^-1 (x - m_k) - (x - m)' (W + B)^-1 (x - m)

        and over all features the distance from the subspace of the class means, which tells more if there are few
        classes. W is the covariance within classes, B that of the class means m_k, and m their mean (Ren et al., "A
        simple fix to Mahalanobis distance for improving near-OOD detection", 2021, equation 2).

        Returns:
          A function from embeddings `[images, size]` to distances `[images]`; larger values mean that an image is more
          likely to show none of the classes.
        """
        counts, means, _ = self._values()
        center = means[counts > 0].mean(axis=0)
        whitening = np.linalg.cholesky(self._precision())
        whitened = (means[counts > 0] - center) @ whitening
        _, sizes, axes = np.linalg.svd(whitened, full_matrices=False)  # they diagonalize B
        axes = axes[sizes > 1e-6 * sizes.max()].T
        classes = whitened @ axes

        def distances(embeddings: np.ndarray) -> np.ndarray:
            images = (embeddings - center) @ whitening
            along = images @ axes
            nearest = np.min(np.sum((along[:, None] - classes) ** 2, axis=2), axis=1)
            relative = nearest - np.sum(along**2 / (1.0 + np.mean(classes**2, axis=0)), axis=1)
            outside = np.sum(images**2, axis=1) - np.sum(along**2, axis=1)
            return relative / max(1, axes.shape[1]) + outside / len(axes)

        return distances

    def measure_reach(self, embeddings: np.ndarray) -> None:
        """Includes a task in `reach`: the mean over tasks of a quantile of the distances.

        Args:
          embeddings: `[images, size]`, of images of known classes that are not in the statistics.
        """
        reach, tasks = self.reach.numpy()
        new = np.quantile(self.distances(embeddings), _RECOGNIZED)
        self.reach.assign([new if tasks == 0 else reach + (new - reach) / (tasks + 1), tasks + 1])

    def _precision(self) -> np.ndarray:
        """The inverse of the shrunk covariance, `[size, size]`."""
        counts, _, scatter = self._values()
        degrees = max(counts.sum() - np.count_nonzero(counts), 1)
        covariance = scatter / degrees
        deviation = np.sqrt(np.diag(covariance))
        deviation = np.maximum(deviation, 0.1 * np.median(deviation) + 1e-6)  # no weight on features that hardly change
        correlation = covariance / np.outer(deviation, deviation)
        weight = oas_shrinkage(correlation, degrees)
        correlation = (1 - weight) * correlation + weight * np.eye(len(correlation))
        return np.linalg.inv(correlation) / np.outer(deviation, deviation)

    def nearest_mean(self) -> tuple[np.ndarray, np.ndarray]:
        """The FC layer that chooses the class with the nearest mean: logits are minus half the squared distance.

        What all classes have in common is left out; see `discriminant` for what is returned.
        """
        counts, means, _ = self._values()
        bias = np.where(counts > 0, -0.5 * np.sum(means**2, axis=1), -_NEVER)
        return means.T.astype(np.float32), bias.astype(np.float32)

    def _values(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return tuple(v.numpy().astype(np.float64) for v in (self.counts, self.means, self.scatter))

    def _assign(self, counts: np.ndarray, means: np.ndarray, scatter: np.ndarray) -> None:
        for variable, value in zip((self.counts, self.means, self.scatter), (counts, means, scatter), strict=True):
            variable.assign(np.asarray(value, np.float32))


def oas_shrinkage(covariance: np.ndarray, images: float) -> float:
    """The weight of the identity, scaled to the same trace, in [0, 1].

    Args:
      covariance: `[size, size]`.
      images: how many it was estimated from.
    """
    size = len(covariance)
    trace, square = np.trace(covariance), np.sum(covariance**2)
    excess = (images + 1 - 2 / size) * (square - trace**2 / size)
    return float(min(1.0, ((1 - 2 / size) * square + trace**2) / excess)) if excess > 0 else 1.0
