"""Quantization-aware training (Jacob et al., CVPR 2018) with TF-MOT, as one more SDKD step."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import default_8bit_quantize_configs

from sdkd_tf.model.holistic_attention import GlobalMinPooling2D
from sdkd_tf.model.network import Outputs, StopGradient
from sdkd_tf.model.quantizable import FLOOR, InverseSquareRoot, PositiveDifference
from sdkd_tf.model.refinement import ReconstructionByDilation, Steepen

layers = keras.layers
_keras = tfmot.quantization.keras
_Output = default_8bit_quantize_configs.Default8BitOutputQuantizeConfig
_Nothing = default_8bit_quantize_configs.NoOpQuantizeConfig  # for layers that output a subset of their input values


class QuantizedReconstruction(ReconstructionByDilation):
    """The same reconstruction in 8 bits, without the minimum, which XNNPACK would leave to other kernels at every step."""

    def minimum(self, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """a - relu(a - b), exact in steps of 1/255."""
        return _round(a - _round(tf.nn.relu(a - b)))


def _round(x: tf.Tensor) -> tf.Tensor:
    """Rounds to steps of 1/255 in [0, 1]."""
    return tf.quantization.fake_quant_with_min_max_args(x, 0.0, 1.0, num_bits=8)


# Layers that are not listed get TF-MOT's default 8-bit scheme.
SCHEME = {
    layers.Multiply: _Output,
    layers.Subtract: _Output,
    layers.GlobalMaxPooling2D: _Nothing,
    GlobalMinPooling2D: _Nothing,
    InverseSquareRoot: _Output,
    Steepen: _Output,
    PositiveDifference: _Output,
    QuantizedReconstruction: _Nothing,
    StopGradient: _Nothing,
}
# Ranges known in advance: the last task's images may not cover all values that occur on the device.
_ROOT_RANGE = (0.0, FLOOR**-0.5)
FIXED_RANGES = {
    "quantize_layer": (-1.0, 1.0),  # the input
    "holistic_attention_min_max_root": _ROOT_RANGE,
    "mass_root": _ROOT_RANGE,
    "mass_scale1": _ROOT_RANGE,  # times a map in [0, 1]
    "saliency": (0.0, 1.0),
    "refinement_below": (0.0, 1.0),
    "refinement_steep": (0.0, 1.0),  # clipped to 1: it is subtracted from a map in [0, 1]
    "refinement_seed": (0.0, 1.0),
}
_SCOPE = {cls.__name__: cls for cls in (_Output, _Nothing, *SCHEME)}


def equalize_depthwise(network: keras.Model) -> None:
    """Scales all channels of a depthwise kernel to one range; the following batch normalization reverts the scaling.

    TF-MOT uses one range for all channels of a depthwise kernel. In MobileNetV2 the channels differ by orders of
    magnitude, so the small ones would be rounded to zero. Moving scale factors to the next layer follows Nagel et
    al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.1.

    Args:
      network: changed in place; its outputs stay the same up to float rounding.
    """
    for layer in network.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            norm = layer.outbound_nodes[0].outbound_layer
            if isinstance(norm, layers.BatchNormalization) and not layer.use_bias:
                kernel = layer.depthwise_kernel.numpy()
                largest = np.abs(kernel).max(axis=(0, 1, 3))
                scale = np.maximum(largest, 1e-3 * largest.max())
                layer.depthwise_kernel.assign(kernel / scale[:, None])
                norm.gamma.assign(norm.gamma * scale)
                norm.moving_mean.assign(norm.moving_mean / scale)


def with_probabilities(network: keras.Model) -> keras.Model:
    """Adds two outputs: softmax probabilities `[batch, classes]`, and the embedding `[batch, size]` before the FC layer."""
    logits = Outputs(*network.outputs).logits
    added = layers.Softmax(name="probabilities")(logits), logits.node.layer.input
    return keras.Model(network.input, [*network.outputs, *added], name=network.name)


def deployed_outputs(outputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """[probabilities, saliency, embedding] of the outputs of `with_probabilities`."""
    return [outputs[4], outputs[1], outputs[5]]


@tf.autograph.experimental.do_not_convert  # no layer needs AutoGraph, which takes half of the time
def quantization_aware(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Copies a network with fake quantization of weights and activations.

    Args:
      network: a model that returns `network.Outputs`. Its depthwise kernels are equalized; its outputs do not change.

    Returns:
      (student, deployed), two models that share weights: the student returns `network.Outputs`, the deployed model
      [probabilities, saliency, embedding]. Their ranges are set only for the layers in FIXED_RANGES; see `calibrate`.
    """
    equalize_depthwise(network)
    with _keras.quantize_scope(_SCOPE):
        annotated = keras.models.clone_model(with_probabilities(network), clone_function=_annotated_copy)
        annotated.set_weights(network.get_weights())
        quantized = _keras.quantize_apply(annotated)
    frozen = {layer.name for layer in network.layers if not layer.trainable}
    for layer in quantized.layers:
        if layer.name.removeprefix("quant_") in frozen:
            layer.trainable = False
    fix_ranges(quantized)
    student = keras.Model(quantized.input, quantized.outputs[:4], name="quantized_sdkd")
    deployed = keras.Model(quantized.input, deployed_outputs(quantized.outputs), name="deployed_sdkd")
    return student, deployed


def calibrate(student: keras.Model, network: keras.Model, batches: Iterable[dict[str, Any]]) -> None:
    """Initializes the output quantizers with the ranges of the float network's layers.

    TF-MOT initializes every range with [-6, 6] and moves it by a thousandth per step, so a short training would not do.

    Args:
      student: result of `quantization_aware` for `network`.
      network: the float network.
      batches: batches of `pipeline.make_dataset`; the ranges are the means of the batches' minima and maxima.
    """
    ranges: dict[str, Any] = {}  # layer name -> (minimum variable, maximum variable)
    for layer in student.layers:
        name = layer.name.removeprefix("quant_")
        found = None if name in FIXED_RANGES else _range_variables(layer)
        if found:
            ranges[name] = found
    probe = keras.Model(network.input, [network.get_layer(name).output for name in ranges])

    @tf.function(autograph=False)
    def extremes(images: tf.Tensor) -> tf.Tensor:
        return tf.stack([(tf.reduce_min(y), tf.reduce_max(y)) for y in probe(images, training=False)])

    seen = np.mean([extremes(batch["image"]) for batch in batches], axis=0)
    for (low, high), (minimum, maximum) in zip(ranges.values(), seen):
        low.assign(min(minimum, 0.0))
        high.assign(max(maximum, 1e-3))


def fix_ranges(model: keras.Model) -> None:
    """Resets the ranges in FIXED_RANGES, because training moves every range a little in each step."""
    for layer in model.layers:
        fixed = FIXED_RANGES.get(layer.name.removeprefix("quant_"))
        found = _range_variables(layer) if fixed else None
        if fixed and found:
            for variable, end in zip(found, fixed):
                variable.assign(end)


def _range_variables(layer: keras.layers.Layer) -> tuple[tf.Variable, tf.Variable] | None:
    """The variables (minimum, maximum) of a layer's output quantizer, or None if it has none."""
    names = {v.name.split("/")[-1].split(":")[0]: v for v in layer.weights}
    for quantizer in ("output", "post_activation", "quantize_layer"):
        if f"{quantizer}_min" in names:
            return names[f"{quantizer}_min"], names[f"{quantizer}_max"]
    return None


def _annotated_copy(layer: keras.layers.Layer) -> keras.layers.Layer:
    kind = QuantizedReconstruction if type(layer) is ReconstructionByDilation else type(layer)
    config = SCHEME.get(kind)
    copy = kind.from_config(layer.get_config())
    return _keras.quantize_annotate_layer(copy, config() if config else None)
