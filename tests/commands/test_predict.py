import pathlib
import subprocess
import sys

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from sdkd_tf.commands import predict
from sdkd_tf.commands.predict import find_images, overlay_names
from sdkd_tf.deploy.tflite import Prediction
from sdkd_tf.errors import UserError
from sdkd_tf.reporting.overlay import draw


class FakeClassifier:
    """Gives three equal probabilities, and 0 for a fourth class."""

    num_classes, input_size, has_saliency = 4, 32, True

    def __init__(self, *_):
        pass

    def __call__(self, image):
        assert image.shape == (32, 32, 3)
        return Prediction(np.array([0, 1, 1, 1]) / 3, np.ones((2, 2)))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function that runs the command and returns its lines."""
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\n")
    monkeypatch.setattr(predict, "Classifier", FakeClassifier)
    if "overlay_dir" not in flags.FLAGS:
        predict.define_flags("sdkd")
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()

    def run(*arguments, **given):
        with flagsaver.flagsaver(model=str(tmp_path / "m.tflite"), **given):
            predict.main([str(argument) for argument in arguments])
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def photos(tmp_path):
    names = ("10.jpg", "9.JPG", "b/1.png", "b/.1.png", "b/@eaDir/1.png", "b/notes.txt")
    for name in names:
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 4)).save(tmp_path / "photos" / name, "PNG")
    return tmp_path / "photos"


def test_the_first_of_equal_probabilities_wins(run, photos):
    assert run(photos / "10.jpg", top_k=2) == [f"{photos}/10.jpg: b 0.333, c 0.333"]


def test_folders_are_walked_in_natural_order(run, photos):
    assert find_images([str(photos / "b"), str(photos)]) == [
        photos / name for name in ("b/1.png", "9.JPG", "10.jpg", "b/1.png")
    ]
    assert [line.split(":")[0] for line in run(photos, photos / "10.jpg")] == [
        f"{photos}/{name}" for name in ("9.JPG", "10.jpg", "b/1.png", "10.jpg")
    ]


def test_a_folder_without_images_is_told(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(UserError, match=f"^{tmp_path}: holds no images; expected .*.jpg"):
        find_images([str(tmp_path)])


def test_nothing_is_written_if_a_name_is_wrong(run, photos, tmp_path):
    (photos / "c.jpg").write_text("no image")
    with pytest.raises(UserError, match="c.jpg: cannot be read"):
        run(photos, overlay_dir=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_damaged_image_does_not_keep_the_others_from_their_labels(run, photos, tmp_path, capsys):
    Image.effect_noise((64, 64), 50).save(photos / "a.jpg")
    (photos / "a.jpg").write_bytes((photos / "a.jpg").read_bytes()[:-500])
    with pytest.raises(UserError, match="a.jpg: cannot be read .image file is truncated"):
        run(photos, overlay_dir=str(tmp_path / "out"))
    assert len(capsys.readouterr().out.splitlines()) == 6 and len(list((tmp_path / "out").iterdir())) == 3


def test_images_of_one_name_in_several_folders_get_names_of_their_own():
    paths = [pathlib.Path(p) for p in ("/data/task1/mug_01/000.jpg", "/data/task5/mug_01/000.jpg", "/data/task5/a.png")]
    assert overlay_names(paths) == [
        "task1_mug_01_000_jpg_saliency.png",
        "task5_mug_01_000_jpg_saliency.png",
        "task5_a_png_saliency.png",
    ]
    assert len(set(overlay_names([pathlib.Path("/d/a.jpg"), pathlib.Path("/d/a.png")]))) == 2
    assert overlay_names(paths[:1]) == ["000_jpg_saliency.png"]


def test_the_overlay_has_the_images_size_and_darkens_what_is_not_salient():
    image = Image.new("RGB", (40, 20), (200, 200, 200))
    drawn = np.asarray(draw(image, np.array([[0.0, 1.0], [0.0, 1.0]])))
    assert drawn.shape == (20, 40, 3)
    np.testing.assert_allclose(drawn[10, 39], 200, atol=2)
    np.testing.assert_allclose(drawn[10, 0], [50, 50, 120], atol=2)


def test_the_overlay_of_a_large_photo_shows_the_same():
    saliency = np.random.default_rng(0).random((14, 14))
    small, large = (draw(Image.new("RGB", size, (200, 200, 200)), saliency) for size in ((750, 1000), (1500, 2000)))
    difference = np.asarray(large.resize(small.size, Image.Resampling.BOX), int) - np.asarray(small)
    assert np.abs(difference).max() <= 3


MEMORY = """
import resource, sys
from sdkd_tf.commands import predict
from tests.commands.test_predict import FakeClassifier
predict.Classifier = FakeClassifier
from absl import flags
predict.define_flags("sdkd")
flags.FLAGS(["sdkd", f"--model={sys.argv[1]}/m.tflite"])
predict.main(sys.argv[2:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\n")
    Image.new("RGB", (3000, 2000)).save(tmp_path / "a.png")  # 24 MB
    peaks = []
    for count in (1, 12):
        command = [sys.executable, "-c", MEMORY, str(tmp_path), *count * [str(tmp_path / "a.png")]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.splitlines()[-1]))
    assert peaks[1] - peaks[0] < 60
