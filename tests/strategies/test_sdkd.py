"""The train_step: what it updates, what it leaves alone, and the terms it logs."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from sdkd_tf.distiller import Distiller

from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import load_sequence
from sdkd_tf.model.network import Outputs, build_network
from tests.reference import losses as reference


@pytest.fixture(scope="module")
def batches(write_sequence, tmp_path_factory):
    sequence = load_sequence(write_sequence(tmp_path_factory.mktemp("data")))
    return make_dataset(sequence.tasks[0].train, 64, 4)


@pytest.fixture(scope="module")
def built():
    """One distiller for all tests, since building it takes seconds, and its first weights."""
    keras.utils.set_random_seed(0)
    # Nothing has its default value, so that what does not reach the losses is seen.
    reductions = {"factor_reduction": "sum", "soft_target_reduction": "mean"}
    weights = {"saliency_weight": 0.5, "lambda1": 2.0, "lambda2": 3.0, "temperature": 4.0, "alpha": 0.3}
    distiller = Distiller(build_network(2, input_size=64, decoder_channels=4), **weights, **reductions)
    return distiller, distiller.student.get_weights()


@pytest.fixture
def distiller(built):
    distiller, weights = built
    distiller.student.set_weights(weights)
    distiller.has_teacher.assign(False)
    distiller.compile(keras.optimizers.Adam(1e-3))
    distiller.reset_metrics()
    return distiller


def disturb(student):
    for name in ("logits", "detection_decoder_logits"):
        layer = student.get_layer(name)
        layer.kernel.assign(10.0 * tf.random.stateless_normal(layer.kernel.shape, (1, 2)))
    student.get_layer("attention_decoder_logits").bias.assign([-1.0])
    student.get_layer("detection_decoder_logits").bias.assign([0.5])


def test_teacher_is_frozen_bit_for_bit_and_the_student_moves(distiller, batches):
    distiller.promote(batches, epochs=1)
    disturb(distiller.student)  # right after the promotion both agree and the L1 distance has gradient 0
    frozen = [distiller.teacher, distiller.paraphraser]
    before = [[w.copy() for w in model.get_weights()] for model in frozen]
    student_before = distiller.student.get_weights()
    translator_before = distiller.student_translator.get_weights()
    distiller.train_step(next(iter(batches)))
    for model, weights in zip(frozen, before):
        for old, new in zip(weights, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
    assert any(not np.array_equal(a, b) for a, b in zip(student_before, distiller.student.get_weights()))
    assert any(not np.array_equal(a, b) for a, b in zip(translator_before, distiller.student_translator.get_weights()))


def test_promotion_copies_the_student(distiller, batches):
    distiller.promote(batches, epochs=1)
    for a, b in zip(distiller.teacher.get_weights(), distiller.student.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(
        distiller.teacher_translator.get_weights(), distiller.student_translator.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_task_ends_with_the_average_of_student_and_teacher(distiller, batches, monkeypatch):
    monkeypatch.setattr(distiller, "teacher_share", 0.25)
    distiller.end_task((), None)  # the first task: no teacher yet
    distiller.promote(batches, epochs=1)
    kernel = distiller.student.get_layer("logits").kernel
    old = kernel.numpy()
    kernel.assign(old + 4.0)
    distiller.end_task((), None)
    np.testing.assert_allclose(kernel, old + 3.0, rtol=1e-5)
    np.testing.assert_array_equal(distiller.teacher.get_layer("logits").kernel, old)


def test_first_task_has_no_distillation(distiller, batches):
    logs = distiller.train_step(next(iter(batches)))
    assert logs["factor_transfer"].numpy() == 0.0 and logs["soft_target"].numpy() == 0.0
    assert logs["loss"].numpy() == pytest.approx(
        logs["classification"].numpy() + 0.5 * logs["saliency"].numpy(), rel=1e-5
    )


def test_logged_terms_add_up_and_equal_the_reference(distiller, batches):
    distiller.promote(batches, epochs=1)
    disturb(distiller.student)
    batch = {**next(iter(batches)), "has_mask": tf.constant([1.0, 0.0, 1.0, 1.0])}
    student = Outputs(*(part.numpy() for part in distiller.student(batch["image"], training=True)))
    teacher = Outputs(*(part.numpy() for part in distiller.teacher(batch["image"], training=False)))
    factors = distiller.teacher_translator(teacher.saliency), distiller.student_translator(student.saliency)
    masks = batch["mask"].numpy(), batch["has_mask"].numpy()
    expected = {
        "classification": reference.classification(batch["label"].numpy(), student.logits),
        "saliency": reference.saliency(student.attention_logits, student.detection_logits, *masks),
        "factor_transfer": reference.factor_transfer(*(factor.numpy() for factor in factors), "sum"),
        "soft_target": reference.soft_target(teacher.logits, student.logits, 4.0, 0.3, "mean"),
    }
    assert min(expected.values()) > 0.01
    expected["loss"] = expected["classification"] + 2 * expected["factor_transfer"] + 3 * expected["soft_target"]
    expected["loss"] += 0.5 * expected["saliency"]
    logs = {name: value.numpy() for name, value in distiller.train_step(batch).items()}
    assert {name: logs[name] for name in expected} == pytest.approx(expected, rel=1e-4)


def test_paraphraser_learns_to_reconstruct(distiller):
    rng = np.random.default_rng(0)
    images = tf.constant(rng.uniform(-1, 1, (32, 64, 64, 3)), tf.float32)
    batches = tf.data.Dataset.from_tensors({"image": images})
    first = distiller.promote(batches, epochs=1)
    last = distiller.promote(batches, epochs=200)
    assert last < 0.3 * first
