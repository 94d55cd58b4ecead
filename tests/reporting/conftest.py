"""A run with an untrained network whose results are those of its data, written without training."""

import shutil

import numpy as np
import pytest
import tf_keras as keras

from sdkd_tf.config import make_config
from sdkd_tf.data.checks import fingerprint
from sdkd_tf.data.sequence import load_tasks
from sdkd_tf.evaluation.evaluate import evaluate_tasks, held_out, predictions
from sdkd_tf.evaluation.results import Results, TaskResult
from sdkd_tf.files import write_json, write_npz
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.model.weights import save_weights
from sdkd_tf.run import Run
from tests.tiny_run import TinyOptions, tiny_network


@pytest.fixture(scope="session")
def tiny_run_directory(write_sequence, tmp_path_factory):
    """The directory of a run over two tasks of three classes, with 5 test images each; `data` is beside it."""
    root = tmp_path_factory.mktemp("tiny")
    data = write_sequence(root / "data", classes=3, held_out=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", (TinyOptions, tiny_network))
        config = make_config("tiny", epochs=7, run_dir=root / "run", data_dir=data).completed(True)
    keras.utils.set_random_seed(3)
    network, sequence = tiny_network(3), load_tasks(config.data)
    scores = evaluate_tasks(predictions(network, held_out(sequence, 32)), sequence)
    tasks = [TaskResult(task.name, len(task.train), **scores, peak_memory_mb=1.0) for task in sequence.tasks]
    results = Results(list(sequence.classes), fingerprint(sequence), {}, 7, None, tasks, test_images=30)
    (root / "run").mkdir()
    Run(root / "run").start(config)
    save_weights(network, root / "run" / "weights.npz")
    write_npz(root / "run" / "saliency.npz", images=np.zeros((2, 32, 32, 3), np.uint8), maps=np.ones((2, 2, 2, 2, 1)))
    write_json(root / "run" / "results.json", results)
    return root


@pytest.fixture
def tiny_run(tiny_run_directory, tmp_path, monkeypatch):
    """A copy of that run. Its data are in `../data`, where the copy expects them."""
    monkeypatch.setitem(ARCHITECTURES, "tiny", (TinyOptions, tiny_network))
    shutil.copytree(tiny_run_directory, tmp_path / "tiny")
    run = Run(tmp_path / "tiny" / "run")
    for name in ("config.json", "flags.flags"):
        path = run.directory / name
        path.write_text(path.read_text().replace(str(tiny_run_directory), str(tmp_path / "tiny")))
    return run
