"""The numbers of one run as text."""

import dataclasses

import pytest

from sdkd_tf.config import make_config
from sdkd_tf.evaluation.results import Results, Scores, TaskResult
from sdkd_tf.files import write_json
from sdkd_tf.reporting.plots import plot_run
from sdkd_tf.reporting.tables import summary
from sdkd_tf.run import Run


def finished(folder, test_images, accuracy=0.8, name="厨房 $1"):
    """A finished run of one task."""
    run, scores = Run(folder), Scores([accuracy], [None])
    folder.mkdir()
    write_json(run.directory / "config.json", make_config())
    task = TaskResult(name, validation=scores, test=scores, peak_memory_mb=1.0)
    write_json(run.directory / "results.json", Results(["a", "b"], "f", {}, 7, None, [task], test_images=test_images))
    return run


@pytest.mark.parametrize(
    "count, lines",
    [
        (  # by hand in test_metrics
            10,
            [
                "final mean test accuracy on 10 images: 95 % interval 0.490 to 0.943",
                "warning: no more certain than with 10 images; expected 50 or more for a reliable number",
            ],
        ),
        (50, ["final mean test accuracy on 50 images: 95 % interval 0.670 to 0.888"]),
        (0, []),  # results that were written before the number was
    ],
)
def test_an_interval_beside_the_final_accuracy_and_a_warning_where_it_is_wide(tmp_path, count, lines):
    text = summary(finished(tmp_path / "run", count)).splitlines()
    assert [line for line in text if "interval" in line or "warning" in line] == lines


def test_plots_of_a_task_in_another_script_are_drawn_without_a_warning(tmp_path, recwarn, caplog):
    paths = plot_run(finished(tmp_path / "run", 10))
    assert all(path.stat().st_size > 5000 for path in paths) and not recwarn.list and not caplog.records


def test_peak_memory_is_that_of_the_largest_task(tmp_path):
    assert "peak memory 1 MB" in summary(finished(tmp_path / "run", 60))


def test_a_task_of_few_images_widens_the_interval():
    """Accuracies of .9 on 500 and .6 on 5 images: the variance of their mean, .060 / 4, is that of about 20 images."""
    results = Results([], "", {}, 1, test_counts=[500, 5], test_images=505)
    assert results.effective_test_images == 20  # 4 / (1 / 500 + 1 / 5) = 19.8
    assert dataclasses.replace(results, test_counts=[100] * 12, test_images=1200).effective_test_images == 1200
    assert dataclasses.replace(results, test_counts=[50, 50], test_images=50).effective_test_images == 50  # the same
    assert dataclasses.replace(results, test_counts=[]).effective_test_images == 505
