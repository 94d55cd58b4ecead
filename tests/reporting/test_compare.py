"""The comparison command with a stand-in for training that writes known results."""

import dataclasses
import pathlib
import sys

import numpy as np
import pytest

from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.results import Results, Scores, TaskResult
from sdkd_tf.reporting import compare
from sdkd_tf.reporting.comparison_plots import plot_comparison
from sdkd_tf.reporting.comparison_tables import summary_rows, table

ARMS = {"SDKD": ["--strategy=sdkd"], "no distillation": ["--strategy=finetune"]}


@pytest.fixture
def base(tmp_path, monkeypatch):
    (tmp_path / "base.flags").write_text("\ufeff# comment\n--epochs=2\n", encoding="utf-8")
    monkeypatch.setattr(compare, "_TRAIN", [sys.executable, str(pathlib.Path(__file__).with_name("fake_train.py"))])
    return tmp_path / "base.flags"


def compared(tmp_path, base, arms=ARMS, seeds=("0",), parallel=1):
    """(plan, records, lines of failures) of a comparison in `tmp_path`."""
    runs = compare.plan(tmp_path / "runs", base, arms, seeds)
    records = compare.read_records(tmp_path / "runs.jsonl")
    failed = compare.train_missing(runs, records, tmp_path / "runs.jsonl", parallel)
    return runs, records, failed


def calls(tmp_path, arm):
    path = tmp_path / "runs" / arm / "calls"
    return path.read_text() if path.is_file() else ""


def test_parse_arms():
    assert compare.parse_arms(["VGG-16: --strategy=finetune --input_size=64", "mine: --data_dir='my data'"]) == {
        "VGG-16": ["--strategy=finetune", "--input_size=64"],
        "mine": ["--data_dir=my data"],
    }
    assert compare.parse_arms(["教師あり: --a", "教師なし: --b"]) == {"教師あり": ["--a"], "教師なし": ["--b"]}
    for text in ("--strategy=sdkd", "mine: --data_dir='my data"):
        with pytest.raises(UserError, match="expected NAME: FLAGS"):
            compare.parse_arms([text])
    with pytest.raises(UserError, match="--arm is missing"):
        compare.parse_arms([])


@pytest.mark.parametrize("names", [("SDKD", "SDKD"), ("lr +1", "lr -1"), ("SDKD", "sdkd")])
def test_arms_that_would_share_a_directory_are_refused(names):
    with pytest.raises(UserError, match=f"'{names[0]}' and '{names[1]}' are too alike".replace("+", "[+]")):
        compare.parse_arms([f"{name}: --seed={i}" for i, name in enumerate(names)])


def test_plan_reads_flagfiles(tmp_path, base):
    runs = compare.plan(tmp_path, base, ARMS, ["0", "7"])
    assert [*runs] == [(name, seed) for seed in (0, 7) for name in ARMS]
    config = runs["no distillation", 7]
    assert (config.strategy, config.training.epochs, config.training.seed) == ("finetune", 2, 7)
    assert config.run.run_dir == str(tmp_path / "no_distillation" / "seed7")
    with pytest.raises(UserError, match="--seeds holds 'x'"):
        compare.plan(tmp_path, base, ARMS, ["x"])
    with pytest.raises(UserError, match="arm 'a': Unknown command line flag 'magic'"):
        compare.plan(tmp_path, base, {"a": ["--magic=1"]}, ["0"])


def test_tables_hold_means_and_deviations(tmp_path, base):
    runs, records, failed = compared(tmp_path, base, seeds=("0", "1"), parallel=2)
    assert not failed
    text = compare.write_comparison(runs, records, tmp_path)
    assert text == (tmp_path / "table.md").read_text()
    # Seeds end at .7 and .8: mean .75, deviation .1 / sqrt(2); after task 1 both have (.9 + .3) / 2.
    assert "| SDKD | .600<br>±.000 | .750<br>±.071 |" in text
    # Both tasks end alike, so the worst is as good as the mean. Forgetting of task 1: .9 - .7 and .9 - .8.
    tested = "| 128 px | {0} ± .071 | {0} ± .071 | {1} ± .071 | "
    # Saliency error at the end: .21 and .22 over both tasks, .12 and .14 on task 1.
    assert tested.format(".750", ".150") + ".215 ± .007 | .100 ± .000 | .130 ± .014 | 2 |" in text
    assert tested.format(".550", ".350") + "– | – | – | 2 |" in text
    # The stand-in gives the same on the validation sets.
    assert "| SDKD | 128 px | .750 ± .071 | .150 ± .071 | .215 ± .007 | 2 |" in text
    # OpenLORIS: .9 and twice .7 or .8 on and below the diagonal, .3 above it; GEM: .7 - .9 and .8 - .9.
    assert "| SDKD | 128 px | .800 ± .047 | .750 ± .071 | .300 ± .000 | .675 ± .035 | -.150 ± .071 | 2 |" in text
    assert "| SDKD | 128 px | 1.20 ± 0.00 | 1234 | 2.5 | 0 | 2 |" in text  # 30 against 25 seconds on task 2
    assert "| no distillation | 128 px | 1.00 ± 0.00 |" in text
    for picture in ("curves.png", "final.png", "cost.png"):
        assert (tmp_path / picture).stat().st_size > 10_000


def test_time_is_compared_with_the_same_work_alone(tmp_path, base):
    _, records, _ = compared(tmp_path, base, {**ARMS, "long": ["--strategy=sdkd", "--epochs=3"]}, parallel=2)
    rows = summary_rows(list(records.values()))
    times = {row["arm"]: row["relative_time"] for row in rows}
    assert times["SDKD"] == pytest.approx(1.2) and times["no distillation"] == 1.0 and np.isnan(times["long"])
    alone = [records["SDKD", 0]]
    plot_comparison(alone, tmp_path)
    text = table(alone)
    assert "| SDKD | 128 px | – | 1234 |" in text and "±" not in text  # one seed has no deviation
    assert (tmp_path / "curves.png").is_file() and not (tmp_path / "cost.png").exists()


def test_a_run_on_record_is_not_repeated(tmp_path, base):
    compared(tmp_path, base)
    _, records, _ = compared(tmp_path, base, seeds=("0", "1"))
    assert calls(tmp_path, "sdkd") == "01" and len(records) == 4
    base.write_text("--epochs=3\n")
    with pytest.raises(
        UserError, match=r"arm 'SDKD', seed 0, has different options \(--epochs is 2, not 3; --first_task"
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
    with pytest.raises(UserError, match="arm 'SDKD', seed 0, has different options .--lambda1 is 1.0, not 20.0"):
        compared(tmp_path, base)


def test_a_failed_run_is_named_after_the_others_finished(tmp_path, base):
    _, records, failed = compared(tmp_path, base, {"bad": ["--seed=1", "--temperature=13"], **ARMS})
    assert len(failed) == 1 and failed[0].endswith("bad/seed0/log.txt: error: an unlucky temperature")
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


def test_losses_are_not_recorded_and_everything_else_comes_back(tmp_path, base):
    _, records, _ = compared(tmp_path, base)
    again = compare.read_records(tmp_path / "runs.jsonl")
    assert again == records and records["SDKD", 0].results.tasks[0].losses == {}


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"arm": "a"}', b"\xff", b'{"arm": "a", "seed": 0, "config": {}, "results": 3}']
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
