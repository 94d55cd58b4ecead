"""A golden directory agrees with the file that wrote it, and with nothing that was altered."""

import json
import shutil

import numpy as np
import pytest

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.deploy.golden import verify, write_golden
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.errors import UserError


@pytest.fixture
def golden(models, photo, labels, tmp_path):
    write_golden(tmp_path, "net.tflite", Classifier(models / "net.tflite"), photo, labels)
    return tmp_path


def test_both_files_give_the_golden_answer(models, photo, labels, golden):
    assert (golden / "input.bin").read_bytes() == letterbox(open_image(photo), 64).tobytes()
    expected = json.loads((golden / "expected.json").read_text())
    assert expected["label"] == labels[int(np.argmax(expected["probabilities"]))]
    assert np.shape(expected["saliency"]) == (4, 4)
    full, classifier = (verify(models / f"{name}.tflite", golden) for name in ("net", "net_classifier"))
    assert full[0] == classifier[0] == f"label {expected['label']}: equal"
    assert [line.split(":")[0] for line in full[1:]] == ["probabilities", "saliency"]
    assert [line.split(":")[0] for line in classifier[1:]] == ["probabilities"]


def change(golden, **values):
    expected = json.loads((golden / "expected.json").read_text())
    (golden / "expected.json").write_text(json.dumps({**expected, **values}))


def test_another_answer_is_found(models, labels, golden):
    expected = json.loads((golden / "expected.json").read_text())
    saliency = np.array(expected["saliency"])
    saliency[2, 3] += 0.1
    change(golden, saliency=saliency.tolist())
    with pytest.raises(UserError, match=r"saliency differs by 0\.1000; expected at most 0\.0156"):
        verify(models / "net.tflite", golden)
    other = next(label for label in labels if label != expected["label"])
    change(golden, label=other)
    with pytest.raises(UserError, match=f"answers {expected['label']}; expected {other}"):
        verify(models / "net.tflite", golden)


def test_a_directory_that_does_not_fit_is_refused(models, labels, golden):
    change(golden, labels=labels[:2], label=labels[0], probabilities=[0.5, 0.5])
    with pytest.raises(UserError, match="is for input 64 and 2 classes; .* has 64 and 3"):
        verify(models / "net.tflite", golden)
    (golden / "input.bin").write_bytes(b"short")
    with pytest.raises(UserError, match="its files do not fit each other"):
        verify(models / "net.tflite", golden)
    (golden / "expected.json").write_text("{}")
    with pytest.raises(UserError, match="expected.json: cannot be read .*missing required field `file`"):
        verify(models / "net.tflite", golden)
    shutil.rmtree(golden)
    with pytest.raises(UserError, match="has no image.png"):
        verify(models / "net.tflite", golden)


def test_another_scaling_of_the_image_is_found(models, golden, photo):
    open_image(photo).rotate(180).save(golden / "image.png")
    with pytest.raises(UserError, match="image.png scaled to 64 is not input.bin"):
        verify(models / "net.tflite", golden)
