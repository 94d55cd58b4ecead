"""Quantization-aware training (Jacob et al., CVPR 2018) with TF-MOT, as one more SDKD step."""

import re

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from sdkd_tf.model.holistic_attention import MinMaxNormalization
from sdkd_tf.model.network import MassNormalization, Outputs, StopGradient
from sdkd_tf.model.refinement import MorphologicalReconstruction

layers = keras.layers
_keras = tfmot.quantization.keras


class OutputQuantizeConfig(_keras.QuantizeConfig):
    """Quantizes a layer's output and nothing else: for layers without weights that TF-MOT does not know."""

    def get_weights_and_quantizers(self, layer):
        return []

    def get_activations_and_quantizers(self, layer):
        return []

    def set_quantize_weights(self, layer, quantize_weights):
        pass

    def set_quantize_activations(self, layer, quantize_activations):
        pass

    def get_output_quantizers(self, layer):
        return [
            _keras.quantizers.MovingAverageQuantizer(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)
        ]

    def get_config(self):
        return {}


class KeepRangeQuantizeConfig(OutputQuantizeConfig):
    """Adds no quantizer: for layers whose output values are all among their input values."""

    def get_output_quantizers(self, layer):
        return []


# The quantization scheme. Layers that are not in the table get TF-MOT's default 8-bit scheme.
SCHEME = {
    layers.Multiply: OutputQuantizeConfig,
    layers.Maximum: OutputQuantizeConfig,
    layers.GlobalMaxPooling2D: KeepRangeQuantizeConfig,
    MinMaxNormalization: OutputQuantizeConfig,
    MassNormalization: OutputQuantizeConfig,
    MorphologicalReconstruction: KeepRangeQuantizeConfig,
    StopGradient: KeepRangeQuantizeConfig,
}
_SCOPE = {cls.__name__: cls for cls in (OutputQuantizeConfig, KeepRangeQuantizeConfig, *SCHEME)}


def with_probabilities(network):
    """The network with softmax probabilities `[batch, classes]` as a fifth output."""
    probabilities = layers.Softmax(name="probabilities")(Outputs(*network.outputs).logits)
    return keras.Model(network.input, [*network.outputs, probabilities], name=network.name)


def quantization_aware(network):
    """Copies a network with fake quantization of weights and activations.

    Args:
      network: a model that returns `network.Outputs`; it is left as it is.

    Returns:
      (student, deployed), two models that share weights: the student returns `network.Outputs`, the deployed model
      [probabilities, saliency]. Input and probabilities have the fixed ranges [-1, 1] and [0, 1].
    """
    with _keras.quantize_scope(_SCOPE):
        annotated = keras.models.clone_model(with_probabilities(network), clone_function=_annotated_copy)
        annotated.set_weights(network.get_weights())
        quantized = _keras.quantize_apply(annotated)
    frozen = {layer.name for layer in network.layers if not layer.trainable}
    for layer in quantized.layers:
        if layer.name.removeprefix("quant_") in frozen:
            layer.trainable = False
        if layer.name == "quant_probabilities":
            _fix_range(layer, 0.0, 1.0)
        if layer.name == "quantize_layer":
            _fix_range(layer, -1.0, 1.0)
    student = keras.Model(quantized.input, quantized.outputs[:4], name="quantized_sdkd")
    deployed = keras.Model(quantized.input, [quantized.outputs[4], quantized.outputs[1]], name="deployed_sdkd")
    return student, deployed


def calibrate(student, network, batches):
    """Starts the output quantizers from the ranges that the float network's layers show.

    TF-MOT starts every range at [-6, 6] and moves it by a thousandth a step, so a short training would end far off.

    Args:
      student: made by `quantization_aware` from `network`.
      network: the float network.
      batches: as `pipeline.make_dataset` gives them; the ranges are the means of the batches' minima and maxima.
    """
    ranges = {}  # layer name -> (minimum variable, maximum variable)
    for layer in student.layers:
        low = [v for v in layer.weights if re.search(r"/(output|post_activation)_min", v.name)]
        high = [v for v in layer.weights if re.search(r"/(output|post_activation)_max", v.name)]
        if low and layer.name != "quant_probabilities":
            ranges[layer.name.removeprefix("quant_")] = (low[0], high[0])
    probe = keras.Model(network.input, [network.get_layer(name).output for name in ranges])
    seen = np.array([[(np.min(y), np.max(y)) for y in probe.predict_on_batch(batch["image"])] for batch in batches])
    for (low, high), (minimum, maximum) in zip(ranges.values(), seen.mean(axis=0)):
        low.assign(min(minimum, 0.0))
        high.assign(max(maximum, 1e-3))


def _annotated_copy(layer):
    config = SCHEME.get(type(layer))
    copy = type(layer).from_config(layer.get_config())
    return _keras.quantize_annotate_layer(copy, config() if config else None)


def _fix_range(layer, low, high):
    """Sets a quantizer's range; neither input nor probabilities ever leave theirs."""
    for variable in layer.weights:
        if variable.name.split(":")[0].endswith("_min"):
            variable.assign(low)
        if variable.name.split(":")[0].endswith("_max"):
            variable.assign(high)
