"""GEM's projection against the analytic solution, the conditions of an optimum, and another solver."""

import types

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


@pytest.mark.parametrize(
    "gradient, expected",
    [
        ([0.0, -2.0], [1.0, -1.0]),  # v = 1 makes the product 0, and is above the margin
        ([1.0, -1.5], [1.5, -1.0]),  # v = 1/4 would, but is below it
        ([1.0, -0.5], [1.0, -0.5]),  # no conflict, and so no margin
    ],
)
def test_the_published_margin_with_one_constraint(gradient, expected):
    """The step is g + v r with v = max(margin, -g . r / r . r), here with r = (1, 1)."""
    margin = GEM.Options().gem_margin
    assert margin == 0.5
    found = project(np.array(gradient, np.float32), np.array([[1.0, 1.0]], np.float32), margin)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_published_margin_bounds_every_share(seed):
    rng = np.random.default_rng(seed)
    gradient, earlier = rng.normal(size=50).astype(np.float32), rng.normal(size=(8, 50)).astype(np.float32)
    found = project(gradient, earlier, 0.5)
    shares = np.linalg.lstsq(earlier.T, found - gradient, rcond=None)[0]
    assert (earlier @ gradient).min() < 0 and shares.min() == pytest.approx(0.5, abs=1e-3)
    # The same program in w = v - 0.5: min |earlier.T w + (g + 0.5 * sum of earlier)|, w >= 0.
    moved = (gradient + 0.5 * earlier.sum(axis=0)).astype(np.float64)
    expected = nnls(earlier.T.astype(np.float64), -moved)[0] + 0.5
    np.testing.assert_allclose(shares, expected, atol=1e-3)


def test_tasks_that_agree_are_no_trouble():
    gradient, earlier = np.array([-1.0, 1.0], np.float32), np.array([[1.0, 0.0]] * 3, np.float32)
    np.testing.assert_allclose(project(gradient, earlier), [0.0, 1.0], atol=1e-4)


@pytest.mark.parametrize(
    "strategy, kept, options",
    [(GEM, 2, {"gem_margin": 0.0}), (GEM, 2, {"gem_margin": 3.0}), (AGEM, 1, {})],  # A-GEM draws the one image it keeps
)
def test_a_step_does_not_raise_the_loss_on_kept_images(tiny_network, strategy, kept, options):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    gem = strategy(tiny_network(3), strategy.Options(memory_images_per_task=kept, **options))

    def batch(labels):
        n = len(labels)
        images = tf.constant(rng.uniform(-1, 1, (n, 32, 32, 3)), tf.float32)
        masks = tf.constant(rng.integers(0, 2, (n, 32, 32, 1)), tf.float32)
        return {"image": images, "label": tf.constant(labels), "mask": masks, "has_mask": tf.ones(n)}

    same = batch([0, 1][:kept])
    batches = lambda examples, size: tf.data.Dataset.from_tensors(same)  # noqa: E731
    gem.end_task(types.SimpleNamespace(examples=(1, 2, 3), batches=batches))
    assert gem.memory["image"].shape[1:] == (kept, 32, 32, 3) and len(gem.kept_examples) == kept
    other = {**same, "label": tf.constant([2, 2][:kept]), "mask": 1 - same["mask"]}

    def flat(gradients):
        return np.concatenate([np.ravel(g) for g in gradients])

    remembered = flat(gem.gradients(same)[0])
    before = gem.gradients(other)[0]
    after = gem.adjusted(before)
    assert flat(before) @ remembered < -1e-3
    needed = -(flat(before) @ remembered) / np.linalg.norm(remembered) ** 2
    share = max(needed, options.get("gem_margin", 0.0))
    np.testing.assert_allclose(flat(after), flat(before) + share * remembered, atol=1e-4 * np.abs(remembered).max())
    assert flat(after) @ remembered > -1e-4 * np.linalg.norm(remembered) ** 2
    assert [g.shape for g in after] == [g.shape for g in before]
