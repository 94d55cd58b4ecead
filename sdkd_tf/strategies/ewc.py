"""Elastic weight consolidation (Kirkpatrick et al., PNAS 2017) and its online form (Schwarz et al., ICML 2018)."""

import random

import tensorflow as tf
from tqdm import tqdm

from sdkd_tf.learner import Learner
from sdkd_tf.model.network import as_outputs


class EWC(Learner):
    """Weights that mattered for earlier tasks are held by a spring, as stiff as their Fisher information.

        L = L_task + lambda / 2 * sum over tasks t and weights i of F_t,i (theta_i - theta_t,i)^2

    A sum of springs is one spring: stiffness F = sum of F_t, rest at the mean of the theta_t weighted by F_t, so no more
    than two numbers a weight are kept, however many the tasks. (The two differ by a constant.)

    F_t is the mean over images of the squared gradient of the loss, the empirical Fisher information of labels and masks.
    """

    options = ("ewc_lambda", "fisher_images")
    continuable = False  # its Fisher information is not in a finished run
    term_names = (*Learner.term_names, "consolidation")

    def __init__(self, student, ewc_lambda=100.0, fisher_images=100, **learner):
        """Args:
        student: see Learner.
        ewc_lambda: lambda.
        fisher_images: images of a task that its Fisher information is measured on, one at a time.
        **learner: further arguments of Learner.
        """
        super().__init__(student, **learner)
        self.ewc_lambda, self.fisher_images = ewc_lambda, fisher_images
        self.stiffness = [tf.Variable(tf.zeros_like(v), trainable=False) for v in student.trainable_variables]
        self.rest = [tf.Variable(tf.zeros_like(v), trainable=False) for v in student.trainable_variables]

    def terms(self, batch, outputs):
        springs = zip(self.stiffness, self.student.trainable_variables, self.rest)
        energy = tf.add_n([tf.reduce_sum(f * tf.square(v - r)) for f, v, r in springs])
        return {**super().terms(batch, outputs), "consolidation": energy / 2.0}

    def total(self, terms):
        return super().total(terms) + self.ewc_lambda * terms["consolidation"]

    def end_task(self, examples, make):
        super().end_task(examples, make)
        chosen = random.sample(list(examples), min(self.fisher_images, len(examples)))
        self.consolidate(self.fisher(make(chosen, 1)))

    def consolidate(self, fisher):
        """Adds the springs of a task that has just been learned, one Fisher array a variable."""
        for stiffness, rest, variable, new in zip(self.stiffness, self.rest, self.student.trainable_variables, fisher):
            both = stiffness + new
            rest.assign(tf.where(both > 0.0, tf.math.divide_no_nan(stiffness * rest + new * variable, both), variable))
            stiffness.assign(both)

    def fisher(self, images):
        """The mean squared gradient of the loss without springs: one array a variable.

        Args:
          images: batches of one image.
        """
        sums, count = [tf.zeros_like(v) for v in self.student.trainable_variables], 0
        for image in tqdm(images, desc="Fisher information", unit="image"):
            sums = [total + square for total, square in zip(sums, self._squared_gradients(image))]
            count += 1
        return [total / count for total in sums]

    @tf.function(autograph=False, reduce_retracing=True)
    def _squared_gradients(self, batch):
        with tf.GradientTape() as tape:
            outputs = as_outputs(self.student(batch["image"], training=False))  # one image has no batch statistics
            loss = Learner.total(self, Learner.terms(self, batch, outputs))  # without this class's springs
        variables = self.student.trainable_variables
        return [tf.square(g) for g in tape.gradient(loss, variables, unconnected_gradients="zero")]

    @property
    def stored_bytes(self):
        return super().stored_bytes + sum(v.shape.num_elements() * v.dtype.size for v in (*self.stiffness, *self.rest))


class OnlineEWC(EWC):
    """One spring that is renewed: F = gamma * F + F_t, rest at the weights after the last task, and pulls with gamma * F."""

    options = (*EWC.options, "ewc_gamma")

    def __init__(self, student, ewc_gamma=0.9, **ewc):
        """Args:
        student: see Learner.
        ewc_gamma: what is left of the stiffness after each task, in [0, 1].
        **ewc: further arguments of EWC.
        """
        super().__init__(student, **ewc)
        self.ewc_gamma = ewc_gamma

    def terms(self, batch, outputs):
        terms = super().terms(batch, outputs)
        return {**terms, "consolidation": self.ewc_gamma * terms["consolidation"]}

    def consolidate(self, fisher):
        for stiffness, rest, variable, new in zip(self.stiffness, self.rest, self.student.trainable_variables, fisher):
            stiffness.assign(self.ewc_gamma * stiffness + new)
            rest.assign(variable)
