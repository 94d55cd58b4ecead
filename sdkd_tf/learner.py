"""The keras.Model that trains a network task after task, with the places at which a strategy steps in."""

import tensorflow as tf
import tf_keras as keras

from sdkd_tf import losses
from sdkd_tf.distribution import global_mean, rebalanced
from sdkd_tf.model.network import as_outputs


class Learner(keras.Model):
    """A network and its train_step. By itself it does nothing against forgetting: fine-tuning.

    A strategy is a subclass. It overrides what it needs of `begin_task`, `training_batches`, `terms` and `total`,
    `adjusted`, `end_task`, and says what it keeps from task to task in `kept_examples` and `stored_bytes`.
    """

    options = ()  # names of the keyword arguments that a subclass adds; each is a flag of train.py
    term_names = ("classification", "saliency")  # the keys of what `terms` returns
    distributable = True  # whether it learns the same on several replicas
    continuable = True  # whether the network alone is enough to go on from when a run has ended

    def __init__(self, student, saliency_weight=0.0):
        """Args:
        student: a network that returns `network.Outputs`; without saliency, its supervision is 0.
        saliency_weight: weight of CPD's supervision of both maps; 0 for the paper's loss.
        """
        super().__init__(name="learner")
        self.student = student
        self.saliency_weight = saliency_weight
        self.has_saliency = len(student.outputs) > 1
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.term_names)}
        self.accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        # Every worker's metrics are over all replicas; Keras would add them up.
        self.distribute_reduction_method = "first"

    @property
    def trained_variables(self):
        """The variables that a step updates."""
        return self.student.trainable_variables

    def compile(self, optimizer):
        """Takes the optimizer; the losses are this class's own."""
        super().compile(optimizer=optimizer)
        # Built here, since variables that are created inside the train_step make TensorFlow trace it twice.
        optimizer.build(self.trained_variables)

    @property
    def metrics(self):
        return [*self.trackers.values(), self.accuracy]

    def call(self, images, training=False):
        return self.student(images, training=training)

    def begin_task(self, index, batches):
        """Called before the training on a task.

        Args:
          index: 0 for the first task.
          batches: the task's training images in order, not augmented.

        Returns:
          A dict of numbers for `results.json`.
        """
        return {}

    def training_batches(self, examples, make):
        """The batches to train on.

        Args:
          examples: the task's training Examples.
          make: a function that makes shuffled and augmented batches of Examples, as many as an epoch has steps.

        Returns:
          A tf.data.Dataset like `make(examples)`.
        """
        return make(examples)

    @tf.autograph.experimental.do_not_convert  # Nothing here is for AutoGraph, whose pass over every layer takes long.
    def train_step(self, batch):
        gradients, terms, logits = self.gradients(batch)
        gradients = self.adjusted(global_mean(gradients))  # over all replicas before the optimizer clips them
        self.optimizer.apply_gradients(zip(gradients, self.trained_variables), skip_gradients_aggregation=True)
        for name, value in terms.items():
            self.trackers[name].update_state(value)
        self.accuracy.update_state(batch["label"], logits)
        return {metric.name: metric.result() for metric in self.metrics}

    def gradients(self, batch):
        """Of the loss on a batch: (gradients of `trained_variables`, dict of the loss and its terms, logits)."""
        with tf.GradientTape() as tape:
            outputs = as_outputs(self.student(batch["image"], training=True))
            terms = self.terms(batch, outputs)
            loss = self.total(terms)
        gradients = tape.gradient(loss, self.trained_variables, unconnected_gradients="zero")
        return gradients, {"loss": loss, **terms}, outputs.logits

    def terms(self, batch, outputs):
        """The terms of the loss before their weights.

        Args:
          batch: as `pipeline.make_dataset` gives it.
          outputs: the student's Outputs on it.

        Returns:
          A dict of scalars whose keys are `term_names`; their mean over all replicas is the global batch's.
        """
        classification = keras.losses.sparse_categorical_crossentropy(batch["label"], outputs.logits, from_logits=True)
        saliency = 0.0
        if self.has_saliency:
            saliency = losses.saliency_loss(
                outputs.attention_logits, outputs.detection_logits, batch["mask"], batch["has_mask"]
            )
            saliency = rebalanced(saliency, batch["has_mask"])
        return {"classification": tf.reduce_mean(classification), "saliency": saliency}

    def total(self, terms):
        """The loss, from what `terms` returned."""
        return terms["classification"] + self.saliency_weight * terms["saliency"]

    def adjusted(self, gradients):
        """The gradients to apply, from those of the loss; part of the traced train_step."""
        return gradients

    def end_task(self, examples, make):
        """Called after the training on a task.

        Args:
          examples: the task's training Examples.
          make: a function of Examples and a batch size that makes batches in order, not augmented.
        """

    @property
    def saved_variables(self):
        """The variables that a run needs to go on after it was killed, in an order that is always the same."""
        return [*self.variables, *self.optimizer.variables]

    def state(self):
        """What else it needs, as JSON: nothing, unless a strategy keeps something besides variables."""
        return {}

    def restore(self, state, values):
        """Takes back what `state` and `saved_variables` gave.

        Args:
          state: the dict.
          values: one array a variable.
        """
        for variable, value in zip(self.saved_variables, values, strict=True):
            variable.assign(value)

    @property
    def kept_examples(self):
        """The Examples of earlier tasks that may be read again."""
        return ()

    @property
    def stored_bytes(self):
        """What is kept from task to task besides the network and the optimizer's state; images as their files."""
        return sum(example.stored_bytes for example in self.kept_examples)
