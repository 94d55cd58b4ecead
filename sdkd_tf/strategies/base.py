"""The keras.Model that trains a network task after task, with hooks for the strategies."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.data.sequence import Example
from sdkd_tf.data.task_data import TaskData
from sdkd_tf.distribution import global_mean, rebalanced
from sdkd_tf.model.network import Outputs, as_outputs
from sdkd_tf.options import about
from sdkd_tf.strategies import losses
from sdkd_tf.strategies.discriminant import ClassStatistics

_REACH_IMAGES = 200  # least number of images to measure the reach of the classes on
Terms = dict[str, tf.Tensor]
Fc = Annotated[
    Literal["trained", "closed_form", "nearest_mean"],
    about("FC layer after a task; closed_form: discriminant analysis.", research=True),
]


class Strategy(keras.Model):
    """Trains a network on one task after another. The base class does plain fine-tuning, nothing against forgetting.

    A strategy is a subclass. It declares its options in a dataclass `Options` that extends this one, and overrides any
    of `begin_task`, `training_batches`, `terms`, `total`, `adjusted` and `end_task`. `kept_examples` holds the images
    that it keeps from task to task; `stored_bytes` is the size of everything that it keeps.
    """

    @dataclasses.dataclass(frozen=True)
    class Options:
        """Options of every strategy."""

        saliency_weight: Annotated[float, about("Weight of the supervision of both maps by masks.", ge=0)] = 1.0
        fc: Fc = "trained"

    term_names: tuple[str, ...] = ("classification", "saliency")  # the keys of what `terms` returns
    distributable = True  # whether the result is independent of the number of replicas
    continuable = True  # whether a finished run holds everything needed to learn further tasks

    def __init__(self, student: keras.Model, options: Any = None):
        """Args:
        student: a network that returns `network.Outputs`. Without saliency, the saliency term is 0.
        options: an instance of `Options`; None for the defaults.
        """
        super().__init__(name="strategy")
        self.student = student
        self.options: Any = options or self.Options()
        self.kept_examples: tuple[Example, ...] = ()  # a tuple, because Keras would wrap a list
        self.has_saliency = len(student.outputs) > 1
        self.statistics: ClassStatistics | None = None
        if self.options.fc != "trained":
            self.fc = student.outputs[0].node.layer
            self.statistics = ClassStatistics(self.fc.units, self.fc.kernel.shape[0])
            names = "trained_kernel", "trained_bias"
            self.trained_fc = [tf.Variable(w, trainable=False, name=n) for w, n in zip(self.fc.weights, names)]
            self.embedding = embedding_of(student)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.term_names)}
        self.accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        # The metrics of each worker already cover all replicas; by default, Keras would add them up.
        self.distribute_reduction_method = "first"

    @property
    def trained_variables(self) -> list[tf.Variable]:
        """The variables that a step updates."""
        return self.student.trainable_variables

    def compile(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Sets the optimizer. The losses are computed by `train_step`."""
        super().compile(optimizer=optimizer)
        # Built here: creating variables inside the train_step would make TensorFlow trace it twice.
        optimizer.build(self.trained_variables)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*self.trackers.values(), self.accuracy]

    def call(self, images: tf.Tensor, training: bool = False) -> Any:
        return self.student(images, training=training)

    def begin_task(self, task: TaskData) -> dict[str, float]:
        """Called before training on a task. The FC layer is again as it was trained, if it is replaced after a task.

        Returns:
          Numbers to record in the task's result.
        """
        if task.index and self.statistics:
            self.fc.set_weights([weight.numpy() for weight in self.trained_fc])
        return {}

    def handed_over(self, classes: int) -> None:
        """Called if a network that has learned the first `classes` classes was handed over to be trained further."""

    def training_batches(self, task: TaskData) -> tf.data.Dataset:
        """The shuffled and augmented batches of one epoch: `task.steps` batches."""
        return task.augmented()

    @tf.autograph.experimental.do_not_convert  # no AutoGraph: not needed, and slow for so many layers
    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        gradients, terms, logits = self.gradients(batch)
        gradients = self.adjusted(global_mean(gradients))  # over all replicas, before the optimizer clips them
        self.optimizer.apply_gradients(zip(gradients, self.trained_variables), skip_gradients_aggregation=True)
        for name, value in terms.items():
            self.trackers[name].update_state(value)
        self.accuracy.update_state(batch["label"], logits)
        return {metric.name: metric.result() for metric in self.metrics}

    def gradients(self, batch: dict[str, tf.Tensor]) -> tuple[list[tf.Tensor], Terms, tf.Tensor]:
        """Returns (gradients of `trained_variables` on a batch, the loss and its terms, the logits)."""
        with tf.GradientTape() as tape:
            outputs = as_outputs(self.student(batch["image"], training=True))
            terms = self.terms(batch, outputs)
            loss = self.total(terms)
        gradients = tape.gradient(loss, self.trained_variables, unconnected_gradients="zero")
        return gradients, {"loss": loss, **terms}, outputs.logits

    def terms(self, batch: dict[str, tf.Tensor], outputs: Outputs) -> Terms:
        """The unweighted terms of the loss.

        Args:
          batch: a batch of `pipeline.make_dataset`.
          outputs: the student's Outputs for it.

        Returns:
          Scalars with `term_names` as keys. Their mean over all replicas is the term on the global batch.
        """
        classification = keras.losses.sparse_categorical_crossentropy(batch["label"], outputs.logits, from_logits=True)
        saliency = 0.0
        if self.has_saliency:
            both = outputs.attention_logits, outputs.detection_logits
            saliency = losses.saliency_loss(*both, batch["mask"], batch["has_mask"])
            saliency = rebalanced(saliency, batch["has_mask"])
        return {"classification": tf.reduce_mean(classification), "saliency": saliency}

    def total(self, terms: Terms) -> tf.Tensor:
        """Combines the terms into the loss."""
        return terms["classification"] + self.options.saliency_weight * terms["saliency"]

    def adjusted(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """Maps the gradients of the loss to those to apply. Part of the traced train_step."""
        return gradients

    def end_task(self, task: TaskData) -> None:
        """Called after training on a task. Computes the FC layer from class statistics, unless the trained one stays.

        The trained FC layer, which classifies worse but guides the training of the features, returns for the next task.
        """
        if self.statistics:
            self.update(self.statistics, task)
            if task.validation:
                # Lightly augmented, because validation images are more like training images than what a camera will see.
                steps = -(-max(_REACH_IMAGES, len(task.validation)) // task.batch_size)
                light = dataclasses.replace(task, augmentation="light", min_steps=steps).augmented(task.validation)
                self.statistics.measure_reach(self.embed(light.take(steps))[0])
            for kept, trained in zip(self.trained_fc, self.fc.weights, strict=True):
                kept.assign(trained)
            closed_form = self.options.fc == "closed_form"
            self.fc.set_weights(self.statistics.discriminant() if closed_form else self.statistics.nearest_mean())

    def update(self, statistics: ClassStatistics, task: TaskData) -> None:
        """Brings class statistics up to date after a task. Here, those of earlier tasks stay as they are."""
        statistics.add(*self.embed(task.batches()))

    def embed(self, batches: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """The embeddings `[images, size]` and the labels `[images]` of all images in some batches."""
        embedded = [(self._embed_batch(batch["image"]), batch["label"]) for batch in batches]
        embeddings, labels = (np.concatenate(values) for values in zip(*embedded, strict=True))
        return embeddings, labels

    @tf.function(autograph=False)
    def _embed_batch(self, images: tf.Tensor) -> tf.Tensor:
        return self.embedding(images, training=False)

    @property
    def saved_variables(self) -> list[tf.Variable]:
        """The variables that an interrupted run needs to resume, always in the same order."""
        return [*self.variables, *self.optimizer.variables]

    @property
    def kept_variables(self) -> list[tf.Variable]:
        """What a finished run saves for further tasks (`--continue_from`), besides the network and the optimizer."""
        return [*self.statistics.variables, *self.trained_fc] if self.statistics else []

    def state(self) -> dict[str, Any]:
        """Anything else that an interrupted run needs, besides variables and `kept_examples`; must fit into JSON."""
        return {}

    def restore(self, state: dict[str, Any], values: Sequence[np.ndarray]) -> None:
        """Restores `state` and the values of `saved_variables`. `kept_examples` are already set."""
        for variable, value in zip(self.saved_variables, values, strict=True):
            variable.assign(value)

    @property
    def stored_bytes(self) -> int:
        """Bytes kept from task to task besides network and optimizer state. Images count with their file sizes."""
        kept = sum(4 * weight.shape.num_elements() for weight in self.fc.weights) if self.statistics else 0
        kept += self.statistics.stored_bytes if self.statistics else 0
        return kept + sum(example.stored_bytes for example in self.kept_examples)


def embedding_of(network: keras.Model) -> keras.Model:
    """The part of a network before its FC layer: a keras.Model from images to embeddings `[batch, size]`."""
    return keras.Model(network.input, network.outputs[0].node.layer.input)
