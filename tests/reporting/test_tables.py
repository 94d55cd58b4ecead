"""The numbers of one run as text."""

import pytest

from sdkd_tf.config import make_config
from sdkd_tf.evaluation.results import Results, Scores, TaskResult
from sdkd_tf.files import write_json
from sdkd_tf.reporting.plots import plot_run
from sdkd_tf.reporting.tables import memory_line, summary
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
                "warning: only 10 test images; expected 50 or more for a reliable number",
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


def test_memory_is_reported_with_its_growth_after_the_third_task():
    assert memory_line([800.0, 900.0, 1000.0, 1010.0, 1050.0], ["a", "b", "c", "d", "e"]) == (
        "peak memory 1050 MB, 5.0% more than up to c"
    )
    assert memory_line([800.0, 900.0], ["a", "b"]) == "peak memory 900 MB"
