"""The report of a run: its numbers, its pictures, and what it says if images are few or gone."""

import base64
import dataclasses
import html.parser
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from sdkd_tf.deploy.report import Conversion, Latency, SplitReport
from sdkd_tf.evaluation.metrics import wilson_interval
from sdkd_tf.evaluation.results import EarlierTask, Results, Scores, TaskResult
from sdkd_tf.files import write_json
from sdkd_tf.reporting.html_report import headline, interval, percent, write_report
from tests.reporting.test_tables import finished

VOID = {"meta", "img", "br", "link"}


class Page(html.parser.HTMLParser):
    """The text of a page, and its pictures by their alternative texts; its tags must be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.words, self.pictures, self._open = [], {}, []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self._open.append(tag)
        if tag == "img":
            source = dict(attributes)["src"]
            assert re.match("data:image/(png|jpeg);base64,", source)
            image = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
            self.pictures.setdefault(dict(attributes)["alt"], []).append(image)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def page(run, **arguments):
    path, _ = write_report(run, **arguments)
    return Page(path.read_text(encoding="utf-8"))


def test_a_score_below_one_never_reads_100_percent():
    assert [percent(share) for share in (1, 0.99999, 0.8456, 0.57, 0)] == [
        f"{text}\xa0%" for text in ("100.0", "99.9", "84.5", "57.0", "0.0")
    ]
    assert interval((0.4902, 0.9433)) == "49 to 94\xa0%"


@pytest.mark.parametrize(
    "count, words",
    [
        (
            10,
            "This is a rough estimate, as from 10 test images of a single task.*between 49 and 94 %. Test on at least 50 images",
        ),
        (50, "^With 95 % confidence, the accuracy on new images like these is between 67 and 89 %.$"),
        (0, "^The number of test images is unknown"),
    ],
)
def test_the_headline_says_in_words_how_certain_it_is(count, words):
    scores = Scores([0.8], [None])
    results = Results(["a"], "", {}, 7, None, [TaskResult("t", validation=scores, test=scores)], test_images=count)
    assert re.search(words, headline(results)["words"]) and headline(results)["accuracy"] == 0.8


def test_the_report_holds_the_numbers_of_the_run(tiny_run):
    found, results = page(tiny_run), tiny_run.results
    accuracy = results.final_accuracy("test")
    assert (
        f"{percent(accuracy)} 95 % interval: {interval(wilson_interval(accuracy, 30))} of the test images".replace(
            "\xa0", " "
        )
        in found.text
    )
    wrong = round(30 * (1 - accuracy))
    assert 0 < wrong < 30 and f"{wrong} of 30 test images are labeled wrongly" in found.text
    assert f"The {min(20, wrong)} wrongly labeled test images" in found.text
    for name in ("thing_00", "thing_01", "thing_02"):  # training images of each class: 4 in each of 2 tasks
        assert f"{name} 4 4 8" in found.text and name in found.pictures
    assert "all training images 12 12 24" in found.text and "all test images 15 15 30" in found.text
    assert "--epochs is 7, not 4" in found.text and results.fingerprint in found.text
    assert "Guessing would reach 33.3 %" in found.text and "Not converted yet" in found.text


def test_the_linear_probe_is_left_out_if_it_cannot_know_all_classes(tiny_run, monkeypatch):
    """The run continues another, and its data lack a class, which the probe would never choose."""
    assert "a linear classifier on the features" in page(tiny_run).text
    sequence, tasks = tiny_run.tasks(), []
    for task in sequence.tasks:
        tasks.append(dataclasses.replace(task, train=tuple(e for e in task.train if e.label)))
    monkeypatch.setattr(tiny_run, "tasks", lambda data_dir: dataclasses.replace(sequence, tasks=tuple(tasks)))
    assert "a linear classifier" not in page(tiny_run).text


def test_a_mistake_has_its_photo_and_its_overlay(tiny_run):
    mistakes = {alt: pictures for alt, pictures in page(tiny_run).pictures.items() if alt.startswith("test/task")}
    assert len(mistakes) == min(20, round(30 * (1 - tiny_run.results.final_accuracy("test"))))
    for path, pictures in mistakes.items():
        assert [picture.size for picture in pictures] == [(174, 174)] * 2
        photo, overlay = (np.asarray(picture).mean(axis=(0, 1)) for picture in pictures)
        assert np.all(overlay[:2] < photo[:2])  # darker but for the blue
        original = np.asarray(Image.open(tiny_run.directory.parent / "data" / path))
        np.testing.assert_allclose(photo, original.mean(axis=(0, 1)), atol=3)


def test_nothing_is_loaded_from_elsewhere_and_names_are_escaped(tiny_run):
    data = tiny_run.directory.parent / "data"
    for folder in [*data.glob("*/*/thing_00"), *data.glob("masks/*/*/thing_00")]:
        folder.rename(folder.with_name("<b>&"))
    stored = json.loads((tiny_run.directory / "results.json").read_text())
    stored["classes"][0] = "<b>&"
    (tiny_run.directory / "results.json").write_text(json.dumps(stored))
    path, _ = write_report(tiny_run)
    text = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text and not re.search("https?://|<script|url\\(|@import", text)
    assert "<b>&" in Page(text).pictures and "&lt;b&gt;&amp;" in text


def test_without_the_data_it_says_so_and_leaves_their_parts_out(tiny_run):
    complete = page(tiny_run)
    shutil.move(tiny_run.directory.parent / "data", tiny_run.directory.parent / "moved")
    found = page(tiny_run)
    assert (
        "images or weights of this run are missing or have changed" in found.text and "no such directory" in found.text
    )
    assert "Confusion matrix" in complete.text and "Confusion matrix" not in found.text
    assert str(tiny_run.directory.parent) not in found.text and "data_dir data: no such" in found.text  # no whole path
    assert "Worst mistakes" not in found.text and "task1 unknown" in found.text and "task1 12 task2 12" in found.text
    assert page(tiny_run, data_dir=str(tiny_run.directory.parent / "moved")).text == complete.text


def test_forgetting_of_two_tasks_is_a_number(tiny_run):
    stored = json.loads((tiny_run.directory / "results.json").read_text())
    for task, accuracy in zip(stored["tasks"], ([0.75, 0.5], [0.5, 0.5])):
        task["test"]["accuracy"] = accuracy
    (tiny_run.directory / "results.json").write_text(json.dumps(stored))
    assert re.search("negative for a gain 25.0 percentage points -?0.0 perc", page(tiny_run).text)


def test_forgetting_that_cannot_be_tested_is_not_zero(tmp_path):
    run = finished(tmp_path / "next", 60)
    first = page(run).text
    assert first.count("not tested") == 2 and "The run has only one task" in first
    run.results.untested = ["Old"]
    continued = page(run).text
    line = "Earlier run Old: not tested again, because it or its images have changed or are missing."
    assert continued.count(line) == 2 and "percentage points" not in first + continued
    run.results.untested = []
    run.results.earlier = [
        EarlierTask("Old/task1", {"validation": 1.0, "test": 0.9}, {"validation": 0.75, "test": 0.8})
    ]
    tested = page(run).text
    assert "Old/task1 90.0 % 80.0 %" in tested and "10.0 percentage points 25.0 percentage points" in tested
    assert "not tested" not in tested


def test_a_converted_file_has_its_size_and_its_time(tiny_run):
    split = SplitReport({"task1": {"float": 0.9, "tflite": 0.85}}, 0.95, 0.01)
    report = Conversion("sdkd_int8.tflite", 4_850_000, [], Latency(5.04, 1, "x86_64"), split, split)
    (tiny_run.directory / "tflite").mkdir()
    write_json(tiny_run.directory / "tflite" / "conversion.json", {"qat": report})
    text = page(tiny_run).text
    assert "sdkd_int8.tflite 4.85 MB 5.0 ms 85.0 % 90.0 % 95.0 %" in text
    assert "with 1 thread on the computer that converted (x86_64), not on a phone" in text


def test_another_folder_is_written_to_and_the_run_left_alone(tiny_run, tmp_path):
    before = sorted(tiny_run.directory.rglob("*"))
    path, plots = write_report(tiny_run, tmp_path / "out")
    assert path == tmp_path / "out" / "report.html"
    names = ["accuracy_matrix", "mean_accuracy", "saliency", "confusion"]
    assert [plot.stem for plot in plots] == names
    assert {plot.parent for plot in plots} == {tmp_path / "out"} and sorted(tiny_run.directory.rglob("*")) == before
