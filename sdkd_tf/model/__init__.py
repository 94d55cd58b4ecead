"""The networks: that of SDKD, with one file per part of the paper's figures, and two plain classifiers.

`ARCHITECTURES` maps a name to the option class of a network and the function that builds it from the number of classes
and the options.
"""

from collections.abc import Callable

import tf_keras as keras

from sdkd_tf.model.mobilenet import MobileNetOptions, build_mobilenet
from sdkd_tf.model.network import NetworkOptions, build_network
from sdkd_tf.model.vgg16 import VGG16Options, build_vgg16

ARCHITECTURES: dict[str, tuple[type, Callable[..., keras.Model]]] = {
    "sdkd": (NetworkOptions, build_network),
    "mobilenet_v2": (MobileNetOptions, build_mobilenet),
    "vgg16": (VGG16Options, build_vgg16),
}
