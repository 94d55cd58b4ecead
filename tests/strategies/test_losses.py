"""Every loss and its gradient against values worked out by hand and against a second implementation in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from sdkd_tf.strategies import losses
from tests.reference import losses as reference


def factor(*rows):
    return tf.constant(rows, tf.float32)[:, :, None, None]


def test_factor_transfer_by_hand():
    # (3, 4) normalizes to (0.6, 0.8) and (1, 0) stays: the mean of |0.6 - 1| and |0.8 - 0| is 0.6.
    teacher, student = factor([3.0, 4.0]), factor([1.0, 0.0])
    assert losses.factor_transfer_loss(teacher, student).numpy() == pytest.approx(0.6, abs=1e-6)


def test_factor_transfer_averages_the_batch():
    teacher, student = factor([3.0, 4.0], [0.0, 2.0]), factor([1.0, 0.0], [0.0, 5.0])
    assert losses.factor_transfer_loss(teacher, student).numpy() == pytest.approx(0.3, abs=1e-6)


def test_factor_transfer_ignores_scale():
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(2, 3, 3, 4)), tf.float32)
    assert losses.factor_transfer_loss(x, 7.0 * x).numpy() == pytest.approx(0.0, abs=1e-7)


def test_factor_transfer_gradient_by_hand():
    # With r = |(x, y)| and t = (1, 0): 2 L = 1 - x / r + y / r; 2 dL/dx = (-y^2 - x y) / r^3, 2 dL/dy = (x y + x^2) / r^3,
    # which at (3, 4) are (-16 - 12) / 125 and (12 + 9) / 125.
    student = tf.Variable(factor([3.0, 4.0]))
    teacher = tf.Variable(factor([1.0, 0.0]))
    with tf.GradientTape() as tape:
        loss = losses.factor_transfer_loss(teacher, student)
    to_teacher, to_student = tape.gradient(loss, [teacher, student])
    assert to_teacher is None
    np.testing.assert_allclose(to_student.numpy().ravel(), [-14 / 125, 10.5 / 125], rtol=1e-5)


@pytest.mark.parametrize(
    "teacher, student, expected",
    [((3.0, 4.0), (0.0, 0.0), 0.7), ((0.0, 0.0), (3.0, 4.0), 0.7), ((0.0, 0.0), (0.0, 0.0), 0.0)],
)
def test_factor_of_norm_zero_has_finite_loss_and_gradient(teacher, student, expected):
    # The factor of norm 0 stays 0, so what is left is the mean of the other's |0.6| and |0.8|.
    student = tf.Variable(factor(list(student)))
    with tf.GradientTape() as tape:
        loss = losses.factor_transfer_loss(factor(list(teacher)), student)
    assert loss.numpy() == pytest.approx(expected, abs=1e-6)
    gradient = tape.gradient(loss, student).numpy()
    assert np.isfinite(gradient).all()
    if expected == 0.0:
        assert not gradient.any()


def test_soft_target_by_hand():
    # T = 1, teacher (0.75, 0.25), student (0.5, 0.5): KL = 0.75 ln 1.5 + 0.25 ln 0.5; times T * T * 2 * alpha = 1.4.
    teacher, student = tf.constant([[np.log(3.0), 0.0]], tf.float32), tf.zeros((1, 2))
    kl = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert losses.soft_target_loss(teacher, student, 1.0, 0.7).numpy() == pytest.approx(1.4 * kl, rel=1e-5)


def test_soft_target_softens_both_sides():
    # Logits scaled by T give the distributions of T = 1, so the loss grows by T * T.
    teacher, student = tf.constant([[np.log(3.0), 0.0]], tf.float32), tf.constant([[0.3, -0.2]])
    at_one = losses.soft_target_loss(teacher, student, 1.0).numpy()
    assert losses.soft_target_loss(20 * teacher, 20 * student, 20.0).numpy() == pytest.approx(400 * at_one, rel=1e-4)


def test_soft_target_gradient_is_softmax_difference():
    rng = np.random.default_rng(1)
    teacher, student = (tf.Variable(rng.normal(size=(3, 5)) * 10, dtype=tf.float32) for _ in range(2))
    with tf.GradientTape() as tape:
        loss = losses.soft_target_loss(teacher, student, 20.0, 0.7)
    to_teacher, to_student = tape.gradient(loss, [teacher, student])
    assert to_teacher is None
    # d KL / d o_s = (softmax(o_s / T) - softmax(o_t / T)) / T, averaged over 3 images.
    difference = tf.nn.softmax(student / 20.0) - tf.nn.softmax(teacher / 20.0)
    np.testing.assert_allclose(to_student, difference * (20 * 2 * 0.7 / 3), rtol=1e-3, atol=1e-6)


def test_sdkd_loss_weights_its_terms():
    assert losses.sdkd_loss(2.0, 3.0, 5.0, lambda1=0.5, lambda2=10.0) == 2.0 + 1.5 + 50.0


def test_saliency_loss_by_hand():
    # Logit 0 costs ln 2 everywhere; logit ln 3 costs ln(4/3) on the object and ln 4 off it. The second image has no mask.
    attention = tf.zeros((2, 1, 1, 1))
    detection = tf.fill((2, 1, 1, 1), float(np.log(3)))
    mask = tf.constant([[[[1.0], [0.0]]], [[[1.0], [1.0]]]])
    expected = np.log(2) + 0.5 * (np.log(4 / 3) + np.log(4))
    found = losses.saliency_loss(attention, detection, mask, tf.constant([1.0, 0.0])).numpy()
    assert found == pytest.approx(expected, rel=1e-5)
    assert losses.saliency_loss(attention, detection, mask, tf.zeros(2)).numpy() == 0.0


def value_and_gradient(loss, student):
    variable = tf.Variable(student, dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = loss(variable)
    return value.numpy(), tape.gradient(value, variable).numpy()


def test_factor_transfer_equals_numpy():
    rng = np.random.default_rng(2)
    teacher, student = rng.normal(size=(2, 3, 4, 5, 2)).astype(np.float32)
    value, gradient = value_and_gradient(lambda s: losses.factor_transfer_loss(teacher, s), student)
    assert value == pytest.approx(reference.factor_transfer(teacher, student), abs=1e-5)

    def f(s):
        return reference.factor_transfer(teacher.astype(np.float64), s)

    np.testing.assert_allclose(gradient, reference.gradient(f, student.astype(np.float64)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("temperature, alpha", [(20.0, 0.7), (2.0, 0.3)])
def test_soft_target_equals_numpy(temperature, alpha):
    rng = np.random.default_rng(3)
    teacher, student = (10 * rng.normal(size=(2, 4, 6))).astype(np.float32)
    settings = temperature, alpha
    value, gradient = value_and_gradient(lambda s: losses.soft_target_loss(teacher, s, *settings), student)
    assert value == pytest.approx(reference.soft_target(teacher, student, *settings), rel=1e-5)

    def f(s):
        return reference.soft_target(teacher.astype(np.float64), s, *settings)

    np.testing.assert_allclose(gradient, reference.gradient(f, student.astype(np.float64)), rtol=1e-5, atol=1e-5)


def test_total_loss_equals_numpy():
    rng = np.random.default_rng(4)
    teacher, student = (5 * rng.normal(size=(2, 3, 7))).astype(np.float32)
    teacher_factor, student_factor = rng.normal(size=(2, 3, 4, 4, 2)).astype(np.float32)
    labels = np.array([0, 6, 2])
    found = losses.sdkd_loss(
        tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, student)),
        losses.factor_transfer_loss(teacher_factor, student_factor),
        losses.soft_target_loss(teacher, student),
    )
    expected = (
        reference.classification(labels, student)
        + reference.factor_transfer(teacher_factor, student_factor)
        + reference.soft_target(teacher, student, 20, 0.7)
    )
    assert found.numpy() == pytest.approx(expected, rel=1e-5)


def test_saliency_loss_equals_numpy():
    rng = np.random.default_rng(5)
    attention, detection = (2 * rng.normal(size=(2, 3, 3, 4, 1))).astype(np.float32)
    mask = rng.integers(0, 2, (3, 12, 16, 1)).astype(np.float32)
    has_mask = np.array([1, 0, 1], np.float32)
    value, gradient = value_and_gradient(lambda d: losses.saliency_loss(attention, d, mask, has_mask), detection)
    assert value == pytest.approx(reference.saliency(attention, detection, mask, has_mask), abs=1e-5)
    expected = reference.gradient(
        lambda d: reference.saliency(attention, d, mask, has_mask), detection.astype(np.float64)
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)
    assert not gradient[1].any()
