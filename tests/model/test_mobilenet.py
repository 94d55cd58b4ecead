"""The plain MobileNetV2: what its FC layer sees, with and without random features."""

import numpy as np
import tf_keras as keras

from sdkd_tf.model.mobilenet import MobileNetOptions, build_mobilenet


def test_the_fc_layer_sees_the_mean_features():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    network = build_mobilenet(3, MobileNetOptions(input_size=64))
    features, logits = keras.Model(network.input, [network.get_layer("out_relu").output, network.output])(images)
    layer = network.get_layer("logits")
    expected = features.numpy().mean(axis=(1, 2)) @ layer.kernel.numpy() + layer.bias.numpy()
    assert layer.kernel.shape == (1280, 3)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_random_features_are_standard_normal_and_not_trained():
    network = build_mobilenet(3, MobileNetOptions(input_size=64, weights="none", projection=50))
    random = network.get_layer("projection")
    (kernel,) = random.get_weights()
    assert kernel.shape == (1280, 50) and network.get_layer("logits").kernel.shape == (50, 3)
    assert abs(kernel.mean()) < 4 / np.sqrt(kernel.size) and abs(kernel.std() - 1) < 4 / np.sqrt(2 * kernel.size)
    assert not random.trainable_weights
