"""The comparison command with a stand-in for train.py that writes known results."""

import csv

import numpy as np
import pytest

from sdkd_tf import compare, comparison
from sdkd_tf.errors import UserError

FAKE_TRAIN = """
import json, pathlib, sys
flags = dict(a.lstrip("-").split("=", 1) for a in sys.argv[1:])
run = pathlib.Path(flags["run_dir"])
if flags["strategy"] == "broken":
    sys.exit("error: strategy is 'broken'; expected one of sdkd, finetune")
(run / "logs" / "task1").mkdir(parents=True)
last = 0.5 + 0.1 * int(flags["seed"]) + (0.2 if flags["strategy"] == "sdkd" else 0)
matrix = [[0.9, 0.3], [last, last]]
maes = [[0.1, 0.3], [0.12 + 0.02 * int(flags["seed"]), 0.3]] if flags["strategy"] == "sdkd" else [[None, None]] * 2
results = {"accuracy_matrix": {"validation": matrix, "test": matrix}, "replay_images": 0, "input_size": 96,
           "strategy": flags["strategy"], "architecture": "sdkd", "seed": int(flags["seed"]), "stored_bytes": 2_500_000,
           "peak_memory_mb": [1200, 1234.5], "seconds_per_task": [9, 9],
           "cpu_seconds_per_task": [99, 30 if flags["strategy"] == "sdkd" else 25],
           "epochs": int(flags["epochs"]),
           "saliency_mae_matrix": {"validation": maes, "test": maes}, "tasks": ["task1", "task2"], "parameters": 7}
(run / "results.json").write_text(json.dumps(results))
with (run.parent / "calls").open("a") as calls:
    calls.write(flags["seed"])
"""


@pytest.fixture
def base(tmp_path, monkeypatch):
    (tmp_path / "fake.py").write_text(FAKE_TRAIN)
    (tmp_path / "base.flags").write_text("# comment\n--epochs=2\n")
    monkeypatch.setattr(compare, "_TRAIN", tmp_path / "fake.py")
    return tmp_path / "base.flags"


ARMS = {"SDKD": ["--strategy=sdkd"], "no distillation": ["--strategy=finetune"]}


def test_parse_arm():
    assert compare.parse_arm("VGG-16: --strategy=finetune --input_size=64") == (
        "VGG-16",
        ["--strategy=finetune", "--input_size=64"],
    )
    assert compare.parse_arm("mine: --data_dir='my data'") == ("mine", ["--data_dir=my data"])
    for text in ("--strategy=sdkd", "mine: --data_dir='my data"):
        with pytest.raises(UserError, match="expected NAME: FLAGS"):
            compare.parse_arm(text)


@pytest.mark.parametrize("names", [("SDKD", "SDKD"), ("lr +1", "lr -1"), ("SDKD", "sdkd")])
def test_arms_that_would_share_a_directory_are_refused(names):
    with pytest.raises(UserError, match=f"'{names[0]}' and '{names[1]}' are too alike".replace("+", "[+]")):
        compare.parse_arms([f"{name}: --seed={i}" for i, name in enumerate(names)])
    assert compare.parse_arms(["教師あり: --a", "教師なし: --b"]) == {"教師あり": ["--a"], "教師なし": ["--b"]}


def test_plan_expands_flagfiles(tmp_path, base):
    runs = compare.plan(tmp_path, base, ARMS, ["0", "7"])
    run_dir = tmp_path / "no_distillation" / "seed7"
    assert runs["no distillation", "7"] == (
        run_dir,
        ["--epochs=2", "--strategy=finetune", "--seed=7", f"--run_dir={run_dir}"],
    )
    assert [*runs] == [(name, seed) for seed in "07" for name in ARMS]
    with pytest.raises(UserError, match="--seeds holds 'x'"):
        compare.plan(tmp_path, base, ARMS, ["x"])
    with pytest.raises(UserError, match="--arm is missing"):
        compare.plan(tmp_path, base, {}, ["0"])


def test_outputs_hold_means_and_deviations(tmp_path, base):
    runs = compare.plan(tmp_path, base, ARMS, ["0", "1"])
    compare.train_all(runs, 2)
    comparison.write_outputs({key: run_dir for key, (run_dir, _) in runs.items()}, tmp_path)
    text = (tmp_path / "table.md").read_text()
    # Seeds end at .7 and .8: mean .75, deviation .1 / sqrt(2); after task 1 both have (.9 + .3) / 2.
    assert "| SDKD | .600<br>±.000 | .750<br>±.071 |" in text
    # Forgetting of task 1: .9 - .7 and .9 - .8.
    accuracy = "| 96 px | {} ± .071 | {} ± .071 | "
    # Saliency error at the end: .21 and .22 over both tasks, .12 and .14 on task 1.
    assert accuracy.format(".750", ".150") + ".215 ± .007 | .100 ± .000 | .130 ± .014 | 2 |" in text
    assert accuracy.format(".550", ".350") + "– | – | – | 2 |" in text
    # The stand-in says the same of the validation sets.
    assert "| SDKD " + accuracy.format(".750", ".150") + ".215 ± .007 | 2 |" in text
    # OpenLORIS: .9 and twice .7 or .8 on and below the diagonal, .3 above it; GEM: .7 - .9 and .8 - .9.
    assert "| SDKD | 96 px | .800 ± .047 | .750 ± .071 | .300 ± .000 | .675 ± .035 | -.150 ± .071 | 2 |" in text
    assert "| SDKD | 96 px | 1.20 ± 0.00 | 1234 | 2.5 | 0 | 2 |" in text  # 30 against 25 seconds on task 2
    assert "| no distillation | 96 px | 1.00 ± 0.00 |" in text
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["arm"] for row in rows] == ["SDKD", "no distillation"]
    assert float(rows[1]["final_test"]) == pytest.approx(0.55)
    for picture in ("curves.png", "final.png", "cost.png"):
        assert (tmp_path / picture).stat().st_size > 10_000


def test_time_is_compared_with_the_same_work_alone(tmp_path, base):
    runs = compare.plan(tmp_path, base, {**ARMS, "long": ["--strategy=sdkd", "--epochs=3"]}, ["0"])
    compare.train_all(runs, 2)
    rows = comparison.summary_rows({key: run_dir for key, (run_dir, _) in runs.items()})
    np.testing.assert_array_equal([row["relative_time"] for row in rows], [1.2, 1.0, np.nan])
    comparison.write_outputs({("SDKD", "0"): tmp_path / "sdkd" / "seed0"}, tmp_path)
    text = (tmp_path / "table.md").read_text()
    assert "| SDKD | 96 px | – | 1234 |" in text and "±" not in text  # one seed has no deviation
    assert (tmp_path / "curves.png").is_file() and not (tmp_path / "cost.png").exists()


def test_a_finished_run_is_not_repeated(tmp_path, base):
    compare.train_all(compare.plan(tmp_path, base, ARMS, ["0"]), 1)
    compare.train_all(compare.plan(tmp_path, base, ARMS, ["0", "1"]), 1)
    assert (tmp_path / "sdkd" / "calls").read_text() == "01"
    base.write_text("--epochs=3\n")
    with pytest.raises(UserError, match="seed0: holds a run with other flags"):
        compare.plan(tmp_path, base, ARMS, ["0", "1"])


def test_a_setting_of_another_strategy_does_not_repeat_a_run(tmp_path, base):
    compare.train_all(compare.plan(tmp_path, base, ARMS, ["0"]), 1)
    base.write_text("--epochs=2\n--lambda1=20\n--ewc_lambda=5\n")
    fine_tuning = {"no distillation": ARMS["no distillation"]}
    compare.train_all(compare.plan(tmp_path, base, fine_tuning, ["0"]), 1)
    assert (tmp_path / "no_distillation" / "calls").read_text() == "0"
    with pytest.raises(UserError, match="sdkd/seed0: holds a run with other flags"):  # which reads lambda1
        compare.plan(tmp_path, base, ARMS, ["0"])


def test_a_failed_run_is_named_after_the_others_finished(tmp_path, base):
    runs = compare.plan(tmp_path, base, {"bad": ["--strategy=broken"], **ARMS}, ["0"])
    failed = compare.train_all(runs, 1)
    assert len(failed) == 1 and failed[0].endswith(
        "bad/seed0/log.txt: error: strategy is 'broken'; expected one of sdkd, finetune"
    )
    assert (tmp_path / "sdkd" / "seed0" / "results.json").is_file()


def test_killed_after_a_run_was_finished_and_before_that_was_noted(tmp_path, base, monkeypatch):
    runs = compare.plan(tmp_path, base, ARMS, ["0"])
    original = compare.subprocess.run

    def run_and_die(command, **options):
        original(command, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(compare.subprocess, "run", run_and_die)
        compare.train_all(runs, 1)
    compare.train_all(compare.plan(tmp_path, base, ARMS, ["0"]), 1)
    assert (tmp_path / "sdkd" / "calls").read_text() == "0"
