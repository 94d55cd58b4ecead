"""Deep generative replay (Shin et al., NeurIPS 2017): a generator imitates old images, and the network labels them."""

import dataclasses
import random
from typing import Annotated, Any

import tensorflow as tf
import tf_keras as keras
from msgspec import Meta

from sdkd_tf.data.pipeline import shuffled_passes
from sdkd_tf.data.task_data import TaskData
from sdkd_tf.model.network import as_outputs
from sdkd_tf.strategies.base import Strategy
from sdkd_tf.strategies.conditional_vae import ConditionalVAE
from sdkd_tf.strategies.replay import beside

_RESEARCH = {"research": True}


class GenerativeReplay(Strategy):
    """Trains on a batch of generated images with every batch of new ones; the generator, too, is trained on both.

    Generated images are labeled by the network as it was before the task. A bad image thus only reinforces a prediction
    that the network already makes.
    """

    @dataclasses.dataclass(frozen=True)
    class Options(Strategy.Options):
        """Options of generative replay."""

        generated_images: Annotated[
            int, Meta(ge=0, description="Images that generative replay generates before each task.", extra=_RESEARCH)
        ] = 200
        generator_epochs: Annotated[
            int, Meta(ge=1, description="Epochs per task of generative replay's generator.", extra=_RESEARCH)
        ] = 30

    continuable = False  # its generator is not in a finished run
    distributable = False  # the generated images would differ between replicas

    def __init__(self, student: keras.Model, options: Any = None):
        super().__init__(student, options)
        self._count, self._epochs = self.options.generated_images, self.options.generator_epochs
        self.generator = ConditionalVAE(student.output_shape[0][1] if self.has_saliency else student.output_shape[1])
        self.generator.compile(keras.optimizers.Adam(1e-3))
        self.generator.optimizer.build(self.generator.trainable_variables)
        side = student.input_shape[1]
        shapes = {"image": (side, side, 3), "mask": (side, side, 1), "label": (), "has_mask": ()}
        self.drawn = {
            name: tf.Variable(
                tf.zeros((0, *shape), tf.int32 if name == "label" else tf.float32),
                shape=(None, *shape),
                trainable=False,
            )
            for name, shape in shapes.items()
        }

    def begin_task(self, task: TaskData) -> dict[str, float]:
        if task.index and self._count:
            for name, values in self._draw().items():
                self.drawn[name].assign(values)
        return super().begin_task(task)

    def training_batches(self, task: TaskData) -> tf.data.Dataset:
        new = super().training_batches(task)
        if not self._has_drawn:
            return new
        drawn = {name: tf.convert_to_tensor(values) for name, values in self.drawn.items()}
        old = shuffled_passes(self._count, random.getrandbits(31)).map(
            lambda index: {name: values[index] for name, values in drawn.items()}
        )
        return beside(new, old.batch(next(iter(new))["image"].shape[0]))

    def end_task(self, task: TaskData) -> None:
        super().end_task(task)
        if not self._count:
            return
        images, labels = [], []
        for batch in task.batches(batch_size=32):
            images.append(self._small(batch["image"]))
            labels.append(batch["label"])
        if self._has_drawn:
            images.append(self._small(self.drawn["image"]))
            labels.append(self.drawn["label"])
        images, labels = tf.concat(images, axis=0), tf.concat(labels, axis=0)
        order = shuffled_passes(len(labels), random.getrandbits(31)).batch(min(32, len(labels)))
        pairs = order.map(lambda indices: (tf.gather(images, indices), tf.gather(labels, indices)))
        self.generator.fit(pairs, steps_per_epoch=max(1, len(labels) // 32), epochs=self._epochs, verbose=2)

    def _small(self, images: tf.Tensor) -> tf.Tensor:
        size = self.generator.image_size
        return tf.image.resize(images, (size, size), antialias=True)

    @property
    def _has_drawn(self) -> bool:
        return int(tf.size(self.drawn["label"])) > 0

    def _draw(self) -> dict[str, tf.Tensor]:
        """Generates images of the input size for all labels in rotation, labels them with the network; no masks."""
        labels = tf.range(self._count) % self.generator.num_classes
        side = self.student.input_shape[1]
        images = tf.image.resize(self.generator.sample(labels), (side, side))
        logits = as_outputs(self.student.predict(images, batch_size=50, verbose=0)).logits
        return {
            "image": images,
            "label": tf.argmax(logits, axis=1, output_type=tf.int32),
            "mask": tf.zeros((self._count, side, side, 1)),
            "has_mask": tf.zeros((self._count,)),
        }

    @property
    def saved_variables(self) -> list[tf.Variable]:
        return [*super().saved_variables, *self.generator.optimizer.variables]

    @property
    def stored_bytes(self) -> int:
        return (
            super().stored_bytes + 4 * self.generator.encoder.count_params() + 4 * self.generator.decoder.count_params()
        )
