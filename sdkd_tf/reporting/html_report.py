"""Writes the report of a run: one HTML file that needs no other file and no network."""

import math
import pathlib
from typing import Any

import jinja2

from sdkd_tf import __version__
from sdkd_tf.deploy.report import load_conversions
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation import metrics
from sdkd_tf.evaluation.confusion import predict_test_images
from sdkd_tf.evaluation.probe import probe_accuracy
from sdkd_tf.evaluation.results import SPLITS, Results
from sdkd_tf.files import atomic_file
from sdkd_tf.reporting.model_card import model_card
from sdkd_tf.reporting.plots import plot_confusion, plot_run
from sdkd_tf.reporting.report_images import confused_pairs, image_counts, png_uri, samples, worst_mistakes
from sdkd_tf.reporting.tables import FEW_TEST_IMAGES, untested
from sdkd_tf.run import Run


def write_report(
    run: Run, out_dir: pathlib.Path | None = None, data_dir: str | None = None
) -> tuple[pathlib.Path, list[pathlib.Path]]:
    """Draws the plots of a finished run and writes its report.

    Predictions for single test images are not part of a run. They are computed again from its data; without the data,
    the parts that need them are left out, and the report says so.

    Args:
      run: a finished run.
      out_dir: directory for the report and the plots; None for that of the run and its folder `plots`.
      data_dir: the current location of the data, if they were moved.

    Returns:
      (path of the report, paths of the plots).

    Raises:
      UserError: the results or the conversion report cannot be read.
    """
    plots = plot_run(run, out_dir)
    of_images: dict[str, Any] = {}
    missing = None
    try:
        of_images, confusion = _of_images(run, plots[0].parent, data_dir)
        plots.append(confusion)
    except UserError as error:
        missing = str(error)
        for path in (pathlib.Path(data_dir or run.config.data.data_dir), run.directory):
            missing = missing.replace(str(path), path.name)  # the whole path may name a person
    conversions = run.directory / "tflite" / "conversion.json"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "interval": interval}
    text = environment.get_template("report.html").render(
        name=run.directory.resolve().name,
        version=__version__,
        headline=headline(run.results),
        tasks=_tasks(run.results, of_images),
        forgetting=_forgetting(run.results),
        earlier=run.results.earlier,
        untested=untested(run),
        plots={plot.stem: png_uri(plot) for plot in plots},
        images=of_images,
        missing=missing,
        conversions=load_conversions(conversions) if conversions.is_file() else {},
        card=model_card(run),
    )
    path = (out_dir or run.directory) / "report.html"
    with atomic_file(path, "w") as file:
        file.write(text)
    return path, plots


def percent(share: float) -> str:
    """Formats 0.8456 as `84.5 %`, with a space that does not break. Only a perfect score reads 100 %: it rounds down."""
    return f"{math.floor(1000 * share + 1e-6) / 10:.1f}\xa0%"


def interval(ends: tuple[float, float]) -> str:
    """Formats (0.4902, 0.9433) as `49 to 94 %`."""
    low, high = ends
    return f"{100 * low:.0f} to {100 * high:.0f}\xa0%"


def headline(results: Results) -> dict[str, Any]:
    """The final mean test accuracy, its 95 % confidence interval (None if unknown), and what they mean in words.

    `rough` says whether there are too few test images to rely on the number.
    """
    accuracy, count = results.final_accuracy("test"), results.effective_test_images
    found = {"accuracy": accuracy, "count": results.test_images, "rough": count < FEW_TEST_IMAGES}
    if not count:
        words = "The number of test images is unknown, so this number has no confidence interval."
        return {**found, "interval": None, "words": words}
    low, high = metrics.wilson_interval(accuracy, count)
    words = f"With 95 % confidence, the accuracy on new images like these is between {100 * low:.0f} and {100 * high:.0f} %."
    if count < FEW_TEST_IMAGES:
        more = f"Test on at least {FEW_TEST_IMAGES} images to know more."
        words = f"This is a rough estimate, as from {count} test images of a single task. {words} {more}"
    return {**found, "interval": (low, high), "words": words}


def _of_images(run: Run, plots_dir: pathlib.Path, data_dir: str | None) -> tuple[dict[str, Any], pathlib.Path]:
    """(the parts that need the images of a run, path of the plotted confusion matrix)."""
    sequence, network = run.tasks(data_dir), run.network()
    predictions = predict_test_images(network, sequence, run.config.network.input_size)
    counts, classes = predictions.confusion(), run.results.classes
    plot_confusion(counts, classes, plots_dir / "confusion.png")
    comparable = len(classes) == len({example.label for task in sequence.tasks for example in task.train})
    parts = {
        "probe": probe_accuracy(sequence, run.config.network.input_size) if comparable else None,
        "counts": image_counts(sequence),
        "samples": samples(sequence),
        "confused": confused_pairs(counts, classes),
        "mistakes": worst_mistakes(predictions, sequence),
        "wrong": int(counts.sum() - counts.trace()),
        "tested": int(counts.sum()),
    }
    return parts, plots_dir / "confusion.png"


def _tasks(results: Results, of_images: dict[str, Any]) -> list[dict[str, Any]]:
    """The accuracy on each task after the last one, with the interval if the number of images is known."""
    test, validation = results.accuracy("test"), results.accuracy("validation")
    rows = []
    for place, task in enumerate(results.tasks):
        count = of_images["counts"]["per_task"][task.name]["test"] if of_images else None
        rows.append(
            {
                "name": task.name,
                "trained_on": task.images,
                "validation": validation[-1, place],
                "learned": test[place, place],
                "test": test[-1, place],
                "count": count,
                "interval": metrics.wilson_interval(test[-1, place], count) if count else None,
            }
        )
    return rows


def _forgetting(results: Results) -> dict[str, float | None]:
    """The forgetting on validation and test images; None if no earlier task was tested."""
    values = {split: results.forgetting(split) for split in SPLITS}
    return {split: None if math.isnan(value) else value for split, value in values.items()}
