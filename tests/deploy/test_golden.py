"""A golden directory agrees with the file that wrote it, and with nothing that was altered."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image, ImageCms

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.deploy import golden as golden_module
from sdkd_tf.deploy.golden import verify, write_golden
from sdkd_tf.deploy.tflite import Prediction
from sdkd_tf.errors import UserError


@pytest.fixture
def golden(models, photo, labels, tmp_path):
    write_golden(tmp_path, models / "net.tflite", [photo], labels)
    return tmp_path


def expected_of(golden):
    return json.loads((golden / "expected.json").read_text())


def change(golden, image, **values):
    expected = expected_of(golden)
    expected[image].update(values)
    (golden / "expected.json").write_text(json.dumps(expected))


def test_both_files_give_the_golden_answers(models, labels, golden):
    expected = expected_of(golden)
    for image, bytes_ in (("image", "input"), ("image_large", "input_large")):
        pixels = letterbox(open_image(golden / f"{image}.png"), 64)
        assert (golden / f"{bytes_}.bin").read_bytes() == pixels.tobytes()
        assert expected[image]["label"] == labels[int(np.argmax(expected[image]["probabilities"]))]
        assert np.shape(expected[image]["saliency"]) == (4, 4)
    full, classifier = (verify(models / f"{name}.tflite", golden) for name in ("net", "net_classifier"))
    assert full == [
        f"labels {expected['image']['label']}, {expected['image_large']['label']}: equal",
        "probabilities: largest difference 0.0000",
        "saliency: largest difference 0.0000",
    ]
    assert classifier == full[:2]


def test_one_image_is_small_and_one_as_large_as_a_phones(models, labels, tmp_path):
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (1200, 900), "olive").save(
        path, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    )
    (tmp_path / "golden").mkdir()
    write_golden(tmp_path / "golden", models / "net.tflite", [path], labels)
    small, large = (Image.open(tmp_path / "golden" / f"{name}.png") for name in ("image", "image_large"))
    assert small.size == (512, 384) and large.size == (2048, 1536)
    assert "icc_profile" not in small.info and "icc_profile" not in large.info


def mean_difference(golden, filter):
    """Of the large image scaled with another filter, and what is allowed."""
    with Image.open(golden / "image_large.png") as image:
        scaled = letterbox(image, 64, filter).astype(int)
    pixels = np.frombuffer((golden / "input_large.bin").read_bytes(), np.uint8).reshape(64, 64, 3)
    return np.abs(scaled - pixels).mean(), expected_of(golden)["image_large"]["pixel_tolerance"]


def test_filters_that_average_pass_and_picking_pixels_does_not(models, labels, tmp_path):
    x, y = np.meshgrid(np.arange(120), np.arange(90))
    waves = 128 + 100 * np.sin(np.stack([x / 9, y / 7, (x + y) / 11], axis=-1))
    Image.fromarray(waves.astype(np.uint8)).save(tmp_path / "photo.png")
    write_golden(tmp_path, models / "net.tflite", [tmp_path / "photo.png"], labels)
    for filter in (Image.Resampling.BOX, Image.Resampling.HAMMING, Image.Resampling.BICUBIC):
        found, allowed = mean_difference(tmp_path, filter)
        assert found < allowed
    found, allowed = mean_difference(tmp_path, Image.Resampling.NEAREST)
    assert found > 5 * allowed


class FakeClassifier:
    """Answers by the brightness of the image; kernels other than the first add to the first probability."""

    input_size = 8
    answers = {50: ((0.45, 0.55), 0.01), 100: ((0.9, 0.1), 0.05), 150: ((0.95, 0.05), 0.02), 200: ((0.1, 0.9), 0.2)}

    def __init__(self, path, kernels=None):
        self.other = kernels is not None

    def __call__(self, pixels):
        nearest = min(self.answers, key=lambda brightness: abs(brightness - int(np.median(pixels))))
        probabilities, difference = self.answers[nearest]
        return Prediction(np.array(probabilities) + self.other * np.array([difference, 0]), np.zeros((2, 2)))


def test_images_on_which_kernels_agree_are_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(golden_module, "Classifier", FakeClassifier)
    for brightness in FakeClassifier.answers:
        Image.new("RGB", (8, 8), (brightness,) * 3).save(tmp_path / f"{brightness}.png")
    images = sorted(tmp_path.glob("*.png"))
    (tmp_path / "golden").mkdir()
    write_golden(tmp_path / "golden", "net.tflite", images, ["a", "b"])
    expected = expected_of(tmp_path / "golden")
    assert (expected["image"]["label"], expected["image_large"]["label"]) == ("a", "b")
    # 50 has the smallest difference, but another kernel may turn its label; of label b that leaves 200
    assert open_image(tmp_path / "golden" / "image.png").getpixel((0, 0)) == (150, 150, 150)
    assert expected["image"]["tolerance"] == pytest.approx(0.02 + 32 / 256)
    assert expected["image_large"]["tolerance"] == pytest.approx(0.2 + 32 / 256)


def test_an_image_of_another_label_that_other_kernels_change_is_not_taken(monkeypatch, tmp_path):
    """150 and 100 are of label a; the only one of label b, 50, is closer than the tolerance."""
    answers = {name: FakeClassifier.answers[name] for name in (50, 100, 150)}
    monkeypatch.setattr(FakeClassifier, "answers", answers)
    monkeypatch.setattr(golden_module, "Classifier", FakeClassifier)
    for brightness in answers:
        Image.new("RGB", (8, 8), (brightness,) * 3).save(tmp_path / f"{brightness}.png")
    (tmp_path / "golden").mkdir()
    write_golden(tmp_path / "golden", "net.tflite", sorted(tmp_path.glob("*.png")), ["a", "b"])
    expected = expected_of(tmp_path / "golden")
    assert [expected[name]["label"] for name in ("image", "image_large")] == ["a", "a"]


def test_if_all_images_have_one_label_the_two_best_are_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(golden_module, "Classifier", FakeClassifier)
    for brightness in FakeClassifier.answers:
        Image.new("RGB", (8, 8), (brightness,) * 3).save(tmp_path / f"{brightness}.png")
    (tmp_path / "golden").mkdir()
    write_golden(tmp_path / "golden", "net.tflite", sorted(tmp_path.glob("*.png")), ["a", "a"])
    expected = expected_of(tmp_path / "golden")
    tolerances = [expected[name]["tolerance"] - 32 / 256 for name in ("image", "image_large")]
    assert tolerances == pytest.approx([0.02, 0.05])


def test_another_answer_is_found(models, labels, golden):
    change(golden, "image", tolerance=0.0625)
    saliency = np.array(expected_of(golden)["image"]["saliency"])
    saliency[2, 3] += 0.1
    change(golden, "image", saliency=saliency.tolist())
    with pytest.raises(UserError, match=r"saliency of image.png differs by 0\.1000; expected at most 0\.0625"):
        verify(models / "net.tflite", golden)
    label = expected_of(golden)["image_large"]["label"]
    other = next(name for name in labels if name != label)
    change(golden, "image", saliency=(saliency - 0.1).tolist(), tolerance=0.2)
    change(golden, "image_large", label=other)
    with pytest.raises(UserError, match=f"predicts {label} for image_large.png; expected {other}"):
        verify(models / "net.tflite", golden)


def test_an_answer_that_is_not_finite_is_found(models, golden, monkeypatch):
    classifier = golden_module.Classifier(models / "net.tflite")
    answer = classifier(np.zeros((64, 64, 3), np.uint8))
    classifier_class = type("Broken", (), {"input_size": 64, "num_classes": 3, "__init__": lambda self, path: None})
    label = expected_of(golden)["image"]["label"]
    one_hot = np.eye(3)[expected_of(golden)["labels"].index(label)]
    broken = Prediction(one_hot, np.full_like(answer.saliency, np.nan))
    classifier_class.__call__ = lambda self, pixels: broken
    change(golden, "image", probabilities=one_hot.tolist())
    monkeypatch.setattr(golden_module, "Classifier", classifier_class)
    with pytest.raises(UserError, match="saliency of image.png differs by nan"):
        verify(models / "net.tflite", golden)


def test_a_directory_that_does_not_fit_is_refused(models, labels, golden):
    expected = expected_of(golden)
    few = {"label": labels[0], "probabilities": [0.5, 0.5]}
    (golden / "expected.json").write_text(json.dumps({**expected, "labels": labels[:2]}))
    change(golden, "image", **few)
    change(golden, "image_large", **few)
    with pytest.raises(UserError, match="is for 64 pixels and 2 classes; .* has 64 and 3"):
        verify(models / "net.tflite", golden)
    (golden / "input_large.bin").write_bytes(b"short")
    with pytest.raises(UserError, match="its files are inconsistent"):
        verify(models / "net.tflite", golden)
    (golden / "expected.json").write_text("{}")
    with pytest.raises(UserError, match="expected.json: cannot be read"):
        verify(models / "net.tflite", golden)
    (golden / "image_large.png").unlink()
    with pytest.raises(UserError, match="has no image_large.png"):
        verify(models / "net.tflite", golden)
    shutil.rmtree(golden)
    with pytest.raises(UserError, match="has no expected.json"):
        verify(models / "net.tflite", golden)


def test_another_scaling_of_an_image_is_found(models, golden):
    open_image(golden / "image_large.png").rotate(180).save(golden / "image_large.png")
    with pytest.raises(UserError, match="image_large.png, when scaled, differs from input_large.bin"):
        verify(models / "net.tflite", golden)
