"""The tables of a comparison, on runs with known numbers."""

import numpy as np
import pytest

from sdkd_tf.config import make_config
from sdkd_tf.evaluation.results import Results, Scores, TaskResult
from sdkd_tf.reporting.comparison_plots import curves, plot_comparison
from sdkd_tf.reporting.comparison_tables import Int8Accuracy, Record, accuracy, relative_time, shares_of_gap, table


def record(arm, cell, strategy, last, seconds=25.0, maes=(None, None), int8=None):
    """A run of two tasks: accuracy .9 and .3 after the first, `last` and .1 less after the second."""
    scores = [Scores([0.9, 0.3], [*maes]), Scores([last, last - 0.1], [*maes])]
    tasks = [
        TaskResult(f"task{i}", 8, 0, 2_500_000, {}, {}, 9.0, cpu_seconds, 1200.0, its, its)
        for i, (cpu_seconds, its) in enumerate(zip((99.0, seconds), scores), 1)
    ]
    return Record(arm, cell, make_config(strategy=strategy), Results(["a", "b"], "f", {}, 7, None, tasks), int8)


RUNS = [
    record("SDKD", "a", "sdkd", 0.75, 30.0, (0.1, 0.3), Int8Accuracy(0.6, 0.69)),
    record("plain", "a", "finetune", 0.55),
    record("joint", "a", "joint", 0.95, 20.0),
    record("SDKD", "b", "sdkd", 0.9, 30.0, (0.12, 0.32), Int8Accuracy(0.6, 0.82)),
    record("plain", "b", "finetune", 0.65),
    record("joint", "b", "joint", 0.95, 15.0),
    record("once", "b", "sdkd", 0.95),
]


def rows(text, arm):
    return [line for line in text.splitlines() if line.startswith(f"| {arm} |")]


def test_scores_and_differences_by_hand():
    text = table(RUNS)
    # Accuracies end at .7 and .85: mean .775, deviation .15 / sqrt(2). Right after learning: (.9 + .65) / 2 and
    # (.9 + .8) / 2. Forgetting of task 1: .9 - .75 and .9 - .9.
    scores, validation, test, openloris = rows(text, "SDKD")
    assert scores == (
        "| SDKD | .775 ± .106 | .725 ± .106 | .812 ± .053 | .075 ± .106 | .210 ± .014 | -.020 ± .014 | 2.5"
        " | 1.20 ± 0.00 | 2 |"
    )
    # Of the gap, .2 / .4 and .25 / .3. The same on both splits.
    assert validation == test == "| SDKD | – | – | – | 0.67 ± 0.24 |"
    # .9 and twice the final accuracies on and below the diagonal, .3 above it.
    assert openloris == "| SDKD | .817 ± .071 | .825 ± .106 | .300 ± .000 | .688 ± .053 |"

    # -.2 and -.25: mean -.225, s / sqrt(2) = .025; Student's t with one degree of freedom is tan(.475 pi) = 12.706.
    scores, _, test, _ = rows(text, "plain")
    assert scores.endswith("| – | – | 2.5 | 1.00 ± 0.00 | 2 |")
    assert test == "| plain | -.225 | -.543 to +.093 | in 0 of 2 | 0.00 ± 0.00 |"
    # +.2 and +.05.
    assert rows(text, "joint")[2] == "| joint | +.125 | -.828 to +1.078 | in 2 of 2 | 1.00 ± 0.00 |"
    assert rows(text, "once")[2] == "| once | +.050 | – | in 1 of 1 | 1.00 |"


def test_a_single_cell_has_no_deviation_and_only_converted_runs_an_int8_column():
    text = table([record("SDKD", "a", "sdkd", 0.75)])
    assert text.count("±") == 1 and "int8" not in text  # in the title
    assert rows(text, "SDKD")[0] == "| SDKD | .700 | .650 | .775 | .150 | – | 2.5 | – | 1 |"
    assert rows(text, "SDKD")[1] == "| SDKD | – | – | – | – |"


def test_time_is_compared_within_a_cell():
    times = relative_time([*RUNS, record("SDKD", "c", "sdkd", 0.5)])
    assert times["joint"] == {"a": pytest.approx(0.8), "b": pytest.approx(0.6)} and [*times["SDKD"]] == ["a", "b"]


def test_there_is_no_share_of_a_gap_that_is_not_there():
    runs = [record("plain", "a", "finetune", 0.5), record("joint", "a", "joint", 0.5), record("x", "a", "sdkd", 0.6)]
    assert np.isnan(shares_of_gap(runs, accuracy(runs, "test"))["x"]["a"])
    assert rows(table(runs), "x")[1] == "| x | +.100 | – | in 1 of 1 | – |"
    assert shares_of_gap(runs[::2], accuracy(runs[::2], "test"))["x"] == {}


def test_plots_of_one_cell_and_of_cells_with_unlike_numbers_of_tasks(tmp_path):
    short = record("SDKD", "b", "sdkd", 0.75)
    short.results.tasks[:] = [TaskResult("task1", validation=Scores([0.5], [None]), test=Scores([0.5], [None]))]
    runs = [record("SDKD", "a", "sdkd", 0.75), short]
    np.testing.assert_allclose(curves(runs)["SDKD"], [[0.6, 0.5]])
    assert list(curves([*runs, record("in one cell", "a", "joint", 0.5)])) == ["SDKD"]
    for chosen in (runs, runs[:1]):
        plot_comparison(chosen, tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "final.png"]
