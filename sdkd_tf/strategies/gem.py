"""Gradient episodic memory (Lopez-Paz, Ranzato, NeurIPS 2017) and A-GEM (Chaudhry et al., ICLR 2019)."""

import random

import numpy as np
import quadprog
import tensorflow as tf

from sdkd_tf.data.sequence import Example
from sdkd_tf.learner import Learner


class GEM(Learner):
    """A step may not raise the loss on the images kept of any earlier task.

    The gradient is replaced by the nearest one whose scalar product with each earlier task's gradient is not negative.
    """

    options = ("memory_images_per_task",)
    continuable = False  # its images are not in a finished run
    distributable = False  # a step needs the gradients on all kept images, of which replicas have no part

    def __init__(self, student, memory_images_per_task=16, **learner):
        """Args:
        student: see Learner.
        memory_images_per_task: images kept of each task; every step needs the gradient on all of them.
        **learner: further arguments of Learner.
        """
        super().__init__(student, **learner)
        self._size, self._kept = memory_images_per_task, ()
        # Batches of kept images, one a task: `[tasks, images, ...]`. They grow, and the train_step is not traced again.
        side = student.input_shape[1]
        shapes = {"image": (side, side, 3), "mask": (side, side, 1), "label": (), "has_mask": ()}
        self.memory = {
            name: tf.Variable(
                tf.zeros((0, memory_images_per_task, *shape), tf.int32 if name == "label" else tf.float32),
                shape=(None, memory_images_per_task, *shape),
                trainable=False,
            )
            for name, shape in shapes.items()
        }

    def adjusted(self, gradients):
        memory = {name: tf.convert_to_tensor(kept) for name, kept in self.memory.items()}
        earlier = tf.map_fn(
            lambda batch: _flat(self.gradients(batch)[0]), memory, fn_output_signature=tf.float32, parallel_iterations=1
        )
        return _like(tf.numpy_function(project, [_flat(gradients), earlier], tf.float32), gradients)

    def end_task(self, examples, make):
        chosen = random.sample(list(examples), min(self._size, len(examples)))
        self._kept += tuple(chosen)
        if not chosen:
            return
        # A task with fewer images than places keeps some of them twice.
        batch = next(iter(make((chosen * self._size)[: self._size], self._size)))
        for name, kept in self.memory.items():
            kept.assign(tf.concat([kept, batch[name][None]], axis=0))

    def state(self):
        return {**super().state(), "kept": [example.to_json() for example in self._kept]}

    def restore(self, state, values):
        super().restore(state, values)
        self._kept = tuple(map(Example.from_json, state["kept"]))

    @property
    def kept_examples(self):
        return self._kept


class AGEM(GEM):
    """A step may not raise the loss on a random batch of the kept images: one constraint, which needs no programme.

    The batch has 16 images, fewer if fewer are kept of a task.
    """

    def __init__(self, student, **gem):
        super().__init__(student, **gem)
        self._batch = max(1, min(16, self._size))
        self._random = tf.random.Generator.from_seed(random.getrandbits(31))
        self.random_state = self._random.state  # a variable, saved with the others

    def adjusted(self, gradients):
        count = tf.size(self.memory["label"])

        def averaged():
            chosen = self._random.uniform([self._batch], 0, count, tf.int32)
            flat = {name: tf.reshape(kept, (-1, *kept.shape[2:])) for name, kept in self.memory.items()}
            batch = {name: tf.gather(kept, chosen) for name, kept in flat.items()}
            return project_on_one(_flat(gradients), _flat(self.gradients(batch)[0]))

        return _like(tf.cond(count > 0, averaged, lambda: _flat(gradients)), gradients)


def project(gradient, earlier):
    """The nearest vector to a gradient that has no negative scalar product with any earlier task's gradient.

    The quadratic programme of GEM, equation 11, in its dual (equation 12), which has one unknown a task.

    Args:
      gradient: `[weights]`.
      earlier: `[tasks, weights]`.

    Returns:
      float32 `[weights]`; `gradient` itself where no task objects.
    """
    products = earlier @ gradient
    if (products >= 0).all():
        return gradient
    gram = earlier.astype(np.float64) @ earlier.T.astype(np.float64)
    scale = np.trace(gram) / len(gram)
    # The solver wants a positive definite matrix; tasks may agree in their gradients.
    gram, products = gram / scale + 1e-6 * np.eye(len(gram)), products.astype(np.float64) / scale
    shares = quadprog.solve_qp(gram, -products, np.eye(len(gram)), np.zeros(len(gram)))[0]
    return (gradient + shares @ earlier).astype(np.float32)


def project_on_one(gradient, reference):
    """A-GEM, equation 11: g - (g . r / r . r) r where g . r is negative, else g."""
    product = tf.reduce_sum(gradient * reference)
    share = tf.math.divide_no_nan(product, tf.reduce_sum(tf.square(reference)))
    return gradient - tf.minimum(share, 0.0) * reference


def _flat(gradients):
    return tf.concat([tf.reshape(g, [-1]) for g in gradients], axis=0)


def _like(flat, gradients):
    """Cuts a flat vector into tensors of the shapes of `gradients`."""
    flat = tf.ensure_shape(flat, [sum(g.shape.num_elements() for g in gradients)])
    parts = tf.split(flat, [g.shape.num_elements() for g in gradients])
    return [tf.reshape(part, g.shape) for part, g in zip(parts, gradients)]
