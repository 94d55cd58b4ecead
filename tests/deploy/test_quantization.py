"""Equalized depthwise kernels, and what is known of the ranges."""

import numpy as np
import tf_keras as keras

from sdkd_tf.deploy.quantization import QuantizedReconstruction, equalize_depthwise
from sdkd_tf.model.network import NetworkOptions, build_network
from sdkd_tf.model.refinement import ReconstructionByDilation

layers = keras.layers


def test_equalization_on_a_hand_made_layer():
    image = layers.Input((2, 2, 2))
    x = layers.DepthwiseConv2D(1, use_bias=False, name="depthwise")(image)
    x = layers.BatchNormalization(epsilon=0.0, name="norm")(x)
    model = keras.Model(image, x)
    model.get_layer("depthwise").set_weights([np.array([-4.0, 0.5]).reshape(1, 1, 2, 1)])
    model.get_layer("norm").set_weights(np.array([[1, 3], [0.5, -0.5], [2, 1], [4, 0.25]]))  # gamma beta mean variance
    pixels = np.arange(8.0, dtype=np.float32).reshape(1, 2, 2, 2)
    before = model(pixels).numpy()
    np.testing.assert_allclose(before[0, 1, 1], [(-24 - 2) / 2 + 0.5, 3 * (3.5 - 1) / 0.5 - 0.5])

    equalize_depthwise(model)
    np.testing.assert_allclose(model.get_layer("depthwise").get_weights()[0].ravel(), [-1.0, 1.0])
    gamma, beta, mean, variance = model.get_layer("norm").get_weights()
    np.testing.assert_allclose((gamma, beta, mean, variance), ([4.0, 1.5], [0.5, -0.5], [0.5, 2.0], [4.0, 0.25]))
    np.testing.assert_allclose(model(pixels), before, rtol=1e-6)


def test_equalization_does_not_change_the_network():
    network = build_network(5, NetworkOptions(input_size=64, decoder_channels=4))
    image = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    equalize_depthwise(copy)
    kernels = [la.depthwise_kernel.numpy() for la in copy.layers if isinstance(la, layers.DepthwiseConv2D)]
    assert len(kernels) == 17 + 4  # MobileNetV2's, and the second copy of blocks 6 and 7
    assert all(np.abs(np.abs(k).max(axis=(0, 1, 3)) - 1).max() < 1e-5 for k in kernels)
    for before, after in zip(network(image), copy(image)):
        np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-4)


def test_the_reconstruction_without_a_minimum_has_the_same_values_in_8_bits():
    steps = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1))
    saliency = (steps / 255).astype(np.float32)
    seed = np.where(saliency == saliency.max(axis=(1, 2, 3), keepdims=True), saliency, 0).astype(np.float32)
    expected = ReconstructionByDilation()([seed, saliency]).numpy()
    found = QuantizedReconstruction()([seed, saliency]).numpy()
    np.testing.assert_array_equal(np.round(255 * found), np.round(255 * expected))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0 < np.mean(expected < saliency) < 1
