"""A run of a network of a few hundred weights, as a process of its own: python tests/tiny_run.py '{"run_dir": ...}'

Its argument holds options by the names of their flags, as JSON.
"""

import dataclasses
import json
import sys
from typing import Annotated

import sdkd_tf  # noqa: F401  sets TF_USE_LEGACY_KERAS before anything imports TensorFlow

import tensorflow as tf  # isort: skip
import tf_keras as keras

from sdkd_tf import training
from sdkd_tf.config import make_config
from sdkd_tf.errors import one_line_errors
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.model.backbone import freeze_batch_norm
from sdkd_tf.model.network import Outputs, StopGradient
from sdkd_tf.options import about

layers = keras.layers


@dataclasses.dataclass(frozen=True)
class TinyOptions:
    """Options of the tiny network."""

    input_size: Annotated[int, about("Side of the network's input in pixels.")] = 32
    detach_map: Annotated[bool | None, about("As in NetworkOptions.")] = None
    normalized: Annotated[bool, about("Whether it has a layer of frozen batch normalization.")] = False


def tiny_network(num_classes, options=TinyOptions()):  # noqa: B008  it is frozen
    """One convolution, from which both maps and, weighted by the refined one, the logits are made."""
    image = keras.Input((options.input_size, options.input_size, 3))
    features = layers.Conv2D(8, 16, strides=16, activation="relu", name="features")(image)
    if options.normalized:
        features = layers.BatchNormalization(name="norm")(features)
    attention = layers.Conv2D(1, 1, name="attention")(features)
    detection = layers.Conv2D(1, 1, name="detection")(features)
    saliency = layers.Activation("sigmoid")(detection)
    weight = StopGradient()(saliency) if options.detach_map else saliency
    pooled = layers.GlobalAveragePooling2D()(layers.Multiply()([features, weight]))
    logits = layers.Dense(num_classes, name="logits")(pooled)
    network = keras.Model(image, list(Outputs(logits, saliency, attention, detection)))
    freeze_batch_norm(network)
    return network


if __name__ == "__main__":
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # see conftest
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    ARCHITECTURES["tiny"] = TinyOptions, tiny_network
    training.write_report = lambda run: None
    with one_line_errors():
        training.train(make_config(architecture="tiny", **json.loads(sys.argv[1])))
