"""Morphological reconstruction against scikit-image."""

import numpy as np
import pytest
import tensorflow as tf
from skimage.morphology import reconstruction

from sdkd_tf.model.refinement import keep_main_object, refine


def test_reconstruction_equals_scikit_image():
    maps = np.random.default_rng(0).uniform(size=(20, 8, 8, 1)).astype(np.float32)
    found = keep_main_object(maps).numpy()
    for image, result in zip(maps[..., 0], found[..., 0]):
        seed = np.where(image == image.max(), image, 0.0)
        expected = reconstruction(seed, image, footprint=np.ones((3, 3)))
        np.testing.assert_allclose(result, expected, atol=1e-7)


def test_the_second_object_is_removed():
    saliency = np.zeros((1, 8, 8, 1), np.float32)
    saliency[0, 1:3, 1:3], saliency[0, 5:7, 5:7] = 0.9, 0.8
    found = keep_main_object(saliency).numpy()
    np.testing.assert_array_equal(found[0, 1:3, 1:3], saliency[0, 1:3, 1:3])
    assert found[0, 4:].max() == 0.0


def test_gradient_reaches_what_survives_and_nothing_else():
    saliency = np.zeros((1, 8, 8, 1), np.float32)
    saliency[0, 1, 1], saliency[0, 1, 2], saliency[0, 6, 6] = 0.9, 0.5, 0.8
    x = tf.Variable(saliency)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(keep_main_object(x))
    gradient = tape.gradient(total, x).numpy()[0, :, :, 0]
    assert gradient[1, 2] == pytest.approx(1.0) and gradient[6, 6] == 0.0
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_constant_map_survives_whole(value):
    x = tf.Variable(tf.fill((1, 4, 4, 1), value))
    with tf.GradientTape() as tape:
        found = keep_main_object(x)
        total = tf.reduce_sum(found)
    np.testing.assert_allclose(found, np.full((1, 4, 4, 1), value), rtol=1e-6)
    assert np.isfinite(tape.gradient(total, x).numpy()).all()


def test_the_main_object_is_kept_and_a_fainter_one_is_cut_down():
    logits = np.full((1, 3, 7, 1), -20.0, np.float32)
    logits[0, 1, 1], logits[0, 1, 5] = 2.0, 1.0  # apart from each other by a valley of 0
    saliency = refine(logits).numpy()[0, 1, :, 0]
    np.testing.assert_allclose(saliency, [0, 1 / (1 + np.exp(-2.0)), 0, 0, 0, 0, 0], atol=1e-6)
