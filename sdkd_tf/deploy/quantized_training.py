"""Quantization-aware training as one more SDKD step: the float network teaches the quantized one."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.callbacks import FirstStepHeartbeat, Schedule, heartbeat
from sdkd_tf.deploy.quantization import calibrate, fix_ranges, quantization_aware
from sdkd_tf.files import SavedStates
from sdkd_tf.strategies.base import embedding_of
from sdkd_tf.strategies.discriminant import ClassStatistics
from sdkd_tf.strategies.sdkd import SDKD

_CALIBRATION_BATCHES = 20


@dataclasses.dataclass
class _State:
    """The state of unfinished quantization-aware training."""

    epoch: int
    strategy: dict[str, Any]


def train_quantized(
    network: keras.Model,
    batches: tf.data.Dataset,
    distillation: SDKD.Options,
    steps: int,
    epochs: int,
    learning_rate: float,
    states: SavedStates,
) -> keras.Model:
    """Trains a quantized copy of a network with SDKD; the float network is the teacher.

    Args:
      network: the float network.
      batches: training batches of the last task for all epochs.
      distillation: options of SDKD.
      steps, epochs, learning_rate: batches per epoch, number of epochs, initial learning rate.
      states: where states are saved; those of an interrupted training are resumed.

    Returns:
      The trained quantized model with the outputs of `Prediction`.

    Raises:
      UserError: a saved state does not fit.
    """
    done = 0
    with states.fitting("remove the directory to start over"):
        saved = states.load(_State)
    with heartbeat("preparing the quantized network"):
        student, deployed = quantization_aware(network)
        strategy = SDKD(student, dataclasses.replace(distillation, fc="trained", rehearsal=False), network)
        strategy.compile(keras.optimizers.Adam(learning_rate, clipvalue=0.5))
        if saved:
            with states.fitting("remove the directory to start over"):
                state, values = saved
                done = state.epoch
                strategy.restore(state.strategy, values)
            print(f"resuming after epoch {done}")
        else:
            calibrate(student, network, batches.take(_CALIBRATION_BATCHES))
            if strategy.has_factors:
                strategy.train_teacher_translator(batches.take(steps))

    def save(epoch: int, logs: Any) -> None:
        state = _State(epoch + 1, strategy.state())
        states.save(state, [variable.numpy() for variable in strategy.saved_variables])

    strategy.fit(
        batches.skip(steps * done),
        steps_per_epoch=steps,
        initial_epoch=done,
        epochs=epochs,
        callbacks=[
            FirstStepHeartbeat("building the graph of quantization-aware training"),
            Schedule(epochs, learning_rate),
            keras.callbacks.LambdaCallback(on_epoch_end=save),
        ],
        verbose=1,
    )
    fix_ranges(deployed)
    return deployed


def follow_quantization(
    statistics: ClassStatistics, network: keras.Model, deployed: keras.Model, batches: tf.data.Dataset
) -> None:
    """Moves class statistics with the change of the embeddings by quantization.

    Args:
      statistics: those of the float network; changed in place.
      network: the float network.
      deployed: result of `train_quantized`.
      batches: training batches, like those that it was trained on.
    """
    embedding = embedding_of(network)

    @tf.function(autograph=False)
    def embed(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return embedding(images, training=False), deployed(images, training=False)[2]

    both = [embed(batch["image"]) for batch in batches]
    statistics.move(*(np.concatenate(embeddings) for embeddings in zip(*both, strict=True)))
