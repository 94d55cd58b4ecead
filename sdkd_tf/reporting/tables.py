"""Tables with the results of one run."""

import pathlib
from collections.abc import Callable

import numpy as np

from sdkd_tf.deploy.report import Conversion, SplitReport, load_conversions
from sdkd_tf.evaluation import metrics
from sdkd_tf.evaluation.results import SPLITS, Results
from sdkd_tf.run import Run

FEW_TEST_IMAGES = 50  # with fewer, the accuracy is not reliable


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Formats a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def summary(run: Run) -> str:
    """Mean accuracy after each task, forgetting, saliency error, cost and, if there are any, the conversions."""
    results, config = run.results, run.config
    curves = [metrics.mean_accuracy(results.accuracy(split)) for split in SPLITS]
    curve = [[name, f"{v:.3f}", f"{t:.3f}"] for name, v, t in zip(results.task_names, *curves)]
    parts = [
        f"strategy {config.strategy}, seed {config.training.seed}, {results.parameters / 1e6:.2f} M parameters",
        markdown(["after task", "mean validation accuracy", "mean test accuracy"], curve),
        markdown(["", "validation", "test"], _final_rows(results)),
        *_certainty(results),
        *_earlier(results),
        *untested(run),
        "\n".join(_cost_lines(run)),
    ]
    known = run.directory / "tflite" / "conversion.json"
    if known.is_file():
        parts.append(conversion_table(load_conversions(known)))
    return "\n\n".join(parts)


def _final_rows(results: Results) -> list[list[str]]:
    measures = {"final mean accuracy": results.final_accuracy, "forgetting": results.forgetting}
    rows = [[name, *(_tested(measure(split)) for split in SPLITS)] for name, measure in measures.items()]
    errors = [results.saliency_mae(split)[-1].mean() for split in SPLITS]
    if not np.isnan(errors).any():
        rows.append(["saliency MAE after the last task", *(f"{error:.3f}" for error in errors)])
    return rows


def _tested(value: float) -> str:
    return "not tested" if np.isnan(value) else f"{value:.3f}"


def untested(run: Run) -> list[str]:
    """A line for each earlier run whose tasks were not tested again."""
    reason = "not tested again, because it or its images have changed or are missing"
    return [f"earlier run {name}: {reason}" for name in run.results.untested]


def _earlier(results: Results) -> list[str]:
    """A table of the tasks of earlier runs; empty without any."""
    rows = [[task.name, f"{task.before['test']:.3f}", f"{task.after['test']:.3f}"] for task in results.earlier]
    return [markdown(["earlier task", "test accuracy then", "now"], rows)] if rows else []


def _certainty(results: Results) -> list[str]:
    """The confidence interval of the final accuracy; empty if the number of test images is unknown."""
    count = results.effective_test_images
    if not count:
        return []
    low, high = metrics.wilson_interval(results.final_accuracy("test"), count)
    line = f"final mean test accuracy on {results.test_images} images: 95 % interval {low:.3f} to {high:.3f}"
    few = (
        f"\nwarning: no more certain than with {count} images; expected {FEW_TEST_IMAGES} or more for a reliable number"
    )
    return [line + few if count < FEW_TEST_IMAGES else line]


def _cost_lines(run: Run) -> list[str]:
    tasks = run.results.tasks
    return [
        f"training {sum(task.seconds for task in tasks) / 60:.1f} min, kept images {tasks[-1].kept_images}",
        f"peak memory {max(task.peak_memory_mb for task in tasks):.0f} MB",
        f"on disk {_megabytes(run.directory)}, of which checkpoints {_megabytes(run.directory / 'checkpoints')}",
    ]


def _megabytes(directory: pathlib.Path) -> str:
    return f"{sum(path.stat().st_size for path in directory.rglob('*') if path.is_file()) / 1e6:.0f} MB"


def conversion_table(conversions: dict[str, Conversion]) -> str:
    """Compares conversions in one column each."""

    def both(value: Callable[[SplitReport], float]) -> Callable[[Conversion], str]:
        return lambda c: ", ".join(f"{value(split):.3f}" for split in (c.validation, c.test))

    rows: dict[str, Callable[[Conversion], str]] = {
        "file": lambda c: c.file,
        "mean accuracy (validation, test): float model": both(lambda split: split.mean("float")),
        ".tflite": both(lambda split: split.mean("tflite")),
        "top-1 agreement (validation, test)": both(lambda split: split.top1_agreement),
        "mean absolute saliency difference (validation, test)": both(lambda split: split.saliency_difference),
        "saliency MAE on test images: float model, .tflite": lambda c: _maes(c.test.saliency_mae),
        "file size": lambda c: f"{c.bytes / 1e6:.2f} MB",
        "latency, one thread": lambda c: f"{c.latency.median_ms:.1f} ms ({c.latency.machine})",
        "operators left in float": lambda c: ", ".join(c.float_ops) if len(c.float_ops) < 8 else "all",
    }
    cells = [[name, *(value(c) or "none" for c in conversions.values())] for name, value in rows.items()]
    return markdown(["quantization", *conversions], cells)


def _maes(maes: dict[str, float | None]) -> str:
    pair = [maes.get(kind) for kind in ("float", "tflite")]
    return ", ".join(f"{value:.3f}" for value in pair if value is not None) if None not in pair else "no masks"
