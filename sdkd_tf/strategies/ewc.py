"""Elastic weight consolidation (Kirkpatrick et al., PNAS 2017) and its online form (Schwarz et al., ICML 2018)."""

import dataclasses
import random
from collections.abc import Iterable
from typing import Annotated, Any

import tensorflow as tf
import tf_keras as keras
from tqdm import tqdm

from sdkd_tf.data.task_data import TaskData
from sdkd_tf.model.network import Outputs, as_outputs
from sdkd_tf.options import about
from sdkd_tf.strategies.base import Strategy, Terms


class EWC(Strategy):
    """A quadratic penalty on changes to each weight, proportional to its importance for earlier tasks.

        L = L_task + lambda / 2 * sum over tasks t and weights i of F_t,i (theta_i - theta_t,i)^2

    Up to a constant, the sum of quadratic penalties is a single one: its Fisher information is F = sum of F_t, its
    anchor the mean of the theta_t, weighted by F_t. Two numbers per weight thus suffice for any number of tasks.

    F_t is the mean over images of the squared gradient of the loss: the empirical Fisher information.
    """

    @dataclasses.dataclass(frozen=True)
    class Options(Strategy.Options):
        """Options of EWC."""

        ewc_lambda: Annotated[float, about("Weight of EWC's penalty.", ge=0, research=True)] = 100.0
        fisher_images: Annotated[int, about("Images per task for EWC's Fisher information.", ge=1, research=True)] = 100

    continuable = False  # its Fisher information is not in a finished run
    term_names = (*Strategy.term_names, "consolidation")

    def __init__(self, student: keras.Model, options: Any = None):
        super().__init__(student, options)
        self.fisher = [tf.Variable(tf.zeros_like(v), trainable=False) for v in student.trainable_variables]
        self.anchor = [tf.Variable(tf.zeros_like(v), trainable=False) for v in student.trainable_variables]

    def terms(self, batch: dict[str, tf.Tensor], outputs: Outputs) -> Terms:
        weights = zip(self.fisher, self.student.trainable_variables, self.anchor)
        penalty = tf.add_n([tf.reduce_sum(f * tf.square(v - a)) for f, v, a in weights])
        return {**super().terms(batch, outputs), "consolidation": penalty / 2.0}

    def total(self, terms: Terms) -> tf.Tensor:
        return super().total(terms) + self.options.ewc_lambda * terms["consolidation"]

    def end_task(self, task: TaskData) -> None:
        chosen = random.sample(task.examples, min(self.options.fisher_images, len(task.examples)))
        self.consolidate(self.estimate_fisher(task.batches(chosen, 1)))
        super().end_task(task)  # last: it may replace the FC layer until the next task begins

    def consolidate(self, fisher: list[tf.Tensor]) -> None:
        """Adds the penalty of the task just learned, given its Fisher information: one tensor per variable."""
        for old, anchor, variable, new in zip(self.fisher, self.anchor, self.student.trainable_variables, fisher):
            both = old + new
            anchor.assign(tf.where(both > 0.0, tf.math.divide_no_nan(old * anchor + new * variable, both), variable))
            old.assign(both)

    def estimate_fisher(self, images: Iterable[dict[str, tf.Tensor]]) -> list[tf.Tensor]:
        """The mean squared gradient of the loss without the penalty: one tensor per variable.

        Args:
          images: batches of one image.
        """
        sums, count = [tf.zeros_like(v) for v in self.student.trainable_variables], 0
        for image in tqdm(images, desc="Fisher information", unit="image"):
            sums = [total + square for total, square in zip(sums, self._squared_gradients(image))]
            count += 1
        return [total / count for total in sums]

    @tf.function(autograph=False, reduce_retracing=True)
    def _squared_gradients(self, batch: dict[str, tf.Tensor]) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            outputs = as_outputs(self.student(batch["image"], training=False))  # a single image has no batch statistics
            loss = Strategy.total(self, Strategy.terms(self, batch, outputs))  # without the penalty
        variables = self.student.trainable_variables
        return [tf.square(g) for g in tape.gradient(loss, variables, unconnected_gradients="zero")]

    @property
    def stored_bytes(self) -> int:
        return super().stored_bytes + sum(v.shape.num_elements() * v.dtype.size for v in (*self.fisher, *self.anchor))


class OnlineEWC(EWC):
    """A single penalty with decaying Fisher information F = gamma * F + F_t, anchored at the weights before the task.

    As in the paper, the penalty applied during a task has the weight gamma * F.
    """

    @dataclasses.dataclass(frozen=True)
    class Options(EWC.Options):
        """Options of online EWC."""

        ewc_gamma: Annotated[float, about("Decay of online EWC's Fisher information.", ge=0, le=1, research=True)] = 0.9

    def terms(self, batch: dict[str, tf.Tensor], outputs: Outputs) -> Terms:
        terms = super().terms(batch, outputs)
        return {**terms, "consolidation": self.options.ewc_gamma * terms["consolidation"]}

    def consolidate(self, fisher: list[tf.Tensor]) -> None:
        for old, anchor, variable, new in zip(self.fisher, self.anchor, self.student.trainable_variables, fisher):
            old.assign(self.options.ewc_gamma * old + new)
            anchor.assign(variable)
