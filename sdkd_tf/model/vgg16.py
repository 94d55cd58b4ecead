"""The paper's baseline: VGG-16 (Simonyan and Zisserman, ICLR 2015), trained from scratch, without any saliency."""

import tf_keras as keras

from sdkd_tf.errors import UserError


def build_vgg16(num_classes, input_size=64):
    """Builds keras.applications' VGG-16 with random weights.

    They are drawn after He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, equation 10. With those of
    keras.applications (Glorot, Bengio, AISTATS 2010) the logits start within some thousandths of each other, and the
    52 epochs of the ablation left the loss at ln(classes).

    Args:
      num_classes: number of object labels, at least 2.
      input_size: side of the square input in pixels, at least 32.

    Returns:
      A keras.Model from images `[batch, input_size, input_size, 3]`, RGB in [-1, 1], to logits `[batch, num_classes]`.

    Raises:
      UserError: an argument is out of its range.
    """
    if num_classes < 2:
        raise UserError(f"num_classes is {num_classes}; expected at least 2")
    if input_size < 32:
        raise UserError(f"input_size is {input_size}; expected at least 32 for VGG-16")
    network = keras.applications.VGG16(
        weights=None, input_shape=(input_size, input_size, 3), classes=num_classes, classifier_activation=None
    )
    for layer in network.layers:
        if layer.weights:
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))
    return network
