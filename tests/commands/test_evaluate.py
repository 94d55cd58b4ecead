"""`sdkd evaluate` on other folders: all of their images, with labels of the network's classes."""

from types import SimpleNamespace

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from sdkd_tf.commands import evaluate
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import load_tasks
from sdkd_tf.deploy.recognizer import Answer
from sdkd_tf.errors import UserError


class FakeRecognizer:
    """Recognizes `light` in bright images and `dark` in others; black ones are unknown."""

    labels, input_size = ["dark", "light", "red"], 32

    def __init__(self, *_):
        pass

    def __call__(self, images):
        return [Answer(np.eye(3)[int(image.mean() > 127)], image.mean() > 0, None) for image in images]


class FakeRun:
    """A run whose data are in a folder, or load from any."""

    def __init__(self, data_dir="/elsewhere", loads=False, lineage=()):
        self.config = SimpleNamespace(data=SimpleNamespace(data_dir=data_dir))
        self.loads, self.runs = loads, lineage

    def lineage(self):
        return self.runs or [self]

    def tasks(self, data_dir):
        if not self.loads:
            raise UserError("other data")
        return [data_dir]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "Recognizer", FakeRecognizer)
    if "filelist" not in flags.FLAGS:
        evaluate.define_flags("sdkd")
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()

    def run(*arguments):
        with flagsaver.flagsaver(filelist=None):
            evaluate.main([str(argument) for argument in arguments])
        return [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]

    return run


def photos(root, **levels):
    """Square gray photos: class -> list of gray levels."""
    for name, values in levels.items():
        (root / name).mkdir(parents=True)
        for number, level in enumerate(values):
            Image.new("RGB", (40, 40), (level,) * 3).save(root / name / f"{number:02}.png")
    return root


def test_all_images_of_a_plain_folder_are_scored(run, tmp_path):
    """The split for training would use 20 of 24, and test on 7."""
    folder = photos(tmp_path / "kitchen", dark=[*range(20), 200, 200], light=[150, 160])
    *_, task, together = run(tmp_path / "m.tflite", folder)
    assert task[:3] == ["kitchen", "24", f"{22 / 24:.3f}"] and task[4] == f"{23 / 24:.3f}"
    assert together[1:] == task[1:]


def test_a_folder_with_unknown_classes_or_none_is_one_line(run, tmp_path):
    folder = photos(tmp_path / "photos", dark=[0, 1, 2], green=[5, 6, 7])
    with pytest.raises(
        UserError, match=r"classes that the network does not know \(green\); expected some of dark, light"
    ):
        run(tmp_path / "m.tflite", folder)
    with pytest.raises(UserError, match="m.tflite: a file does not say what it was trained on; expected a data folder"):
        run(tmp_path / "m.tflite")


def test_a_damaged_image_is_one_line_that_names_it(run, tmp_path):
    folder = photos(tmp_path / "photos", dark=[1, 2, 3], light=[200, 201, 202])
    (folder / "light" / "01.png").write_bytes((folder / "light" / "01.png").read_bytes()[:60])
    with pytest.raises(UserError, match="light/01.png") as error:
        run(tmp_path / "m.tflite", folder)
    assert "\n" not in str(error.value)


def test_tasks_without_images_are_left_out(run, tmp_path):
    folder = photos(tmp_path / "photos" / "full", dark=[1, 2, 3], light=[200, 201, 202]).parent
    photos(folder / "empty", dark=[])
    *_, task, together = run(tmp_path / "m.tflite", folder)
    assert task[:3] == ["full", "6", "1.000"] and together[1:] == task[1:]


def test_moved_data_of_a_run_are_not_new_images(run, tmp_path, monkeypatch):
    """Of those that it was trained on, only the test images count."""
    folder = photos(tmp_path / "photos", dark=[*range(10)], light=[*range(200, 210)])
    known = load_tasks(DataOptions(data_dir=str(folder)), known=FakeRecognizer.labels)
    (tmp_path / "run").mkdir()
    tested = len(known.tasks[0].test)
    for trained, images in ((FakeRun(loads=True), tested), (FakeRun(), 20)):
        monkeypatch.setattr(evaluate, "Run", lambda _, trained=trained: trained)
        *_, together = run(tmp_path / "run", folder)
        assert together[1] == str(images)
    assert 0 < tested < 10


@pytest.mark.parametrize("trained_on", [".", "kitchen", "kitchen/dark"])
def test_images_that_an_earlier_run_was_trained_on_are_not_new(run, tmp_path, monkeypatch, trained_on):
    """It was trained on the whole data of which the folder is a task, on the folder, or on a part of it."""
    folder = photos(tmp_path / "photos" / "kitchen", dark=[*range(10)], light=[*range(200, 210)])
    earlier = FakeRun(data_dir=str((tmp_path / "photos" / trained_on).resolve()))
    (tmp_path / "run").mkdir()
    for lineage, images in (([FakeRun(), earlier], "6"), ([FakeRun()], "20")):
        monkeypatch.setattr(evaluate, "Run", lambda _, lineage=lineage: FakeRun(lineage=lineage))
        *_, together = run(tmp_path / "run", folder)
        assert together[1] == images


def test_a_folder_without_labeled_images_is_one_line(run, tmp_path):
    photos(tmp_path / "photos" / "new" / "dark", monday=[1, 2, 3])
    photos(tmp_path / "photos" / "new" / "light", monday=[200, 201, 202])
    with pytest.raises(UserError) as error:
        run(tmp_path / "m.tflite", tmp_path / "photos")
    assert "\n" not in str(error.value) and "photos" in str(error.value)
