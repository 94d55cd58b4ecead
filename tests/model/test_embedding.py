"""The pooling of features under the map."""

import numpy as np
import pytest
import tensorflow as tf

from sdkd_tf.model.embedding import embed


def random(*shape, low=-1.0):
    return np.random.default_rng(0).uniform(low, 1, shape).astype(np.float32)


def test_mass_pooling_is_the_mean_weighted_by_the_map_at_any_scale_of_it():
    features, weight = random(2, 3, 3, 4), random(2, 3, 3, 1, low=0.2)
    expected = (features * weight).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
    np.testing.assert_allclose(embed([features], weight, "mass"), expected, atol=1e-5)
    np.testing.assert_allclose(embed([features], weight / 5, "mass"), expected, atol=1e-5)
    np.testing.assert_allclose(embed([features], weight, "mean"), (features * weight).mean(axis=(1, 2)), atol=1e-6)


def test_levels_of_other_sizes_follow_one_another_and_the_context():
    fine, coarse, context = random(2, 8, 8, 3), random(2, 2, 2, 5), random(2, 4, 4, 2)
    weight = np.zeros((2, 4, 4, 1), np.float32)
    weight[:, :2, :2] = 1  # the upper left quarter
    expected = [fine[:, :4, :4].mean(axis=(1, 2)), coarse[:, 0, 0], context.mean(axis=(1, 2))]
    result = embed([fine, coarse], weight, "mass", context)
    np.testing.assert_allclose(result, np.concatenate(expected, axis=1), atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1e-6, 0.3, 1.0])
@pytest.mark.parametrize("pooling", ["mean", "mass"])
def test_constant_maps_have_finite_pooling_and_gradients(pooling, value):
    features, weight = random(2, 4, 4, 3), tf.fill((2, 4, 4, 1), value)
    with tf.GradientTape() as tape:
        tape.watch(weight)
        pooled = embed([features], weight, pooling)
        target = tf.reduce_sum(pooled)
    plain = features.mean(axis=(1, 2))
    scale = min(1.0, 64 * value) if pooling == "mass" else value  # by a mass under 1/64 nothing is divided
    np.testing.assert_allclose(pooled, scale * plain, rtol=1e-4, atol=1e-6)
    assert np.isfinite(tape.gradient(target, weight).numpy()).all()
