"""The heads of the examples, head.js in Chromium and Head.kt on the Java VM, against that of Python."""

import dataclasses
import json
import pathlib
import subprocess

import numpy as np
import pytest
from playwright.sync_api import Error
from scipy.special import softmax

from sdkd_tf.deploy.head import Head, head_beside
from sdkd_tf.strategies.discriminant import ClassStatistics
from tests.device.kotlin import run_java

WEB = pathlib.Path(__file__).parents[2] / "examples" / "web"
IN_BROWSER = """async ({head, images, taught, labels}) => {
  const {Head} = await import('./head.js');
  const known = new Head(head);
  const decisions = () => images.map(image => known.classify(Float32Array.from(image)));
  const before = decisions();
  const start = performance.now();
  known.add(taught.map(embedding => Float32Array.from(embedding)), labels);
  return {milliseconds: performance.now() - start, before, after: decisions(), head: JSON.parse(JSON.stringify(known))};
}"""


@pytest.fixture(scope="module")
def page(browser, serve):
    page = browser.new_page()
    page.goto(serve(WEB) + "style.css")  # any page of the same origin
    return page


@pytest.fixture(params=["head.js", "Head.kt"])
def port(request):
    """A function that teaches a head, in the browser or on the Java VM, as jvm/Teach.kt describes."""
    if request.param == "head.js":
        page = request.getfixturevalue("page")
        return lambda case: page.evaluate(IN_BROWSER, case)
    classes = request.getfixturevalue("android_classes")
    return lambda case: json.loads(run_java(classes, "Teach", json.dumps(case).encode()))


@dataclasses.dataclass
class Case:
    """A head, images of its classes and of two others, and what it is taught: these two, and more of the first."""

    head: Head
    images: np.ndarray
    taught: np.ndarray
    labels: list[str]

    def as_json(self, tmp_path):
        self.head.write(tmp_path / "head.json")
        stored = json.loads((tmp_path / "head.json").read_text())
        return {"head": stored, "images": self.images.tolist(), "taught": self.taught.tolist(), "labels": self.labels}


def random_case(classes, size, unseen=False):
    """Gaussian classes with a common covariance. With `unseen`, the head has one more class, without images."""
    rng = np.random.default_rng(size)
    mixing = rng.normal(size=(size, size)) / np.sqrt(size) * np.exp(-3 * np.arange(size) / size)  # scales differ
    means = 5 + 3 * rng.normal(size=(classes + 2, size)) @ mixing

    def images(label, count):
        return (means[label] + rng.normal(size=(count, size)) @ mixing).astype(np.float32)

    statistics = ClassStatistics(classes + unseen, size)
    for label in range(classes):
        statistics.add(images(label, 30), np.full(30, label))
    statistics.measure_reach(np.concatenate([images(label, 10) for label in range(classes)]))
    names = [f"ball {number}" for number in range(classes)] + ["café"] * unseen
    shown = np.concatenate([images(label, 3) for label in range(classes + 2)])
    taught = np.concatenate([images(classes, 8), images(0, 5), images(classes + 1, 8)])
    return Case(Head(names, statistics), shown, taught, ["杯子"] * 8 + names[:1] * 5 + ["a b"] * 8)


@pytest.mark.parametrize("classes, size, unseen", [(6, 40, False), (6, 40, True), (6, 4, False), (20, 448, False)])
def test_it_decides_and_learns_as_in_python(port, tmp_path, classes, size, unseen):
    case = random_case(classes, size, unseen)
    found = port(case.as_json(tmp_path))
    taught = case.head.taught(case.taught, case.labels)
    for head, decisions in ((case.head, found["before"]), (taught, found["after"])):
        kernel, bias = head.statistics.discriminant()
        expected, distances = softmax(case.images @ kernel + bias, axis=1), head.statistics.distances(case.images)
        np.testing.assert_allclose([decision["probabilities"] for decision in decisions], expected, atol=1e-4)
        np.testing.assert_allclose([decision["distance"] for decision in decisions], distances, rtol=1e-5, atol=1e-5)
        known = [decision["known"] for decision in decisions]
        np.testing.assert_array_equal(known, distances <= head.statistics.reach.numpy()[0])
        assert known[-1] == head(case.images[-1]).known and np.mean(known[:3]) > 0.5
    new = [np.mean([decision["known"] for decision in found[when][-6:]]) for when in ("before", "after")]
    assert size == 4 or (new[0] == 0 and new[1] > 0.5)  # in four dimensions, everything is alike

    (tmp_path / "head.json").write_text(json.dumps(found["head"]))
    read = head_beside(tmp_path / "model.tflite")
    assert read.labels == taught.labels and read.labels[-2:] == ["杯子", "a b"]
    for own, other in zip(read.statistics.variables, taught.statistics.variables, strict=True):
        np.testing.assert_allclose(own.numpy(), other.numpy(), rtol=1e-5, atol=1e-5 * np.abs(other.numpy()).max())


def test_learning_takes_less_than_half_a_second_in_the_browser(page, tmp_path):
    case = random_case(50, 448).as_json(tmp_path)
    assert min(page.evaluate(IN_BROWSER, case)["milliseconds"] for _ in range(3)) < 500


def test_what_convert_did_not_write_is_refused(port, tmp_path):
    case = random_case(6, 4).as_json(tmp_path)
    stored = case["head"]
    for change in ({"counts": [1]}, {"means": stored["means"][:-8]}, {"scatter": stored["means"]}, {"labels": []}):
        with pytest.raises((Error, subprocess.CalledProcessError)):
            port({**case, "head": {**stored, **change}})
