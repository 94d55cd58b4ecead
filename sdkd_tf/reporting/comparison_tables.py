"""Tables that compare several runs: means and sample standard deviations over seeds."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sdkd_tf.config import Config
from sdkd_tf.evaluation import metrics
from sdkd_tf.evaluation.results import Results, Split
from sdkd_tf.reporting.tables import markdown


@dataclasses.dataclass(frozen=True)
class Record:
    """One finished run of a comparison: its arm, seed, options and results."""

    arm: str
    seed: int
    config: Config
    results: Results


Row = dict[str, Any]
Measure = Callable[[Record], float]


def curves(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Mean validation accuracy over all tasks after each task: arm -> `[seeds, tasks]` in [0, 1]."""
    found: dict[str, list[np.ndarray]] = {}
    for record in records:
        found.setdefault(record.arm, []).append(metrics.mean_accuracy(record.results.accuracy("validation")))
    return {arm: np.array(rows) for arm, rows in found.items()}


def _accuracy(metric: Callable[[np.ndarray], float], split: Split) -> Measure:
    return lambda record: metric(record.results.accuracy(split))


def _mae(split: Split, after: int, of: int | slice) -> Measure:
    return lambda record: float(np.mean(record.results.saliency_mae(split)[after, of]))


_ALL = slice(None)
MEASURES: dict[str, Measure] = {
    "final_validation": _accuracy(metrics.final_mean_accuracy, "validation"),
    "forgetting_validation": _accuracy(metrics.forgetting, "validation"),
    "saliency_mae_validation": _mae("validation", -1, _ALL),
    "final_test": _accuracy(metrics.final_mean_accuracy, "test"),
    "worst_test": lambda record: float(record.results.accuracy("test")[-1].min()),
    "forgetting_test": _accuracy(metrics.forgetting, "test"),
    "saliency_mae_test": _mae("test", -1, _ALL),
    "saliency_mae_task1_first": _mae("test", 0, 0),
    "saliency_mae_task1_last": _mae("test", -1, 0),
    "openloris_accuracy_test": _accuracy(metrics.openloris_accuracy, "test"),
    "openloris_bwt_test": _accuracy(metrics.openloris_bwt, "test"),
    "openloris_fwt_test": _accuracy(metrics.openloris_fwt, "test"),
    "openloris_overall_test": _accuracy(metrics.openloris_overall, "test"),
    "gem_bwt_test": _accuracy(metrics.gem_bwt, "test"),
    "peak_memory_mb": lambda record: max(task.peak_memory_mb for task in record.results.tasks),
    "stored_mb": lambda record: record.results.tasks[-1].stored_bytes / 1e6,
    "kept_images": lambda record: record.results.tasks[-1].kept_images,
}
_TABLES = {
    "After the last task, on the validation sets, on which options are chosen:": {
        "accuracy": "final_validation",
        "forgetting": "forgetting_validation",
        "saliency MAE": "saliency_mae_validation",
    },
    "After the last task, on the test sets:": {
        "accuracy": "final_test",
        "worst task": "worst_test",
        "forgetting": "forgetting_test",
        "saliency MAE": "saliency_mae_test",
        "of task 1, after task 1": "saliency_mae_task1_first",
        "of task 1, at the end": "saliency_mae_task1_last",
    },
    "Test accuracy in the conventions of OpenLORIS (plain means) and of GEM (backward transfer as a difference):": {
        "OpenLORIS Accuracy": "openloris_accuracy_test",
        "OpenLORIS BWT": "openloris_bwt_test",
        "OpenLORIS FWT": "openloris_fwt_test",
        "OpenLORIS Over-all": "openloris_overall_test",
        "GEM BWT": "gem_bwt_test",
    },
    "Cost: CPU time of tasks 2 to N relative to fine-tuning the same network with the same seed, peak memory, and what"
    " is kept from task to task:": {
        "CPU time": "relative_time",
        "peak memory, MB": "peak_memory_mb",
        "kept, MB": "stored_mb",
        "kept images": "kept_images",
    },
}


def summary_rows(records: Sequence[Record]) -> list[Row]:
    """One dict per arm: for each measure its mean over seeds, and its sample standard deviation as `<measure>_sd`."""
    rows = []
    for arm in dict.fromkeys(record.arm for record in records):
        its = [record for record in records if record.arm == arm]
        row: Row = {"arm": arm, "seeds": len(its), "input_size": its[0].config.network.input_size}
        columns = {name: [measure(record) for record in its] for name, measure in MEASURES.items()}
        columns["relative_time"] = [_relative_time(record, records) for record in its]
        for name, values in columns.items():
            row[name] = np.mean(values)
            row[f"{name}_sd"] = np.std(values, ddof=1) if len(values) > 1 else 0.0
        rows.append(row)
    return rows


def _relative_time(record: Record, others: Sequence[Record]) -> float:
    """CPU seconds of tasks 2 to N relative to fine-tuning with otherwise equal options; nan without such a run.

    Wall-clock seconds of concurrent runs would depend on which of them got the cores.
    """

    def work(one: Record) -> tuple[Any, ...]:
        return one.config.architecture, one.config.network, one.config.training, one.results.task_names

    def seconds(one: Record) -> float:
        return sum(task.cpu_seconds for task in one.results.tasks[1:])

    for other in others:
        if other.config.strategy == "finetune" and work(other) == work(record):
            return seconds(record) / max(1e-9, seconds(other))
    return np.nan


def table(records: Sequence[Record]) -> str:
    """The comparison in Markdown: the paper's curve (mean validation accuracy after each task), then final scores."""
    data = curves(records)
    count = len(next(iter(data.values()))[0])
    rows = []
    for arm, values in data.items():
        cells = [short(mean) for mean in values.mean(axis=0)]
        if len(values) > 1:
            cells = [f"{cell}<br>±{short(d)}" for cell, d in zip(cells, values.std(axis=0, ddof=1))]
        rows.append([arm, *cells])
    parts = [
        "Mean validation accuracy over all tasks after each task (of several seeds: mean, standard deviation below):",
        markdown(["after task", *map(str, range(1, count + 1))], rows),
    ]
    summaries = summary_rows(records)
    for title, columns in _TABLES.items():
        cells_of = [
            [row["arm"], f"{row['input_size']} px", *(cell(row, name) for name in columns.values()), str(row["seeds"])]
            for row in summaries
        ]
        parts += [title, markdown(["", "input", *columns, "seeds"], cells_of)]
    return "\n\n".join(parts) + "\n"


def cell(row: Row, name: str) -> str:
    """Formats a measure of a row, with its standard deviation if there are several seeds."""
    value, deviation = row[name], row[f"{name}_sd"]
    spread = row["seeds"] > 1
    if np.isnan(value):
        return "–"
    if name == "kept_images":
        return f"{value:.0f}"
    if name.endswith("_mb"):
        return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
    if name == "relative_time":
        return f"{value:.2f} ± {deviation:.2f}" if spread else f"{value:.2f}"
    return f"{short(value)} ± {short(deviation)}" if spread else short(value)


def short(value: float) -> str:
    """Formats 0.845 as .845, as in the table of the paper."""
    return f"{value:.3f}".replace("0.", ".", 1)
