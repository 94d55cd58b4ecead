"""`sdkd teach` adds the photos of each folder to head.json."""

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from sdkd_tf.commands import teach
from sdkd_tf.deploy.head import Head, head_beside
from sdkd_tf.deploy.tflite import Prediction
from sdkd_tf.errors import UserError
from sdkd_tf.strategies.discriminant import ClassStatistics


class FakeClassifier:
    """The embedding of an image is its mean color."""

    input_size, embedding_size = 32, 3

    def __init__(self, *_):
        pass

    def __call__(self, image):
        return Prediction(np.ones(2) / 2, None, image.mean(axis=(0, 1)).astype(np.float32))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function that teaches from a folder and returns the printed lines; the head knows `dark` and `light`."""
    statistics = ClassStatistics(2, 3)
    statistics.add(np.array([[0.0, 0, 0], [9, 9, 9], [240, 240, 240], [255, 255, 255]]), np.array([0, 0, 1, 1]))
    Head(["dark", "light"], statistics).write(tmp_path / "head.json")
    monkeypatch.setattr(teach, "Classifier", FakeClassifier)
    if "threads" not in flags.FLAGS:
        teach.define_flags("sdkd")
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()

    def run(*arguments):
        with flagsaver.flagsaver(model=str(tmp_path / "m.tflite")):
            teach.main([str(argument) for argument in arguments])
        return capsys.readouterr().out.splitlines()

    return run


def photos(directory, **colors):
    """Square photos of one color: name of a class -> list of colors."""
    for name, values in colors.items():
        (directory / name).mkdir(parents=True)
        for number, color in enumerate(values):
            Image.new("RGB", (40, 40), color).save(directory / name / f"{number}.png")
    return directory


def test_new_classes_are_learned_and_known_ones_corrected(run, tmp_path):
    folder = photos(tmp_path / "photos", red=[(200, 0, 0), (220, 0, 0)], dark=[(30, 30, 30)])
    assert run(folder) == ["dark: 1 photos, corrected", "red: 2 photos, new"]
    head = head_beside(tmp_path / "m.tflite")
    assert head.labels == ["dark", "light", "red"]
    np.testing.assert_array_equal(head.statistics.counts, [3, 2, 2])
    np.testing.assert_allclose(head.statistics.means, [[13] * 3, [247.5] * 3, [210, 0, 0]], atol=1e-4)
    assert head.labels[head(np.array([190.0, 10, 10])).probabilities.argmax()] == "red"


def test_names_that_differ_in_case_mean_the_known_class(run, tmp_path):
    assert run(photos(tmp_path / "photos", Dark=[(30, 30, 30)])) == ["dark: 1 photos, corrected"]
    assert head_beside(tmp_path / "m.tflite").labels == ["dark", "light"]


def test_what_cannot_be_taught_changes_nothing(run, tmp_path):
    before = (tmp_path / "head.json").read_bytes()
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged" / "cup").mkdir(parents=True)
    (tmp_path / "damaged" / "cup" / "1.jpg").write_bytes(b"no image")
    for arguments, message in (
        ([], "no argument: expected a folder with a folder of photos per class"),
        ([tmp_path / "head.json"], "head.json: expected a folder with a folder"),
        ([tmp_path / "empty"], "empty: has no folders; expected one folder of photos per class"),
        ([tmp_path / "damaged"], "1.jpg"),
    ):
        with pytest.raises(UserError, match=message) as error:
            run(*arguments)
        assert "\n" not in str(error.value)
    assert (tmp_path / "head.json").read_bytes() == before


def test_a_file_without_a_head_is_refused(run, tmp_path):
    folder = photos(tmp_path / "photos", red=[(200, 0, 0)])
    (tmp_path / "head.json").unlink()
    with pytest.raises(UserError, match="m.tflite: has no head.json that fits next to it"):
        run(folder)


def test_folders_of_the_system_are_not_classes(run, tmp_path):
    folder = photos(tmp_path / "photos", red=[(200, 0, 0)], __MACOSX=[])
    photos(folder / "@eaDir", thumbnails=[(0, 0, 0)])
    assert run(folder) == ["red: 1 photos, new"]
