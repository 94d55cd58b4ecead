"""GEM's projection against the analytic solution, the conditions of an optimum, and another solver."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from scipy.optimize import nnls

from sdkd_tf.strategies.gem import AGEM, GEM, project, project_on_one


def test_one_constraint_is_the_analytic_projection():
    gradient, earlier = np.array([1.0, 2.0, -1.0], np.float32), np.array([[-1.0, 0.0, 2.0]], np.float32)
    # g . r = -3, r . r = 5: g + 3/5 r.
    expected = [0.4, 2.0, 0.2]
    np.testing.assert_allclose(project(gradient, earlier), expected, atol=1e-5)
    np.testing.assert_allclose(project_on_one(gradient, earlier[0]), expected, atol=1e-6)


def test_no_conflict_changes_nothing():
    gradient, earlier = np.array([1.0, 2.0], np.float32), np.array([[1.0, 0.0], [-1.0, 1.0]], np.float32)
    assert project(gradient, earlier) is gradient
    assert project(gradient, np.zeros((0, 2), np.float32)) is gradient
    np.testing.assert_array_equal(project_on_one(gradient, earlier[0]), gradient)
    np.testing.assert_array_equal(project_on_one(gradient, np.zeros(2, np.float32)), gradient)


@pytest.mark.parametrize("seed", range(5))
def test_many_constraints(seed):
    rng = np.random.default_rng(seed)
    gradient, earlier = rng.normal(size=50).astype(np.float32), rng.normal(size=(8, 50)).astype(np.float32)
    found = project(gradient, earlier)
    assert (earlier @ gradient).min() < 0 and (earlier @ found).min() > -1e-3
    shares = nnls(earlier.T.astype(np.float64), -gradient.astype(np.float64))[0]  # min |earlier.T v + g|, v >= 0
    np.testing.assert_allclose(found, gradient + shares @ earlier, atol=1e-3)


def test_tasks_that_agree_are_no_trouble():
    gradient, earlier = np.array([-1.0, 1.0], np.float32), np.array([[1.0, 0.0]] * 3, np.float32)
    np.testing.assert_allclose(project(gradient, earlier), [0.0, 1.0], atol=1e-4)


@pytest.mark.parametrize("strategy, kept", [(GEM, 2), (AGEM, 1)])  # of one kept image A-GEM draws no other
def test_a_step_does_not_climb_on_what_is_remembered(tiny_network, strategy, kept):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    gem = strategy(tiny_network(3), memory_images_per_task=kept, saliency_weight=1.0)

    def batch(labels):
        n = len(labels)
        images = tf.constant(rng.uniform(-1, 1, (n, 32, 32, 3)), tf.float32)
        masks = tf.constant(rng.integers(0, 2, (n, 32, 32, 1)), tf.float32)
        return {"image": images, "label": tf.constant(labels), "mask": masks, "has_mask": tf.ones(n)}

    same = batch([0, 1][:kept])
    gem.end_task((1, 2, 3), lambda examples, size: tf.data.Dataset.from_tensors(same))
    assert gem.memory["image"].shape[1:] == (kept, 32, 32, 3) and len(gem.kept_examples) == kept
    other = {**same, "label": tf.constant([2, 2][:kept]), "mask": 1 - same["mask"]}

    def flat(gradients):
        return np.concatenate([np.ravel(g) for g in gradients])

    remembered = flat(gem.gradients(same)[0])
    before = gem.gradients(other)[0]
    after = gem.adjusted(before)
    assert flat(before) @ remembered < -1e-3
    assert abs(flat(after) @ remembered) < 1e-4 * np.linalg.norm(remembered) ** 2
    assert [g.shape for g in after] == [g.shape for g in before]
