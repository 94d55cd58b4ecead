"""Steps are measured in turn, on a clock that the strategies move; the strategies are those of the last of 12 tasks."""

import pytest
import tensorflow as tf
import tf_keras as keras

from benchmarks import step_time
from sdkd_tf.errors import UserError
from sdkd_tf.model.network import NetworkOptions, Outputs

layers = keras.layers


def tiny_network(num_classes, options):
    assert options == NetworkOptions(32, frozen_blocks=3)
    image = keras.Input((32, 32, 3))
    features = layers.Conv2D(8, 16, strides=16)(image)
    attention, detection = layers.Conv2D(1, 1)(features), layers.Conv2D(1, 1)(features)
    saliency = layers.Activation("sigmoid")(detection)
    pooled = layers.GlobalAveragePooling2D()(layers.Multiply()([features, saliency]))
    return keras.Model(image, list(Outputs(layers.Dense(num_classes)(pooled), saliency, attention, detection)))


def test_steps_are_measured_in_turn_against_finetuning(monkeypatch):
    taken = []

    def step_of(name, seconds):
        def train_step(self, batch):
            assert batch["image"].shape == (4, 32, 32, 3)
            if name == "gem":
                assert self.memory["label"].numpy().shape == (11, 16)  # as in the last of twelve tasks
            if name == "sdkd":
                assert self.has_teacher
            taken.append((name, seconds))
            return {"loss": tf.constant(0.0)}

        return train_step

    for name, seconds in {"finetune": 2.0, "sdkd": 2.5, "gem": 8.0}.items():
        monkeypatch.setattr(step_time.STRATEGIES[name], "train_step", step_of(name, seconds))
    monkeypatch.setattr(step_time, "build_network", tiny_network)
    monkeypatch.setattr(step_time.time, "perf_counter", lambda: sum(seconds for _, seconds in taken))
    monkeypatch.setattr(step_time.tf, "function", lambda step, autograph: step)
    options = NetworkOptions(input_size=32, frozen_blocks=3)
    found = step_time.measure(["finetune", "sdkd", "gem"], options, 4, rounds=3)
    assert {name: ratio for name, (ratio, _) in found.items()} == {"finetune": 1.0, "sdkd": 1.25, "gem": 4.0}
    assert [name for name, _ in taken[-9:]] == ["finetune", "sdkd", "gem"] * 3


def test_bad_strategies():
    with pytest.raises(UserError, match="--strategies holds 'magic'; expected some of sdkd, finetune"):
        step_time.measure(["magic"], NetworkOptions(), 4, 1)
    with pytest.raises(UserError, match="--strategies lacks finetune"):
        step_time.measure(["sdkd"], NetworkOptions(), 4, 1)
