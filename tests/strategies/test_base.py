"""The hooks of a Strategy: what each is called with, and when."""

import inspect

import numpy as np
import pytest

from sdkd_tf.data.task_data import TaskData
from sdkd_tf.strategies import STRATEGIES, Strategy

HOOKS = "begin_task", "training_batches", "end_task"


@pytest.fixture
def recorded(train, monkeypatch):
    """(results, calls) of a run over two tasks, with two epochs each, whose strategy records (hook, arguments)."""
    calls = []

    def recording(hook):
        def call(self, *arguments):
            calls.append((hook, arguments))
            returned = getattr(Strategy, hook)(self, *arguments)
            return {"calls": len(calls)} if hook == "begin_task" else returned

        return call

    kind = type("Recording", (Strategy,), {hook: recording(hook) for hook in HOOKS})
    monkeypatch.setitem(STRATEGIES, "recording", kind)
    results, _ = train("recording", batch_size=3, augmentation="light")
    return results, calls


def test_every_hook_gets_the_task_and_nothing_else(recorded):
    results, calls = recorded
    assert [hook for hook, _ in calls] == 2 * ["begin_task", "training_batches", "training_batches", "end_task"]
    assert all(len(arguments) == 1 and type(arguments[0]) is TaskData for _, arguments in calls)
    for index in range(2):
        for _, (task,) in calls[4 * index : 4 * index + 4]:
            assert (task.index, task.input_size, task.batch_size, task.augmentation) == (index, 32, 3, "light")
            assert len(task.examples) == 8 and task.steps == 3
            assert {example.image.parts[-3] for example in task.examples} == {f"task{index + 1}"}
            assert {example.image.parts[-4] for example in task.examples} == {"train"}
    assert [task.preparation for task in results.tasks] == [{"calls": 1}, {"calls": 5}]


def test_every_epoch_has_batches_of_its_own(recorded):
    tasks = [task for hook, (task,) in recorded[1] if hook == "training_batches"]
    assert len({task.seed for task in tasks}) == len(tasks) == 4
    first, second, again = ([batch["image"].numpy() for batch in task.augmented()] for task in (*tasks[:2], tasks[0]))
    assert [len(images) for images in first] == [3, 3, 3]
    np.testing.assert_array_equal(np.stack(first), np.stack(again))
    assert np.abs(np.stack(first) - np.stack(second)).max() > 0.1


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_hooks_of_every_strategy_take_a_task(strategy, hook):
    assert list(inspect.signature(getattr(STRATEGIES[strategy], hook)).parameters) == ["self", "task"]
