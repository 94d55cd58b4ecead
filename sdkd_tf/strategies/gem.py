"""Gradient episodic memory (Lopez-Paz, Ranzato, NeurIPS 2017) and A-GEM (Chaudhry et al., ICLR 2019)."""

import dataclasses
import random
from typing import Annotated, Any

import numpy as np
import quadprog
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.data.task_data import TaskData
from sdkd_tf.options import about
from sdkd_tf.strategies.base import Strategy


class _EpisodicMemory(Strategy):
    """Keeps some images of each task, as Examples and as a tensor `[tasks, images, ...]`, one batch per task."""

    @dataclasses.dataclass(frozen=True)
    class Options(Strategy.Options):
        """Options of GEM and A-GEM."""

        memory_images_per_task: Annotated[int, about("Images that GEM keeps of each task.", ge=0, research=True)] = 16

    continuable = False  # its images are not in a finished run
    distributable = False  # `adjusted` computes further gradients, on the kept images

    def __init__(self, student: keras.Model, options: Any = None):
        super().__init__(student, options)
        self._size: int = self.options.memory_images_per_task
        # Variables with an unknown first dimension can grow without retracing the train_step.
        side = student.input_shape[1]
        shapes = {"image": (side, side, 3), "mask": (side, side, 1), "label": (), "has_mask": ()}
        memory = {}
        for name, shape in shapes.items():
            empty = tf.zeros((0, self._size, *shape), tf.int32 if name == "label" else tf.float32)
            memory[name] = tf.Variable(empty, shape=(None, self._size, *shape), trainable=False)
        self.memory = memory  # Keras tracks the variables that are in it now

    def end_task(self, task: TaskData) -> None:
        chosen = random.sample(task.examples, min(self._size, len(task.examples)))
        self.kept_examples += tuple(chosen)
        super().end_task(task)
        if not chosen:
            return
        # All batches have the same size: if a task has fewer images, some are repeated.
        batch = next(iter(task.batches((chosen * self._size)[: self._size], self._size)))
        for name, kept in self.memory.items():
            kept.assign(tf.concat([kept, batch[name][None]], axis=0))


class GEM(_EpisodicMemory):
    """A step must not increase the loss on the images kept from any earlier task.

    A gradient with a negative scalar product with the gradient of an earlier task is projected; see `project`.
    """

    @dataclasses.dataclass(frozen=True)
    class Options(_EpisodicMemory.Options):
        """Options of GEM."""

        gem_margin: Annotated[float, about("GEM's margin; larger: more backward transfer.", ge=0, research=True)] = 0.5

    def adjusted(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        memory = {name: tf.convert_to_tensor(kept) for name, kept in self.memory.items()}
        one_at_a_time = {"fn_output_signature": tf.float32, "parallel_iterations": 1}
        earlier = tf.map_fn(lambda batch: _flat(self.gradients(batch)[0]), memory, **one_at_a_time)
        inputs = [_flat(gradients), earlier, self.options.gem_margin]
        return _like(tf.numpy_function(project, inputs, tf.float32), gradients)


class AGEM(_EpisodicMemory):
    """A step must not increase the loss on a random batch of kept images: one constraint, no quadratic program.

    The batch has 16 images, or as many as are kept from each task if that is fewer.
    """

    def __init__(self, student: keras.Model, options: Any = None):
        super().__init__(student, options)
        self._batch = max(1, min(16, self._size))
        self._random = tf.random.Generator.from_seed(random.getrandbits(31))
        self.random_state = self._random.state  # as an attribute, the variable is tracked and saved

    def adjusted(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        count = tf.size(self.memory["label"])

        def averaged() -> tf.Tensor:
            chosen = self._random.uniform([self._batch], 0, count, tf.int32)
            flat = {name: tf.reshape(kept, (-1, *kept.shape[2:])) for name, kept in self.memory.items()}
            batch = {name: tf.gather(kept, chosen) for name, kept in flat.items()}
            return project_on_one(_flat(gradients), _flat(self.gradients(batch)[0]))

        return _like(tf.cond(count > 0, averaged, lambda: _flat(gradients)), gradients)


def project(gradient: np.ndarray, earlier: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Projects a gradient that would increase the loss of an earlier task.

    Solves the quadratic program of GEM (equation 11) in its dual form (equation 12), with one unknown v per task: the
    result is gradient + v @ earlier with v >= margin. With a margin of 0, it is the nearest vector that has no negative
    scalar product with the gradient of any earlier task; a larger one also favors earlier tasks. The authors use 0.5.

    Args:
      gradient: `[weights]`.
      earlier: gradients of the earlier tasks, `[tasks, weights]`.
      margin: lower bound of v, at least 0.

    Returns:
      float32 `[weights]`; `gradient` itself if no scalar product is negative.
    """
    products = earlier @ gradient
    if (products >= 0).all():
        return gradient
    gram = earlier.astype(np.float64) @ earlier.T.astype(np.float64)
    scale = np.trace(gram) / len(gram)
    # The solver needs a positive definite matrix, but the gradients of two tasks may be equal.
    gram, products = gram / scale + 1e-6 * np.eye(len(gram)), products.astype(np.float64) / scale
    shares = quadprog.solve_qp(gram, -products, np.eye(len(gram)), np.full(len(gram), float(margin)))[0]
    return (gradient + shares @ earlier).astype(np.float32)


def project_on_one(gradient: tf.Tensor, reference: tf.Tensor) -> tf.Tensor:
    """A-GEM, equation 11: g - (g . r / r . r) r if g . r is negative, otherwise g."""
    product = tf.reduce_sum(gradient * reference)
    share = tf.math.divide_no_nan(product, tf.reduce_sum(tf.square(reference)))
    return gradient - tf.minimum(share, 0.0) * reference


def _flat(gradients: list[tf.Tensor]) -> tf.Tensor:
    return tf.concat([tf.reshape(g, [-1]) for g in gradients], axis=0)


def _like(flat: tf.Tensor, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Splits a flat vector into tensors with the shapes of `gradients`."""
    flat = tf.ensure_shape(flat, [sum(g.shape.num_elements() for g in gradients)])
    parts = tf.split(flat, [g.shape.num_elements() for g in gradients])
    return [tf.reshape(part, g.shape) for part, g in zip(parts, gradients)]
