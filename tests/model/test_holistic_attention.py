"""Holistic attention against SciPy."""

import numpy as np
from scipy.ndimage import correlate
from scipy.special import expit
from scipy.stats import norm

from sdkd_tf.model.holistic_attention import MinMaxNormalization, gaussian_kernel, holistic_attention


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
    found = holistic_attention(logits, features, 5, "test")
    for i in range(2):
        attention = expit(logits[i, :, :, 0].astype(np.float64))
        blurred = correlate(attention, gaussian_kernel(5).astype(np.float64), mode="constant")
        stretched = (blurred - blurred.min()) / (blurred.max() - blurred.min() + 1e-6)
        np.testing.assert_allclose(found[i], features[i] * np.maximum(stretched, attention)[..., None], atol=1e-5)


def test_constant_map_is_stretched_to_zero():
    np.testing.assert_array_equal(MinMaxNormalization()(np.full((1, 3, 3, 1), 0.4, np.float32)), np.zeros((1, 3, 3, 1)))
