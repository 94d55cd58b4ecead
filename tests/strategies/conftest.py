"""A network with maps and a few thousand weights, and runs of it over two small tasks."""

import contextlib

import numpy as np
import pytest

from sdkd_tf import training
from sdkd_tf.config import make_config
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.run import Run
from tests import tiny_run


@contextlib.contextmanager
def tiny_runs():
    """Within it, `tiny` is an architecture, and runs draw no plots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", (tiny_run.TinyOptions, tiny_run.tiny_network))
        patch.setattr(training, "write_report", lambda run: None)
        yield patch


@pytest.fixture(scope="session")
def tiny_network():
    """A function (number of classes, TinyOptions) that builds the network."""
    return tiny_run.tiny_network


@pytest.fixture(scope="module")
def tiny_architecture():
    """Sees that all tests of a module run within `tiny_runs`."""
    with tiny_runs():
        yield


@pytest.fixture(scope="session")
def train(write_sequence, tmp_path_factory):
    """A function (strategy, options) -> (results, final weights) of a run over two tasks."""
    data = write_sequence(tmp_path_factory.mktemp("data"))
    root = tmp_path_factory.mktemp("runs")
    settings = {
        "epochs": 2,
        "first_task_epochs": 2,
        "batch_size": 4,
        "min_steps": 1,
        "learning_rate": 0.01,
        "architecture": "tiny",
    }

    def call(strategy, **options):
        run_dir = root / str(len(list(root.iterdir())))
        places = {"run_dir": str(run_dir), "data_dir": str(data)}
        with tiny_runs() as patch:
            patch.setattr(training, "gallery", lambda tasks, size: np.zeros((1, size, size, 3), np.uint8))
            results = training.train(make_config(strategy=strategy, **places, **{**settings, **options}))
            weights = Run(run_dir).network().get_weights()
        return results, np.concatenate([w.ravel() for w in weights])

    return call
