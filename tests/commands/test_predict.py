import json
import subprocess
import sys

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from sdkd_tf.commands import predict
from sdkd_tf.data import videos
from sdkd_tf.deploy import recognizer
from sdkd_tf.deploy.head import Head
from sdkd_tf.deploy.tflite import Prediction
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.reporting.overlay import draw
from sdkd_tf.strategies.discriminant import ClassStatistics


class FakeClassifier:
    """Gives three equal probabilities, and 0 for a fourth class."""

    num_classes, input_size = 4, 32

    def __init__(self, *_):
        pass

    def __call__(self, image):
        assert image.shape == (32, 32, 3)
        return Prediction(np.array([0, 1, 1, 1]) / 3, np.ones((2, 2)))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function that runs the command and returns its lines."""
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\n")
    monkeypatch.setattr(recognizer, "Classifier", FakeClassifier)
    if "out_dir" not in flags.FLAGS:
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
    for name, size in {"10.jpg": (8, 4), "9.JPG": (8, 4), "b/1.png": (6, 12)}.items():
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(tmp_path / "photos" / name, "PNG")
    return tmp_path / "photos"


def test_the_first_of_equal_probabilities_wins(run, photos):
    assert run(photos / "10.jpg", top_k=2) == [f"{photos}/10.jpg: b 0.333, c 0.333"]


def test_a_folder_gives_a_contact_sheet_and_a_json_file(run, photos, tmp_path):
    lines = run(photos, top_k=2, out_dir=str(tmp_path / "out"))
    names = [f"{photos}/{name}" for name in ("9.JPG", "10.jpg", "b/1.png")]
    assert [line.split(":")[0] for line in lines[:3]] == names
    assert lines[3] == f"wrote {tmp_path}/out/predictions.json and {tmp_path}/out/predictions.png"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["predictions.json", "predictions.png"]
    assert json.loads((tmp_path / "out/predictions.json").read_text()) == [
        {"path": name, "frame": None, "labels": ["b", "c"], "probabilities": [1 / 3, 1 / 3], "known": None}
        for name in names
    ]
    with Image.open(tmp_path / "out/predictions.png") as sheet:
        # One row: photo and overlay of 240 pixels side by side, as often as there are photos; three lines below.
        assert sheet.size == (16 + 3 * (2 * 244 + 16), 16 + 240 + 3 * 17 + 16)


def test_the_sheet_shows_the_first_of_many(run, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "_SHOWN", 2)
    lines = run(photos, out_dir=str(tmp_path / "out"))
    assert lines[-1].endswith("predictions.png (the first 2 of 3 images)")
    assert len(json.loads((tmp_path / "out/predictions.json").read_text())) == 3
    with Image.open(tmp_path / "out/predictions.png") as sheet:
        assert sheet.width == 16 + 2 * (2 * 244 + 16)


def test_with_a_head_an_image_unlike_the_classes_is_unknown(run, photos, tmp_path, monkeypatch):
    """The head knows embeddings near 0 and 9; it alone gives labels and probabilities."""
    statistics = ClassStatistics(2, 2)
    near = np.array([[0.0, 0], [0, 1], [1, 0], [9, 9], [9, 8], [8, 9]])
    statistics.add(near, np.repeat([0, 1], 3))
    statistics.measure_reach(near)
    Head(["low", "high"], statistics).write(tmp_path / "head.json")
    monkeypatch.setattr(FakeClassifier, "embedding_size", 2, raising=False)
    for embedding, expected in (([9, 9], "high 1.000"), ([90, -90], "unknown")):
        answer = Prediction(np.ones(4) / 4, np.ones((2, 2)), np.array(embedding, np.float32))
        monkeypatch.setattr(FakeClassifier, "__call__", lambda self, image, answer=answer: answer)
        (line,) = run(photos / "10.jpg", top_k=1)
        assert line.startswith(f"{photos}/10.jpg: {expected}")


def test_a_network_without_maps_has_photos_alone(run, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(FakeClassifier, "__call__", lambda self, image: Prediction(np.array([1, 0, 0, 0]), None))
    run(photos / "10.jpg", out_dir=str(tmp_path / "out"))
    with Image.open(tmp_path / "out/predictions.png") as sheet:
        assert sheet.width == 16 + 244 + 16


def test_a_video_has_a_row_for_every_nth_frame(run, tmp_path):
    cv2 = pytest.importorskip("cv2", reason="videos need OpenCV, the extra `video`")
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 32))
    for _ in range(9):
        writer.write(np.zeros((32, 64, 3), np.uint8))
    writer.release()
    lines = run(tmp_path / "a.avi", every=4, top_k=1, out_dir=str(tmp_path / "out"))
    assert lines[:3] == [f"{tmp_path}/a.avi, frame {number}: b 0.333" for number in (0, 4, 8)]
    assert [row["frame"] for row in json.loads((tmp_path / "out/predictions.json").read_text())] == [0, 4, 8]
    with Image.open(tmp_path / "out/predictions.png") as sheet:
        assert sheet.size == (16 + 2 * 244 + 16, 16 + 3 * (120 + 2 * 17 + 16))
    assert len(run(tmp_path / "a.avi", every=1, max_frames=5)) == 5


def test_ctrl_c_ends_the_camera_and_what_was_labeled_is_written(run, tmp_path, monkeypatch):
    def frames(source, every):
        yield 0, Image.new("RGB", (8, 8))
        yield every, Image.new("RGB", (8, 8))
        raise KeyboardInterrupt

    monkeypatch.setattr(videos, "frames", frames)
    monkeypatch.setattr(predict, "check", lambda sources: None)
    lines = run(camera=0, top_k=1, out_dir=str(tmp_path / "out"))
    assert lines[:2] == ["camera 0, frame 0: b 0.333", "camera 0, frame 30: b 0.333"]
    assert len(json.loads((tmp_path / "out/predictions.json").read_text())) == 2


def test_nothing_is_written_if_a_name_is_wrong(run, photos, tmp_path):
    (photos / "c.jpg").write_text("no image")
    with pytest.raises(UserError, match="c.jpg: cannot be read"):
        run(photos, out_dir=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_damaged_image_does_not_keep_the_others_from_their_labels(run, photos, tmp_path, capsys):
    Image.effect_noise((64, 64), 50).save(photos / "a.jpg")
    (photos / "a.jpg").write_bytes((photos / "a.jpg").read_bytes()[:-500])
    with pytest.raises(UserError, match="a.jpg: cannot be read .image file is truncated"):
        run(photos, out_dir=str(tmp_path / "out"))
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert len(json.loads((tmp_path / "out/predictions.json").read_text())) == 3


def test_bad_arguments_are_one_line(run, photos, tmp_path):
    with pytest.raises(UserError, match="^no image given; expected image files, folders of images, videos, or --cam"):
        run()
    with pytest.raises(SystemExit, match=f"^error: {photos}/9.JPG/x: cannot be .*Not a directory"), one_line_errors():
        run(photos, out_dir=f"{photos}/9.JPG/x")


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
from sdkd_tf.deploy import recognizer
from tests.commands.test_predict import FakeClassifier
recognizer.Classifier = FakeClassifier
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
