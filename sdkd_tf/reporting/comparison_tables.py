"""Tables that compare the arms of a comparison: means over cells, and differences within cells."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from sdkd_tf.config import Config
from sdkd_tf.evaluation import metrics
from sdkd_tf.evaluation.results import Results, Split
from sdkd_tf.reporting.tables import markdown


@dataclasses.dataclass(frozen=True)
class Int8Accuracy:
    """Mean accuracy of the converted int8 file over all tasks, in [0, 1]."""

    validation: float
    test: float


@dataclasses.dataclass(frozen=True)
class Record:
    """One finished run of a comparison: its arm, cell, options and results, and its int8 file, if it was converted."""

    arm: str
    cell: str
    config: Config
    results: Results
    int8: Int8Accuracy | None = None


ByCell = dict[str, dict[str, float]]  # arm -> cell -> value
T = TypeVar("T")


def by_cell(records: Sequence[Record], measure: Callable[[Record], T]) -> dict[str, dict[str, T]]:
    """Measures every run: arm -> cell -> value."""
    values: dict[str, dict[str, T]] = {}
    for record in records:
        values.setdefault(record.arm, {})[record.cell] = measure(record)
    return values


def accuracy(records: Sequence[Record], split: Split) -> ByCell:
    """Mean accuracy over all tasks after the last one."""
    return by_cell(records, lambda record: record.results.final_accuracy(split))


def relative_time(records: Sequence[Record]) -> ByCell:
    """CPU seconds of tasks 2 to N relative to fine-tuning in the same cell.

    Wall-clock seconds of concurrent runs would depend on which of them got the cores.
    """
    seconds = by_cell(records, lambda record: sum(task.cpu_seconds for task in record.results.tasks[1:]))
    unit = seconds.get(_arm_with("finetune", records), {})
    return {arm: {c: own[c] / max(1e-9, unit[c]) for c in own if c in unit} for arm, own in seconds.items()}


def differences(values: ByCell) -> ByCell:
    """Differences from the first arm, the reference, in the cells that both have."""
    reference, *others = values
    first = values[reference]
    return {arm: {c: values[arm][c] - first[c] for c in values[arm] if c in first} for arm in others}


def shares_of_gap(records: Sequence[Record], values: ByCell) -> ByCell:
    """(value - fine-tuning) / (joint training - fine-tuning) in each cell with all three; nan without such a gap."""
    low, high = (values.get(_arm_with(strategy, records), {}) for strategy in ("finetune", "joint"))
    gaps = {c: high[c] - low[c] if high[c] > low[c] else np.nan for c in low if c in high}
    return {arm: {c: (own[c] - low[c]) / gaps[c] for c in own if c in gaps} for arm, own in values.items()}


def _arm_with(strategy: str, records: Sequence[Record]) -> str:
    return next((record.arm for record in records if record.config.strategy == strategy), "")


def table(records: Sequence[Record]) -> str:
    """All tables of a comparison in Markdown."""
    title = "On the test sets after the last task: mean ± standard deviation over cells."
    cost = "CPU time is that of training on tasks 2 to N, divided by that of fine-tuning in the same cell:"
    parts = [f"{title} {cost}", scores_table(records)]
    splits: tuple[Split, ...] = ("validation", "test")
    for split in splits:
        title = f"Differences in {split} accuracy from {records[0].arm} in the same cells:"
        parts += [title, paired_table(records, split)]
    return "\n\n".join([*parts, "Test accuracy in the conventions of OpenLORIS:", _openloris_table(records)]) + "\n"


def scores_table(records: Sequence[Record]) -> str:
    """Scores on the test sets and cost of each arm."""
    columns = {
        "accuracy": _shown(accuracy(records, "test")),
        "worst task": _shown(_measured(records, lambda matrix: matrix[-1].min())),
        "right after learning": _shown(_measured(records, metrics.learning_accuracy)),
        "forgetting": _shown(_measured(records, metrics.forgetting)),
        "saliency MAE": _shown(by_cell(records, lambda record: record.results.saliency_mae("test")[-1].mean())),
    }
    if converted := [record for record in records if record.int8]:
        columns["int8 - float"] = _shown(by_cell(converted, _int8_change), _signed)
    stored = by_cell(records, lambda record: record.results.tasks[-1].stored_bytes / 1e6)
    columns["kept, MB"] = {arm: f"{np.mean([*values.values()]):.1f}" for arm, values in stored.items()}
    columns["CPU time"] = _shown(relative_time(records), "{:.2f}".format)
    columns["cells"] = {arm: str(len(values)) for arm, values in stored.items()}
    return _table(records, columns)


def _int8_change(record: Record) -> float:
    return record.int8.test - record.results.final_accuracy("test") if record.int8 else np.nan


def paired_table(records: Sequence[Record], split: Split) -> str:
    """Difference of each arm's accuracy from that of the first arm, with a 95 % confidence interval."""
    values = accuracy(records, split)
    found = {arm: [*of_cells.values()] for arm, of_cells in differences(values).items() if of_cells}
    intervals = {arm: metrics.mean_interval(numbers) for arm, numbers in found.items() if len(numbers) > 1}
    columns = {
        "difference": {arm: _signed(float(np.mean(numbers))) for arm, numbers in found.items()},
        "95 % interval": {arm: " to ".join(map(_signed, interval)) for arm, interval in intervals.items()},
        "above": {arm: f"in {sum(np.greater(numbers, 0))} of {len(numbers)}" for arm, numbers in found.items()},
        "share of the gap": _shown(shares_of_gap(records, values), "{:.2f}".format),
    }
    return _table(records, columns)


def _openloris_table(records: Sequence[Record]) -> str:
    metric = {
        "Accuracy": metrics.openloris_accuracy,
        "BWT": metrics.openloris_bwt,
        "FWT": metrics.openloris_fwt,
        "Over-all": metrics.openloris_overall,
    }
    return _table(records, {name: _shown(_measured(records, function)) for name, function in metric.items()})


def _measured(records: Sequence[Record], metric: Callable[[np.ndarray], float]) -> ByCell:
    """A metric of the accuracy matrix on the test sets."""
    return by_cell(records, lambda record: metric(record.results.accuracy("test")))


def _table(records: Sequence[Record], columns: dict[str, dict[str, str]]) -> str:
    arms = dict.fromkeys(record.arm for record in records)
    return markdown(["", *columns], [[arm, *(column.get(arm, "–") for column in columns.values())] for arm in arms])


def _short(value: float, sign: str = "") -> str:
    """Formats 0.845 as .845, as in the table of the paper."""
    return f"{value:{sign}z.3f}".replace("0.", ".", 1)


def _signed(value: float) -> str:
    return _short(value, "+")


def _shown(values: ByCell, text: Callable[[float], str] = _short) -> dict[str, str]:
    """Mean and, of several cells, sample standard deviation; arms with a value missing are left out."""
    shown = {}
    for arm, of_cells in values.items():
        numbers = [*of_cells.values()]
        if numbers and not np.isnan(numbers).any():
            shown[arm] = text(float(np.mean(numbers)))
            if len(numbers) > 1:
                shown[arm] += f" ± {text(float(np.std(numbers, ddof=1))).lstrip('+')}"
    return shown
