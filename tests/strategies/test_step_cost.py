import pytest

from sdkd_tf.errors import UserError
from sdkd_tf.strategies import step_cost


def test_steps_are_measured_in_turn_against_finetuning(monkeypatch, tiny_network):
    def build(classes, size, frozen_blocks):
        assert frozen_blocks == 3
        return tiny_network(classes, size)

    monkeypatch.setattr(step_cost, "build_network", build)
    taken = []
    for name, seconds in {"finetune": 2.0, "sdkd": 2.5, "gem": 8.0}.items():
        monkeypatch.setattr(step_cost.STRATEGIES[name], "train_step", _step(name, seconds, taken))
    monkeypatch.setattr(step_cost.time, "perf_counter", lambda: sum(seconds for _, seconds in taken))
    monkeypatch.setattr(step_cost.tf, "function", lambda step, autograph: step)
    found = step_cost.measure(["finetune", "sdkd", "gem"], 32, 3, 4, rounds=3)
    assert {name: ratio for name, (ratio, _) in found.items()} == {"finetune": 1.0, "sdkd": 1.25, "gem": 4.0}
    assert [name for name, _ in taken[-9:]] == ["finetune", "sdkd", "gem"] * 3


def _step(name, seconds, taken):
    def train_step(self, batch):
        assert batch["image"].shape[0] == 4
        if name == "gem":
            assert self.memory["label"].numpy().shape == (11, 16)  # as in the last of twelve tasks
        if name == "sdkd":
            assert self.has_teacher
        taken.append((name, seconds))
        return {"loss": step_cost.tf.constant(0.0)}

    return train_step


def test_bad_strategies():
    with pytest.raises(UserError, match="--strategies holds 'magic'; expected some of sdkd, finetune"):
        step_cost.measure(["magic"], 32, 0, 4, 1)
    with pytest.raises(UserError, match="--strategies lacks finetune"):
        step_cost.measure(["sdkd"], 32, 0, 4, 1)
