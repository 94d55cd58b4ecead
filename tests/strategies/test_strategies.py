"""What holds for all strategies: with weight zero they are fine-tuning, and they tell what they keep."""

import numpy as np
import pytest

from sdkd_tf.strategies import STRATEGIES

OFF = {
    "sdkd": {"lambda1": 0.0, "lambda2": 0.0},
    "lwf": {"lambda2": 0.0},
    "ewc": {"ewc_lambda": 0.0, "fisher_images": 2},
    "online_ewc": {"ewc_lambda": 0.0, "fisher_images": 2},
    "gem": {"memory_images_per_task": 0},
    "agem": {"memory_images_per_task": 0},
    "generative_replay": {"generated_images": 0},
    "replay": {"memory_images": 0},
    "sdkd_replay": {"memory_images": 0, "lambda1": 0.0, "lambda2": 0.0},
}
ON = {
    "sdkd": {"lambda1": 1.0},
    "lwf": {"temperature": 2.0},
    "ewc": {"ewc_lambda": 1e3, "fisher_images": 4},
    "online_ewc": {"ewc_lambda": 1e3, "fisher_images": 4},
    "gem": {"memory_images_per_task": 2},
    "agem": {"memory_images_per_task": 2},
    "generative_replay": {"generated_images": 4, "generator_epochs": 1},
    "replay": {"memory_images": 4},
    "sdkd_replay": {"memory_images": 4},
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
    assert results["accuracy_matrix"] == finetuned[0]["accuracy_matrix"]
    assert results["replay_images"] == 0


@pytest.mark.parametrize("strategy", ON)
def test_it_changes_the_second_task_only_and_tells_what_it_keeps(train, finetuned, strategy):
    results, weights = train(strategy, **ON[strategy])
    assert results["history"][0]["loss"] == pytest.approx(finetuned[0]["history"][0]["loss"], rel=1e-6)
    if strategy not in ("gem", "agem"):  # these two tasks do not contradict each other; see test_gem
        assert np.abs(weights - finetuned[1]).max() > 1e-5
    images = {"gem": 2, "agem": 2, "replay": 4, "sdkd_replay": 4, "joint": 8}.get(strategy, 0)
    assert results["replay_images"] == images
    numbers = 2 * len(weights) * 4 if "ewc" in strategy else None
    if numbers:
        assert results["stored_bytes"] == numbers
    elif strategy in ("sdkd", "lwf"):
        assert results["stored_bytes"] == 0
    else:
        assert results["stored_bytes"] > 100


def test_lwf_is_sdkd_without_factor_transfer(train):
    lwf = train("lwf", lambda2=0.5, temperature=2.0, saliency_weight=0.0)
    sdkd = train("sdkd", lambda1=0.0, lambda2=0.5, temperature=2.0, saliency_weight=0.0)
    np.testing.assert_array_equal(lwf[1], sdkd[1])
