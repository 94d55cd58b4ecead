"""A run of a network of a few hundred weights, as a process of its own: python tests/tiny_run.py '{"run_dir": ...}'

Its argument is what `lifelong.run` takes, as JSON.
"""

import json
import sys

import sdkd_tf  # noqa: F401  sets TF_USE_LEGACY_KERAS before anything imports TensorFlow

import tensorflow as tf  # isort: skip
import tf_keras as keras

from sdkd_tf import lifelong
from sdkd_tf.errors import one_line_errors
from sdkd_tf.model.backbone import set_batch_norm_policy
from sdkd_tf.model.network import Outputs

layers = keras.layers


def tiny_network(num_classes, input_size=32):
    image = keras.Input((input_size, input_size, 3))
    features = layers.Conv2D(8, 16, strides=16, activation="relu")(image)
    features = layers.BatchNormalization()(features)
    attention = layers.Conv2D(1, 1)(features)
    detection = layers.Conv2D(1, 1)(features)
    saliency = layers.Activation("sigmoid")(detection)
    pooled = layers.GlobalAveragePooling2D()(layers.Multiply()([features, saliency]))
    network = keras.Model(image, list(Outputs(layers.Dense(num_classes)(pooled), saliency, attention, detection)))
    set_batch_norm_policy(network, "frozen")
    return network


if __name__ == "__main__":
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # see conftest
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    lifelong.ARCHITECTURES["tiny"] = tiny_network
    lifelong.report.plot_run = lambda run_dir: None
    with one_line_errors():
        lifelong.run(architecture="tiny", **json.loads(sys.argv[1]))
