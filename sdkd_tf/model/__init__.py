"""The networks: SDKD's, one part of the paper's figures a file, and the paper's baseline.

`ARCHITECTURES` maps a name to the class of a network's options and the function that builds it from the number of classes
and these options.
"""

from collections.abc import Callable

import tf_keras as keras

from sdkd_tf.model.network import NetworkOptions, build_network
from sdkd_tf.model.vgg16 import VGG16Options, build_vgg16

ARCHITECTURES: dict[str, tuple[type, Callable[..., keras.Model]]] = {
    "sdkd": (NetworkOptions, build_network),
    "vgg16": (VGG16Options, build_vgg16),
}
