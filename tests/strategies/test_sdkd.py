"""SDKD: what a step updates and leaves alone, the terms that it logs, and what happens between tasks."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.data.task_data import TaskData
from sdkd_tf.model.network import NetworkOptions, Outputs, as_outputs, build_network
from sdkd_tf.model.translator import FACTOR_WIDTH
from sdkd_tf.strategies import SDKD
from sdkd_tf.strategies.discriminant import ClassStatistics
from tests.loading import load
from tests.reference import losses as reference


@pytest.fixture(scope="module")
def tasks(write_sequence, tmp_path_factory):
    """The TaskData of two tasks."""
    sequence = load(write_sequence(tmp_path_factory.mktemp("data")))
    return [TaskData(index, task.train, 64, 4) for index, task in enumerate(sequence.tasks)]


@pytest.fixture(scope="module")
def batch(tasks):
    return next(iter(tasks[1].batches()))


@pytest.fixture(scope="module")
def built():
    """One SDKD for all tests, since building it takes seconds, and its first weights."""
    keras.utils.set_random_seed(0)
    # No option has its default value, so that one which does not reach the losses is noticed.
    options = SDKD.Options(
        saliency_weight=0.5, lambda1=2.0, lambda2=3.0, temperature=4.0, teacher_share=0.75, fc="trained"
    )
    sdkd = SDKD(build_network(2, NetworkOptions(input_size=64, decoder_channels=4)), options)
    return sdkd, sdkd.student.get_weights()


@pytest.fixture
def sdkd(built):
    sdkd, weights = built
    sdkd.student.set_weights(weights)
    sdkd.has_teacher.assign(False)
    sdkd.compile(keras.optimizers.Adam(1e-3))
    sdkd.reset_metrics()
    return sdkd


def disturb(student):
    for name, scale in (("logits", 0.1), ("detection_decoder_logits", 10.0)):
        layer = student.get_layer(name)
        layer.kernel.assign(scale * tf.random.stateless_normal(layer.kernel.shape, (1, 2)))
    student.get_layer("attention_decoder_logits").bias.assign([-1.0])
    student.get_layer("detection_decoder_logits").bias.assign([0.5])


def assert_equal(model, weights):
    for found, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_teacher_is_frozen_bit_for_bit_and_the_student_moves(sdkd, tasks, batch):
    sdkd.begin_task(tasks[1])
    disturb(sdkd.student)  # right after the promotion both agree and the L1 distance has gradient 0
    frozen, trained = [sdkd.teacher, sdkd.paraphraser], [sdkd.student, sdkd.student_translator]
    before = {id(model): [w.copy() for w in model.get_weights()] for model in (*frozen, *trained)}
    sdkd.train_step(batch)
    for model in frozen:
        assert_equal(model, before[id(model)])
    for model in trained:
        assert any(not np.array_equal(a, b) for a, b in zip(before[id(model)], model.get_weights(), strict=True))


def test_the_second_task_begins_with_a_copy_of_the_student_as_teacher(sdkd, tasks):
    untrained = sdkd.paraphraser.get_weights()
    assert sdkd.begin_task(tasks[0]) == {} and not sdkd.has_teacher.numpy()
    assert_equal(sdkd.paraphraser, untrained)
    numbers = sdkd.begin_task(tasks[1])
    assert sdkd.has_teacher.numpy() and list(numbers) == ["translator_error"] and numbers["translator_error"] > 0
    assert_equal(sdkd.teacher, sdkd.student.get_weights())
    assert any(not np.array_equal(a, b) for a, b in zip(sdkd.paraphraser.get_weights(), untrained, strict=True))
    assert_equal(sdkd.student_translator, sdkd.teacher_translator.get_weights())


def test_a_task_ends_with_the_average_of_student_and_teacher(sdkd, tasks):
    kernel = sdkd.student.get_layer("logits").kernel
    old = kernel.numpy()
    sdkd.end_task(tasks[0])  # no teacher yet
    np.testing.assert_array_equal(kernel, old)
    sdkd.promote()
    kernel.assign(old + 4.0)
    sdkd.end_task(tasks[1])
    np.testing.assert_allclose(kernel, old + 1.0, rtol=1e-5)  # a quarter of the new, three quarters of the old
    np.testing.assert_array_equal(sdkd.teacher.get_layer("logits").kernel, old)


def test_first_task_has_no_distillation(sdkd, batch):
    logs = sdkd.train_step(batch)
    assert logs["factor_transfer"].numpy() == 0.0 and logs["soft_target"].numpy() == 0.0
    assert logs["loss"].numpy() == pytest.approx(
        logs["classification"].numpy() + 0.5 * logs["saliency"].numpy(), rel=1e-5
    )


def test_the_teacher_is_asked_about_the_rehearsed_images_only(sdkd, tasks, batch):
    sdkd.begin_task(tasks[1])
    disturb(sdkd.student)

    def terms(kept):
        """The terms of a batch whose other images are black."""
        shown = tf.gather(tf.eye(4), kept)[..., None, None, None]
        images = tf.reduce_sum(shown, axis=0) * (batch["image"] + 1.0) - 1.0
        return sdkd.terms({**batch, "image": images}, as_outputs(sdkd.student(images, training=False)))

    every, odd, even = terms([0, 1, 2, 3]), terms([1, 3]), terms([0, 2])
    for name in ("factor_transfer", "soft_target"):
        assert every[name].numpy() == pytest.approx(odd[name].numpy(), rel=1e-5) and odd[name] > 0
    assert every["soft_target"].numpy() != pytest.approx(even["soft_target"].numpy(), rel=1e-4)
    assert every["classification"].numpy() != pytest.approx(odd["classification"].numpy(), rel=1e-3)


def test_logged_terms_add_up_and_equal_the_reference(sdkd, tasks, batch):
    sdkd.begin_task(tasks[1])
    disturb(sdkd.student)
    batch = {**batch, "has_mask": tf.constant([1.0, 0.0, 1.0, 1.0])}
    student = Outputs(*(part.numpy() for part in sdkd.student(batch["image"], training=True)))
    teacher = Outputs(*(part.numpy() for part in sdkd.teacher(batch["image"], training=False)))
    taught = Outputs(*(part[1::2] for part in student))
    teacher = Outputs(*(part[1::2] for part in teacher))
    factors = sdkd.teacher_translator(teacher.saliency), sdkd.student_translator(taught.saliency)
    assert factors[0].shape[-1] == FACTOR_WIDTH
    masks = batch["mask"].numpy(), batch["has_mask"].numpy()
    expected = {
        "classification": reference.classification(batch["label"].numpy(), student.logits),
        "saliency": reference.saliency(student.attention_logits, student.detection_logits, *masks),
        "factor_transfer": reference.factor_transfer(*(factor.numpy() for factor in factors)),
        "soft_target": reference.soft_target(teacher.logits, taught.logits, 4.0, 0.7),
    }
    assert min(expected.values()) > 1e-3
    expected["loss"] = expected["classification"] + 2 * expected["factor_transfer"] + 3 * expected["soft_target"]
    expected["loss"] += 0.5 * expected["saliency"]
    logs = {name: value.numpy() for name, value in sdkd.train_step(batch).items()}
    assert {name: logs[name] for name in expected} == pytest.approx(expected, rel=1e-4)


def test_a_given_teacher_teaches_at_once(tiny_network):
    keras.utils.set_random_seed(0)
    student, teacher = tiny_network(3), tiny_network(3)
    weights = teacher.get_weights()
    sdkd = SDKD(student, SDKD.Options(lambda1=0.0, temperature=2.0, rehearsal=False), teacher=teacher)
    images = tf.random.stateless_uniform((2, 32, 32, 3), (0, 1), -1.0, 1.0)
    batch = {"image": images, "label": tf.constant([0, 1]), "mask": tf.zeros((2, 32, 32, 1)), "has_mask": tf.zeros(2)}
    terms = sdkd.terms(batch, Outputs(*student(images)))
    expected = reference.soft_target(teacher(images)[0].numpy(), student(images)[0].numpy(), 2.0, 0.7)
    assert terms["soft_target"].numpy() == pytest.approx(expected, rel=1e-3) and expected > 1e-4
    assert_equal(sdkd.teacher, weights)


def test_paraphraser_learns_to_reconstruct(sdkd):
    rng = np.random.default_rng(0)
    images = tf.constant(rng.uniform(-1, 1, (32, 64, 64, 3)), tf.float32)
    batches = tf.data.Dataset.from_tensors({"image": images})
    sdkd.promote()
    first = sdkd.train_teacher_translator(batches, epochs=1)
    last = sdkd.train_teacher_translator(batches, epochs=200)
    assert last < 0.3 * first


@pytest.fixture(scope="module")
def closed_form():
    keras.utils.set_random_seed(0)
    options = SDKD.Options(teacher_share=0.0)
    sdkd = SDKD(build_network(2, NetworkOptions(input_size=64, decoder_channels=4)), options)
    sdkd.compile(keras.optimizers.Adam(1e-3))
    return sdkd


def test_fc_is_computed_from_the_embeddings_of_both_tasks_and_trained_further_from_where_training_left_it(
    closed_form, tasks
):
    sdkd = closed_form
    fc = sdkd.student.get_layer("logits")
    trained = fc.get_weights()
    embed = keras.Model(sdkd.student.input, fc.input)
    expected = ClassStatistics(2, fc.kernel.shape[0])
    for task in tasks:
        sdkd.begin_task(task)
        assert_equal(fc, trained)  # nothing has trained it
        sdkd.end_task(task)  # nor changed the embeddings
        for batch in task.batches():
            expected.add(embed(batch["image"]).numpy(), batch["label"].numpy())
        for found, weight in zip(fc.get_weights(), expected.discriminant(), strict=True):
            np.testing.assert_allclose(found, weight, rtol=1e-2, atol=1e-3 * np.abs(weight).max())
    for kept, weight in zip(sdkd.trained_fc, trained, strict=True):
        np.testing.assert_array_equal(kept, weight)


def test_statistics_follow_the_embeddings_when_the_network_changes(closed_form, tasks):
    sdkd = closed_form
    sdkd.begin_task(tasks[1])
    layer = sdkd.student.get_layer("block_12_project_BN")  # whose output is part of the embedding
    layer.gamma.assign(1.5 * layer.gamma)
    before = sdkd.statistics.means.numpy()
    sdkd.update(sdkd.statistics, tasks[1])
    after = sdkd.statistics.means.numpy()
    embed = keras.Model(sdkd.student.input, sdkd.student.get_layer("logits").input)
    batches = [(embed(b["image"]).numpy(), b["label"].numpy()) for task in tasks for b in task.batches()]
    embeddings, labels = (np.concatenate(values) for values in zip(*batches))
    true = np.stack([embeddings[labels == label].mean(axis=0) for label in range(2)])
    assert np.abs(after - true).mean() < 0.4 * np.abs(before - true).mean()
