"""The baseline: its size by hand, and that it runs through the train_step without any map."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.model.vgg16 import VGG16Options, build_vgg16
from sdkd_tf.strategies.sdkd import SDKD


def test_parameters():
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    convolutions = sum(9 * i * o + o for i, o in zip(widths, widths[1:]))
    dense = 512 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 5 + 5  # 32 / 2^5 = 1: one cell of 512 channels
    assert build_vgg16(5, VGG16Options(input_size=32)).count_params() == convolutions + dense


def test_the_signal_reaches_the_logits():
    # With He's weights its second moment stays about the same from layer to layer; with Glorot's the logits' is 0.0006.
    keras.utils.set_random_seed(0)
    images = tf.random.uniform((4, 32, 32, 3), -1.0, 1.0)
    assert 0.3 < np.std(build_vgg16(20, VGG16Options(input_size=32))(images)) < 5


def test_train_step_without_maps():
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    small = keras.Model(images, keras.layers.Dense(3)(keras.layers.Flatten()(images)))
    strategy = SDKD(small, SDKD.Options(lambda2=2.0))
    strategy.compile(keras.optimizers.SGD(0.1))
    batch = {"image": tf.ones((2, 8, 8, 3)), "label": tf.constant([0, 2])}
    logs = strategy.train_step(batch)
    assert logs["loss"].numpy() == logs["classification"].numpy() > 0
    strategy.promote()
    logs = strategy.train_step(batch)
    assert logs["factor_transfer"].numpy() == logs["saliency"].numpy() == 0.0
    assert logs["soft_target"].numpy() == pytest.approx(0.0, abs=1e-5)  # the teacher is the student's copy
    np.testing.assert_allclose(strategy(batch["image"]).shape, (2, 3))
