"""The paper's baseline: VGG-16 (Simonyan and Zisserman, ICLR 2015), trained from scratch, without saliency."""

import dataclasses
from typing import Annotated

import tf_keras as keras

from sdkd_tf.options import about


@dataclasses.dataclass(frozen=True)
class VGG16Options:
    """Options of VGG-16."""

    input_size: Annotated[int, about("Side of the network's input in pixels.", ge=32)] = 64


def build_vgg16(num_classes: int, options: VGG16Options = VGG16Options()) -> keras.Model:
    """Builds the VGG-16 of keras.applications with random weights.

    The initialization follows He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, equation 10. With that of
    keras.applications (Glorot, Bengio, AISTATS 2010), the initial logits differ by thousandths, and after 52
    epochs the loss was still ln(classes).

    Args:
      num_classes: number of object labels, at least 2.
      options: see VGG16Options.

    Returns:
      A keras.Model from images `[batch, input_size, input_size, 3]`, RGB in [-1, 1], to logits `[batch, num_classes]`.
    """
    shape = options.input_size, options.input_size, 3
    network = keras.applications.VGG16(weights=None, input_shape=shape, classes=num_classes, classifier_activation=None)
    for layer in network.layers:
        if layer.weights:
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))
    return network
