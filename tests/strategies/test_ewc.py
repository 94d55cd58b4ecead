"""Fisher information in closed form, and the penalty by hand."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.model.network import Outputs
from sdkd_tf.strategies import EWC, OnlineEWC


@pytest.fixture
def regression():
    """Softmax regression on three mean colors."""
    image = keras.Input((8, 8, 3))
    return keras.Model(image, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(image)))


def test_fisher_of_softmax_regression(regression):
    rng = np.random.default_rng(0)
    colors, labels = rng.uniform(-1, 1, (5, 3)), np.array([0, 3, 1, 1, 2], np.int32)
    images = np.broadcast_to(colors[:, None, None, :], (5, 8, 8, 3)).astype(np.float32)
    kernel, bias = rng.normal(size=(3, 4)), rng.normal(size=4)
    regression.set_weights([kernel, bias])
    batches = tf.data.Dataset.from_tensor_slices({"image": images, "label": labels}).batch(1)
    found = EWC(regression).estimate_fisher(batches)
    logits = colors @ kernel + bias
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    slope = p - np.eye(4)[labels]  # of -log p(label), in the logits
    np.testing.assert_allclose(found[0], np.mean(colors[:, :, None] ** 2 * slope[:, None, :] ** 2, axis=0), rtol=1e-4)
    np.testing.assert_allclose(found[1], np.mean(slope**2, axis=0), rtol=1e-4)


def test_estimating_it_leaves_batch_statistics_alone():
    image = keras.Input((8, 8, 3))
    norm = keras.layers.BatchNormalization(momentum=0.5)
    network = keras.Model(image, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(norm(image))))
    images = {"image": np.full((2, 8, 8, 3), 7.0, np.float32), "label": np.array([0, 1], np.int32)}
    EWC(network).estimate_fisher(tf.data.Dataset.from_tensor_slices(images).batch(1))
    np.testing.assert_array_equal(norm.moving_mean, np.zeros(3))
    np.testing.assert_array_equal(norm.moving_variance, np.ones(3))


def consolidate_twice(strategy):
    """Fisher information 1 and 3 at weights 0 and 4; a bias that never mattered. Returns the penalty at weight 6."""
    kernel, bias = strategy.student.trainable_variables
    bias.assign([5.0, 0.0, 0.0, 0.0])
    for weight, fisher in ((0.0, 1.0), (4.0, 3.0)):
        kernel.assign(tf.fill(kernel.shape, weight))
        strategy.consolidate([tf.fill(kernel.shape, fisher), tf.zeros(4)])
    kernel.assign(tf.fill(kernel.shape, 6.0))
    return strategy.terms({"label": tf.zeros(1, tf.int32)}, outputs_of(strategy))["consolidation"].numpy()


def outputs_of(strategy):
    return Outputs(strategy.student(tf.zeros((1, 8, 8, 3))))


def test_two_penalties_pull_like_one(regression):
    ewc = EWC(regression)
    consolidate_twice(ewc)
    np.testing.assert_allclose(ewc.fisher[0], 4.0)
    np.testing.assert_allclose(ewc.anchor[0], 3.0)  # (1 * 0 + 3 * 4) / 4
    # The gradient at 6: 1 * (6 - 0) + 3 * (6 - 4) = 4 * (6 - 3); 12 weights.
    kernel = regression.trainable_variables[0]
    with tf.GradientTape() as tape:
        penalty = ewc.terms({"label": tf.zeros(1, tf.int32)}, outputs_of(ewc))["consolidation"]
    np.testing.assert_allclose(tape.gradient(penalty, kernel), np.full((3, 4), 12.0), rtol=1e-5)
    assert penalty.numpy() == pytest.approx(12 * 4 / 2 * 3**2)
    np.testing.assert_allclose(ewc.anchor[1], [5.0, 0.0, 0.0, 0.0])


def test_the_online_penalty_is_renewed(regression):
    online = OnlineEWC(regression, OnlineEWC.Options(ewc_gamma=0.5))
    penalty = consolidate_twice(online)
    np.testing.assert_allclose(online.fisher[0], 3.5)  # 0.5 * 1 + 3
    np.testing.assert_allclose(online.anchor[0], 4.0)
    assert penalty == pytest.approx(0.5 * 12 * 3.5 / 2 * 2**2)


def test_the_anchor_is_the_fc_layer_that_is_trained(train, monkeypatch):
    """Not the one in closed form, which replaces it only until the next task begins."""
    anchors, trained = [], []
    end_task, consolidate = EWC.end_task, EWC.consolidate
    monkeypatch.setattr(
        EWC, "end_task", lambda self, task: trained.append(self.student.get_weights()[-2]) or end_task(self, task)
    )
    monkeypatch.setattr(
        EWC, "consolidate", lambda self, fisher: consolidate(self, fisher) or anchors.append(self.anchor[-2].numpy())
    )
    train("ewc", fc="closed_form", fisher_images=2)
    np.testing.assert_array_equal(anchors[0], trained[0])
