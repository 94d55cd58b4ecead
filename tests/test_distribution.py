"""A run on two replicas: it learns what one process learns, and a lost worker ends it until all are started again."""

import contextlib
import gc
import json
import multiprocessing.pool
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import types
import weakref

import numpy as np
import pytest
import tensorflow as tf

from sdkd_tf import training
from sdkd_tf.config import make_config
from sdkd_tf.deploy.child import die_with_parent
from sdkd_tf.distribution import lost_worker_as_user_error, make_strategy
from sdkd_tf.errors import UserError
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.run import Run
from tests.tiny_run import TinyOptions, tiny_network

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def settings(write_sequence, tmp_path_factory):
    """Of a run over two tasks, with a teacher in the second; half of the images have no mask."""
    data = write_sequence(tmp_path_factory.mktemp("data"))
    for mask in data.glob("masks/train/*/*/00[02].png"):
        mask.unlink()
    lengths = {"epochs": 2, "first_task_epochs": 2, "batch_size": 4, "min_steps": 1}
    return {"data_dir": str(data), "normalized": True, "learning_rate": 0.01, **lengths}


@contextlib.contextmanager
def started(environments=({},), **settings):
    """The processes of a run, one for each dict of environment variables; none outlives the block."""
    command = [sys.executable, "tests/tiny_run.py", json.dumps(settings)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with contextlib.ExitStack() as stack:
        processes = []
        for variables in environments:
            environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
            process = subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=die_with_parent, **streams)
            processes.append(stack.enter_context(process))
            stack.callback(process.kill)
        yield processes


def finished(processes, run_dir):
    """(weights, results) of a run that ends without an error."""
    for process in processes:
        output = process.communicate(timeout=300)[0]
        assert process.returncode == 0, output
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", (TinyOptions, tiny_network))
        weights = Run(run_dir).network().get_weights()
    return np.concatenate([w.ravel() for w in weights]), Run(run_dir).results


def two_workers():
    """The environment of each of two workers on free ports of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        addresses = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in (first, second)]
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    return [{"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task})} for task in tasks]


@pytest.fixture(scope="module")
def alone(settings, tmp_path_factory):
    """(weights, results) of the run of a single process."""
    run_dir = tmp_path_factory.mktemp("alone") / "run"
    with started(run_dir=str(run_dir), **settings) as processes:
        return finished(processes, run_dir)


def assert_same(outcome, alone):
    np.testing.assert_allclose(outcome[0], alone[0], rtol=1e-5, atol=1e-4)
    for task, expected in zip(outcome[1].tasks, alone[1].tasks, strict=True):
        assert task.losses.keys() == expected.losses.keys()
        for name in expected.losses:
            np.testing.assert_allclose(task.losses[name], expected.losses[name], atol=1e-4, err_msg=name)


def test_two_devices_learn_what_one_learns(settings, alone, tmp_path):
    with started(run_dir=str(tmp_path / "run"), distribute="mirrored", **settings) as processes:
        assert_same(finished(processes, tmp_path / "run"), alone)
    assert alone[1].tasks[1].losses["soft_target"][1] > 1e-3  # there was a teacher


def test_two_workers_learn_what_one_process_learns(settings, alone, tmp_path):
    with started(two_workers(), run_dir=str(tmp_path / "run"), distribute="multi_worker", **settings) as processes:
        assert_same(finished(processes, tmp_path / "run"), alone)
    assert not (tmp_path / "run" / "progress").exists()


@pytest.mark.long
@pytest.mark.parametrize("victim", [0, 1])  # the chief is worker 0
def test_when_a_worker_is_killed_the_other_stops_and_both_resume_when_started_again(settings, alone, tmp_path, victim):
    run_dir = tmp_path / "run"
    command = {"run_dir": str(run_dir), "distribute": "multi_worker", **settings}
    with started(two_workers(), **command) as processes:
        while not list(run_dir.glob("progress/*.npz")):
            assert all(process.poll() is None for process in processes)
            time.sleep(0.05)
        processes[victim].send_signal(signal.SIGKILL)
        output = processes[1 - victim].communicate(timeout=60)[0]
    assert processes[1 - victim].returncode == 1
    assert output.endswith(
        "error: another worker was lost; run the same command on every worker to resume from the last finished epoch\n"
    )
    assert not Run(run_dir).finished
    with started(two_workers(), **command) as processes:
        assert_same(finished(processes, run_dir), alone)


def test_the_threads_of_a_reduction_that_failed_are_not_left_to_the_garbage_collector():
    pools = []

    def lost(_):
        raise tf.errors.UnavailableError(None, None, "gone")

    def reduce():  # as tf.distribute does
        pool = multiprocessing.pool.ThreadPool(1)
        pools.append(weakref.ref(pool))
        pool.map(lost, [0])

    gc.disable()
    try:
        with pytest.raises(UserError, match="^another worker was lost; "), lost_worker_as_user_error():
            reduce()
        assert pools[0]() is None
    finally:
        gc.enable()


def test_workers_with_other_options_stop(settings, tmp_path):
    first, second = two_workers()
    command = {"run_dir": str(tmp_path / "run"), "distribute": "multi_worker", **settings}
    with started([first], **command) as a, started([second], **{**command, "seed": 1}) as b:
        outputs = [process.communicate(timeout=120)[0] for process in (*a, *b)]
        assert any("error: the workers do not see the same run; expected the same flags" in text for text in outputs)
        assert all(process.returncode == 1 for process in (*a, *b))
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    "given",
    [
        None,
        "worker",
        "[]",
        '{"cluster": {"worker": ["localhost:2222"]}}',
        '{"cluster": {"worker": ["localhost:2222"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["localhost:2222"]}, "task": {"type": "worker", "index": -1}}',
        '{"cluster": {"worker": ["localhost"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["localhost:65536"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"ps": ["localhost:2222"]}, "task": {"type": "ps", "index": 0}}',
    ],
)
def test_a_tf_config_of_no_use(monkeypatch, given):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if given:
        monkeypatch.setenv("TF_CONFIG", given)
    with pytest.raises(UserError, match="variable TF_CONFIG is .*; expected something like") as error:
        make_strategy("multi_worker")
    assert "\n" not in str(error.value)


def test_a_port_that_is_taken(monkeypatch):
    with socket.create_server(("", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        config = {"cluster": {"worker": [address, "127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        with pytest.raises(UserError, match=f"cannot listen at {address} \\(Address already in use\\)"):
            make_strategy("multi_worker")


@pytest.mark.parametrize(
    "changed, message",
    [
        (
            {"strategy": "gem"},
            "--strategy=gem does not work with --distribute=mirrored; expected one of sdkd, finetune",
        ),
        ({"batch_size": 6}, "--batch_size=6: expected a multiple of 4, twice the number of replicas"),
    ],
)
def test_what_cannot_be_distributed_is_refused(monkeypatch, tmp_path, changed, message):
    monkeypatch.setattr(training, "make_strategy", lambda name: types.SimpleNamespace(num_replicas_in_sync=2))
    with pytest.raises(UserError, match=message):
        training.train(make_config(run_dir=str(tmp_path / "run"), distribute="mirrored", **changed))
    assert not (tmp_path / "run").exists()
