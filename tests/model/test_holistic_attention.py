"""Holistic attention against SciPy."""

import numpy as np
import tensorflow as tf
import tf_keras as keras
from scipy.ndimage import correlate
from scipy.special import expit
from scipy.stats import norm

from sdkd_tf.model.holistic_attention import gaussian_kernel, holistic_attention, min_max_normalization


def test_kernel_equals_scipy():
    # CPD: 31 bins of width (2 * 4 + 1) / 31 over [-4, 4], widened by half a bin at both ends.
    half_bin = 9 / 31 / 2
    bins = np.diff(norm.cdf(np.linspace(-4 - half_bin, 4 + half_bin, 32)))
    expected = np.sqrt(bins[:, None] * bins[None, :])
    np.testing.assert_allclose(gaussian_kernel(31), expected / expected.sum(), atol=1e-7)


def test_attention_equals_scipy():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 8, 8, 1)).astype(np.float32)
    features = rng.normal(size=(2, 8, 8, 3)).astype(np.float32)
    inputs = keras.Input((8, 8, 1)), keras.Input((8, 8, 3))
    model = keras.Model(inputs, holistic_attention(*inputs, 5, "test"))
    (kernel,) = model.trainable_weights
    np.testing.assert_allclose(kernel[:, :, 0, 0], gaussian_kernel(5))
    kernel.assign(rng.uniform(size=(5, 5, 1, 1)))  # as training may leave it, without any symmetry
    found = model([logits, features])
    for i in range(2):
        attention = expit(logits[i, :, :, 0].astype(np.float64))
        blurred = correlate(attention, kernel.numpy()[:, :, 0, 0].astype(np.float64), mode="constant")
        stretched = (blurred - blurred.min()) / (blurred.max() - blurred.min() + 1e-6)
        np.testing.assert_allclose(found[i], features[i] * np.maximum(stretched, attention)[..., None], atol=1e-5)


def test_min_max_of_a_hand_made_map():
    x = np.array([0.25, 0.5, 0.75, 0.375], np.float32).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(np.ravel(min_max_normalization(x, "test")), [0, 0.5, 1, 0.25], atol=1e-6)


def test_constant_map_is_stretched_to_zero_with_finite_gradients():
    x = tf.fill((1, 3, 3, 1), 0.4)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = min_max_normalization(x, "test")
        target = tf.reduce_sum(y * tf.reshape(tf.range(9.0), (1, 3, 3, 1)))
    np.testing.assert_array_equal(y, np.zeros((1, 3, 3, 1)))
    # The minimum moves with every pixel alike, so of the weights 0 to 8 what is left is their distance to their mean, 4.
    np.testing.assert_allclose(np.ravel(tape.gradient(target, x)), 64 * (np.arange(9) - 4.0), rtol=1e-5)
