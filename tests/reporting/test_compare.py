"""The comparison command with a stand-in for training that writes known results."""

import dataclasses
import pathlib
import sys

import pytest

from sdkd_tf.deploy.report import Conversion, Latency, SplitReport
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.results import Results, Scores, TaskResult
from sdkd_tf.files import write_json
from sdkd_tf.reporting import compare
from sdkd_tf.reporting.comparison_tables import Int8Accuracy

ARMS = {"SDKD": ["--strategy=sdkd"], "no distillation": ["--strategy=finetune"]}
CELLS = {"0": ["--seed=0"], "1": ["--seed=1"]}
ONE_CELL = {"0": ["--seed=0"]}


@pytest.fixture
def base(tmp_path, monkeypatch):
    (tmp_path / "base.flags").write_text("\ufeff# comment\n--epochs=2\n", encoding="utf-8")
    monkeypatch.setattr(compare, "_TRAIN", [sys.executable, str(pathlib.Path(__file__).with_name("fake_train.py"))])
    return tmp_path / "base.flags"


def compared(tmp_path, base, arms=ARMS, cells=ONE_CELL, parallel=1):
    """(plan, records, lines of failures) of a comparison in `tmp_path`."""
    runs = compare.plan(tmp_path / "runs", base, arms, cells)
    records = compare.read_records(tmp_path / "runs.jsonl")
    failed = compare.train_missing(runs, records, tmp_path / "runs.jsonl", parallel)
    return runs, records, failed


def calls(tmp_path, arm):
    path = tmp_path / "runs" / arm / "calls"
    return path.read_text() if path.is_file() else ""


def test_parse_named():
    assert compare.parse_named(
        "arm", ["VGG-16: --strategy=finetune --input_size=64", "mine: --data_dir='my data'"]
    ) == {"VGG-16": ["--strategy=finetune", "--input_size=64"], "mine": ["--data_dir=my data"]}
    assert compare.parse_named("arm", ["教師あり: --a", "教師なし: --b"]) == {"教師あり": ["--a"], "教師なし": ["--b"]}
    for text in ("--strategy=sdkd", "mine: --data_dir='my data"):
        with pytest.raises(UserError, match="expected NAME: FLAGS"):
            compare.parse_named("arm", [text])
    with pytest.raises(UserError, match="--cell is missing"):
        compare.parse_named("cell", [])


@pytest.mark.parametrize("names", [("SDKD", "SDKD"), ("lr +1", "lr -1"), ("SDKD", "sdkd")])
def test_names_that_would_share_a_directory_are_refused(names):
    with pytest.raises(UserError, match=f"'{names[0]}' and '{names[1]}' are too alike".replace("+", "[+]")):
        compare.parse_named("arm", [f"{name}: --seed={i}" for i, name in enumerate(names)])


def test_plan_reads_flagfiles(tmp_path, base):
    cells = {"0": ["--seed=0"], "By Level": ["--seed=7", "--tasks=task2,task1"]}
    runs = compare.plan(tmp_path, base, ARMS, cells)
    assert [*runs] == [(name, cell) for cell in cells for name in ARMS]
    config = runs["no distillation", "By Level"]
    assert (config.strategy, config.training.epochs, config.training.seed) == ("finetune", 2, 7)
    assert config.data.tasks == ("task2", "task1")
    assert config.run.run_dir == str(tmp_path / "no_distillation" / "by_level")
    with pytest.raises(UserError, match="arm 'a', cell '0': Unknown command line flag 'magic'"):
        compare.plan(tmp_path, base, {"a": ["--magic=1"]}, ONE_CELL)
    with pytest.raises(UserError, match="arm 'SDKD', cell 'a': unexpected 'task2'; expected flags only"):
        compare.plan(tmp_path, base, ARMS, {"a": ["--tasks=task1,", "task2"]})


def test_an_arm_in_some_cells(tmp_path, base):
    cells = {"a": ["--seed=0"], "b": ["--seed=1"], "c": ["--seed=2"]}
    runs = compare.plan(tmp_path, base, {**ARMS, "some": ["--cells=c,a"]}, cells)
    assert [cell for arm, cell in runs if arm == "some"] == ["a", "c"] and len(runs) == 8
    with pytest.raises(UserError, match="arm 'some': --cells names 'd'; expected some of a, b, c"):
        compare.plan(tmp_path, base, {"some": ["--cells=a,d"]}, cells)


def test_the_reference_is_the_first_arm_in_whichever_order_runs_end(tmp_path, base):
    compared(tmp_path, base, {"no distillation": ARMS["no distillation"]})
    runs, records, failed = compared(tmp_path, base, cells=CELLS, parallel=2)
    text = compare.write_comparison(runs, records, tmp_path)
    assert not failed and text == (tmp_path / "table.md").read_text() and "from SDKD in the same cells" in text
    assert [*compare.read_records(tmp_path / "runs.jsonl")] == [*runs]
    for picture in ("curves.png", "final.png"):
        assert (tmp_path / picture).stat().st_size > 10_000


def test_accuracy_of_the_int8_file_is_recorded(tmp_path, base):
    runs, records, _ = compared(tmp_path, base)
    splits = [
        SplitReport({"task1": {"float": 0.7, "tflite": 0.6}, "task2": {"float": 0.7, "tflite": t}}, 1, 0)
        for t in (0.7, 0.75)
    ]
    conversion = Conversion("sdkd_int8.tflite", 9, [], Latency(1.5, 1, "x86_64"), *splits)
    (tmp_path / "runs" / "sdkd" / "0" / "tflite").mkdir()
    write_json(tmp_path / "runs" / "sdkd" / "0" / "tflite" / "conversion.json", {"qat": conversion})
    text = compare.write_comparison(runs, records, tmp_path)
    assert "| int8 - float |" in text
    again = compare.read_records(tmp_path / "runs.jsonl")
    assert again["SDKD", "0"].int8 == Int8Accuracy(pytest.approx(0.65), pytest.approx(0.675))
    assert again["no distillation", "0"].int8 is None
    # The file of another run in the same directory does not count.
    test = dataclasses.replace(records["SDKD", "0"].results.tasks[-1].test, accuracy=[0.0, 0.0])
    last = dataclasses.replace(records["SDKD", "0"].results.tasks[-1], test=test)
    records["SDKD", "0"].results.tasks[-1] = last
    assert "int8" not in compare.write_comparison(runs, records, tmp_path)


def test_a_run_on_record_is_not_repeated(tmp_path, base):
    compared(tmp_path, base)
    runs, records, _ = compared(tmp_path, base, cells=CELLS)
    assert calls(tmp_path, "sdkd") == "01" and len(records) == 4
    assert all(record.config.data == runs[key].data for key, record in records.items())  # no absolute path
    base.write_text("--epochs=3\n")
    with pytest.raises(
        UserError, match=r"arm 'SDKD', cell '0', has different options \(--epochs is 2, not 3; --first_task"
    ):
        compared(tmp_path, base)


def test_records_are_enough(tmp_path, base):
    """Without the runs' directories nothing is trained again, and the table is the same."""
    runs, records, _ = compared(tmp_path, base)
    before = compare.write_comparison(runs, records, tmp_path)
    for path in sorted((tmp_path / "runs").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    runs, records, _ = compared(tmp_path, base)
    assert compare.write_comparison(runs, records, tmp_path) == before and calls(tmp_path, "sdkd") == ""


def test_an_option_of_another_strategy_does_not_repeat_a_run(tmp_path, base):
    compared(tmp_path, base)
    base.write_text("--epochs=2\n--lambda1=20\n--ewc_lambda=5\n")
    compared(tmp_path, base, {"no distillation": ARMS["no distillation"]})
    assert calls(tmp_path, "no_distillation") == "0"
    with pytest.raises(UserError, match="arm 'SDKD', cell '0', has different options .--lambda1 is 1.0, not 20.0"):
        compared(tmp_path, base)


def test_a_failed_run_is_named_after_the_others_finished(tmp_path, base):
    _, records, failed = compared(tmp_path, base, {"bad": ["--temperature=13"], **ARMS})
    assert len(failed) == 1 and failed[0].endswith("bad/0/log.txt: error: an unlucky temperature")
    assert {arm for arm, _ in records} == set(ARMS)


def test_killed_after_a_run_was_finished_and_before_it_was_recorded(tmp_path, base, monkeypatch):
    original = compare.subprocess.run

    def run_and_die(command, **options):
        original(command, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(compare.subprocess, "run", run_and_die)
        compared(tmp_path, base)
    compared(tmp_path, base)
    assert calls(tmp_path, "sdkd") == "0"


def test_after_ctrl_c_no_further_run_starts(tmp_path, base, monkeypatch):
    started = []

    def interrupted(run, config, parallel):
        started.append(run.directory)
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "_train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compared(tmp_path, base, cells={str(number): [f"--seed={number}"] for number in range(8)})
    assert len(started) < 5  # of 16; the next may start before the interrupt is noticed


def test_runs_on_other_data_are_not_compared(tmp_path, base):
    runs, records, _ = compared(tmp_path, base)
    records["SDKD", "0"].results.fingerprint = "of changed images"
    expected = "arms 'SDKD' and 'no distillation' have learned from different data, or continue different runs"
    with pytest.raises(UserError, match=expected):
        compare.write_comparison(runs, records, tmp_path)
    assert not (tmp_path / "table.md").exists()
    records["SDKD", "0"].results.fingerprint = "f"
    records["no distillation", "0"].results.continued_from = "of another run"
    with pytest.raises(UserError, match=expected):
        compare.write_comparison(runs, records, tmp_path)


def test_losses_are_not_recorded_and_everything_else_comes_back(tmp_path, base):
    _, records, _ = compared(tmp_path, base)
    again = compare.read_records(tmp_path / "runs.jsonl")
    assert again == records and records["SDKD", "0"].results.tasks[0].losses == {}


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"arm": "a"}', b"\xff", b'{"arm": "a", "cell": "0", "config": {}, "results": 3, "int8": null}'],
)
def test_a_damaged_line_is_named(tmp_path, line):
    (tmp_path / "runs.jsonl").write_bytes(line + b"\n")
    with pytest.raises(UserError, match="runs.jsonl:1: cannot be read .*; expected a run of this version"):
        compare.read_records(tmp_path / "runs.jsonl")


def test_results_that_do_not_fit_each_other():
    scores = Scores([0.5], [None])
    assert Results([], "", {}, 1, tasks=[TaskResult("a", validation=scores, test=scores)]).problem() is None
    assert Results([], "", {}, 1).problem() == "tasks is empty; expected one record per task"
    two = [TaskResult(name, validation=scores, test=scores) for name in "ab"]
    assert Results([], "", {}, 1, tasks=two).problem() == "task 'a', validation: expected 2 scores, one per task"
    assert dataclasses.asdict(scores) == {"accuracy": [0.5], "saliency_mae": [None]}


def test_a_finished_run_with_other_options_is_not_taken_for_a_new_one(tmp_path, base):
    """Removing its line is not enough: the directory still holds the old run."""
    compared(tmp_path, base)
    (tmp_path / "runs.jsonl").unlink()
    base.write_text("--epochs=3\n")
    with pytest.raises(
        UserError, match=r"has different options \(--epochs is 2, not 3.*remove its line and .*runs/sdkd/0,"
    ):
        compared(tmp_path, base)
