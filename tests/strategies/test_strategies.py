"""What holds for all strategies: with weight zero they are fine-tuning, and they report what they keep."""

import numpy as np
import pytest

from sdkd_tf.strategies import STRATEGIES
from sdkd_tf.strategies.discriminant import ClassStatistics

OFF = {
    "sdkd": {"lambda1": 0.0, "lambda2": 0.0, "teacher_share": 0.0, "fc": "trained", "rehearsal": False},
    "lwf": {"lambda2": 0.0},
    "ewc": {"ewc_lambda": 0.0, "fisher_images": 2},
    "online_ewc": {"ewc_lambda": 0.0, "fisher_images": 2},
    "gem": {"memory_images_per_task": 0},
    "agem": {"memory_images_per_task": 0},
    "replay": {"memory_images": 0},
    "sdkd_replay": {
        "memory_images": 0,
        "lambda1": 0.0,
        "lambda2": 0.0,
        "teacher_share": 0.0,
        "fc": "trained",
        "rehearsal": False,
    },
}
ON = {
    "sdkd": {"lambda1": 1.0, "fc": "trained", "rehearsal": False},
    "lwf": {"temperature": 2.0},
    "ewc": {"ewc_lambda": 1e3, "fisher_images": 4},
    "online_ewc": {"ewc_lambda": 1e3, "fisher_images": 4},
    "gem": {"memory_images_per_task": 2},
    "agem": {"memory_images_per_task": 2},
    "replay": {"memory_images": 4},
    "sdkd_replay": {"memory_images": 4, "fc": "trained", "rehearsal": False},
    "joint": {},
}


@pytest.fixture(scope="module")
def finetuned(train):
    return train("finetune")


def test_all_strategies_are_here():
    assert {"finetune", *ON} == set(STRATEGIES)
    assert {"finetune", "joint", *OFF} == set(STRATEGIES)


@pytest.mark.parametrize("strategy", OFF)
def test_with_weight_zero_it_is_finetuning_bit_for_bit(train, finetuned, strategy):
    results, weights = train(strategy, **OFF[strategy])
    np.testing.assert_array_equal(weights, finetuned[1])
    np.testing.assert_array_equal(results.accuracy("test"), finetuned[0].accuracy("test"))
    np.testing.assert_array_equal(results.saliency_mae("test"), finetuned[0].saliency_mae("test"))
    assert [task.kept_images for task in results.tasks] == [0, 0]


@pytest.mark.parametrize("strategy", ON)
def test_it_changes_the_second_task_only_and_reports_what_it_keeps(train, finetuned, strategy):
    results, weights = train(strategy, **ON[strategy])
    assert results.tasks[0].losses["loss"] == pytest.approx(finetuned[0].tasks[0].losses["loss"], rel=1e-6)
    if strategy not in ("gem", "agem"):  # these two tasks do not contradict each other; see test_gem
        assert np.abs(weights - finetuned[1]).max() > 1e-5
    images = {"gem": 2, "agem": 2, "replay": 4, "sdkd_replay": 4, "joint": 8}.get(strategy, 0)
    assert [task.kept_images for task in results.tasks] == [0, images]
    stored = [task.stored_bytes for task in results.tasks]
    if "ewc" in strategy:
        assert stored == [2 * len(weights) * 4] * 2
    elif images:
        assert stored[0] == 0 and stored[1] > 100 * images
    else:
        assert stored == [0, 0]


def test_lwf_is_sdkd_without_factor_transfer(train):
    lwf = train("lwf", lambda2=0.5, temperature=2.0, saliency_weight=0.0)
    off = {"lambda1": 0.0, "saliency_weight": 0.0, "teacher_share": 0.0, "fc": "trained", "rehearsal": False}
    sdkd = train("sdkd", lambda2=0.5, temperature=2.0, **off)
    np.testing.assert_array_equal(lwf[1], sdkd[1])


def test_statistics_of_classes_and_difficulties_are_all_that_sdkd_keeps(train):
    results, _ = train("sdkd")
    classes, size = 2, 8
    statistics = classes + classes * size + size * (size + 1) // 2
    difficulties = 512 * 4
    assert [task.stored_bytes for task in results.tasks] == [
        4 * (statistics + classes * size + classes + difficulties)
    ] * 2
    assert [task.kept_images for task in results.tasks] == [0, 0]


def test_joint_training_computes_the_statistics_of_all_images_anew(train, monkeypatch):
    counts, reset = [], ClassStatistics.reset

    def reset_and_look(self):
        counts.append(self.counts.numpy().tolist())
        reset(self)

    monkeypatch.setattr(ClassStatistics, "reset", reset_and_look)
    results, _ = train("joint", fc="closed_form")
    images = results.tasks[0].images
    assert counts == [[0, 0], [images / 2] * 2]  # before each task; 2 classes
    assert results.tasks[1].kept_images == images


def test_the_reach_is_measured_on_augmented_validation_images(train, monkeypatch):
    seen, measure = [], ClassStatistics.measure_reach

    def measure_and_look(self, embeddings):
        measure(self, embeddings)
        seen.append((embeddings, self.reach.numpy()))

    monkeypatch.setattr(ClassStatistics, "measure_reach", measure_and_look)
    train("finetune", fc="closed_form", min_steps=60)
    assert [len(embeddings) for embeddings, _ in seen] == [200, 200]  # though each task has 4 such images
    assert all(len(np.unique(embeddings.round(5), axis=0)) > 100 for embeddings, _ in seen)
    assert [tasks for _, (_, tasks) in seen] == [1, 2] and seen[0][1][0] > 0
