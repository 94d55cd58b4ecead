"""What a finished run says of its data and of its FC layer; its files are written here, without training."""

import numpy as np
import pytest

from sdkd_tf.config import make_config
from sdkd_tf.data.checks import fingerprint
from sdkd_tf.data.sequence import load_tasks
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.results import Results, Scores, TaskResult
from sdkd_tf.files import write_json, write_npz
from sdkd_tf.run import Run


@pytest.fixture
def run(write_sequence, tmp_path):
    """A run on one task, whose statistics are of two classes and embeddings of length 3."""
    config = make_config(data_dir=str(write_sequence(tmp_path / "data", tasks=1)))
    sequence, scores = load_tasks(config.data), Scores([0.5], [None])
    results = Results(list(sequence.classes), fingerprint(sequence), {}, 7)
    results.tasks.append(TaskResult("task1", validation=scores, test=scores))
    (tmp_path / "run").mkdir()
    write_json(tmp_path / "run" / "config.json", config)
    write_json(tmp_path / "run" / "results.json", results)
    write_npz(
        tmp_path / "run" / "kept.npz", counts=np.ones(2), means=np.ones((2, 3)), scatter=np.eye(3), reach=np.ones(2)
    )
    return Run(tmp_path / "run")


def test_a_listed_image_that_is_no_longer_there_is_one_line(run, monkeypatch):
    assert len(run.tasks().tasks) == 1

    def gone(sequence):
        raise FileNotFoundError(2, "No such file or directory", "photos/1.jpg")

    monkeypatch.setattr("sdkd_tf.run.fingerprint", gone)
    with pytest.raises(
        UserError, match=r"^photos/1.jpg: cannot be read \(No such file or directory\); expected an image"
    ):
        run.tasks()


@pytest.mark.parametrize("fc, has", [("closed_form", True), ("nearest_mean", False), ("trained", False)])
def test_only_a_closed_form_fc_layer_has_statistics_to_classify_with(run, fc, has):
    write_json(run.directory / "config.json", make_config(fc=fc))
    assert (run.statistics() is not None) == has
