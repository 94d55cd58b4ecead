"""Plots of several runs side by side."""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from sdkd_tf.reporting.comparison_tables import MEASURES, Record, Row, curves, summary_rows
from sdkd_tf.reporting.fonts import drawable


def plot_comparison(records: Sequence[Record], out_dir: pathlib.Path) -> None:
    """Draws curves.png, final.png and, if there is a run of fine-tuning to compare with, cost.png."""
    arms = list(dict.fromkeys(record.arm for record in records))
    names = dict(zip(arms, drawable(arms)))
    records = [dataclasses.replace(record, arm=names[record.arm]) for record in records]
    _plot_curves(curves(records), out_dir / "curves.png")
    _plot_final(records, out_dir / "final.png")
    _plot_cost(summary_rows(records), out_dir / "cost.png")


def _figure(arms: Sequence[str]) -> tuple[plt.Figure, plt.Axes, dict[str, tuple[Any, str]]]:
    """A figure with room for a legend on its right, its axes, and a color and marker for each arm."""
    markers = itertools.chain.from_iterable(itertools.repeat(marker, 10) for marker in "osD^v")
    styles = dict(zip(arms, zip(itertools.cycle(plt.colormaps["tab10"].colors), markers)))
    figure, axes = plt.subplots(figsize=(8.5, max(4.5, 0.24 * len(styles))), layout="constrained")
    axes.grid(alpha=0.3)
    return figure, axes, styles


def _save(figure: plt.Figure, path: pathlib.Path) -> None:
    figure.legend(loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_curves(data: dict[str, np.ndarray], path: pathlib.Path) -> None:
    figure, axes, styles = _figure(list(data))
    for arm, (color, marker) in styles.items():
        steps, mean = np.arange(1, data[arm].shape[1] + 1), data[arm].mean(axis=0)
        axes.plot(steps, mean, f"{marker}-", label=arm, color=color, markersize=4)
        if len(data[arm]) > 1:
            spread = data[arm].std(axis=0, ddof=1)
            axes.fill_between(steps, mean - spread, mean + spread, color=color, alpha=0.15, linewidth=0)
    axes.set_xticks(steps)
    axes.set(xlabel="after task", ylabel="mean validation accuracy over all tasks")
    _save(figure, path)


def _plot_final(records: Sequence[Record], path: pathlib.Path) -> None:
    """Validation accuracy and saliency error after the last task: a dot for each seed, and a tick at the mean."""
    arms = list(dict.fromkeys(record.arm for record in records))
    figure, panels = plt.subplots(1, 2, figsize=(9, 1 + 0.24 * len(arms)), sharey=True, layout="constrained")
    for axes, measure in zip(panels, ("final_validation", "saliency_mae_validation")):
        for height, arm in enumerate(arms):
            values = [MEASURES[measure](record) for record in records if record.arm == arm]
            axes.plot(values, [height] * len(values), "o", color="tab:blue", alpha=0.6, markersize=4)
            axes.plot(np.mean(values), height, "|", color="black", markersize=11)
        axes.grid(alpha=0.3)
        axes.locator_params(axis="x", nbins=5)  # more labels would overlap
    panels[0].set(yticks=range(len(arms)), yticklabels=arms, ylim=(len(arms) - 0.5, -0.5))
    panels[0].set(xlabel="final mean validation accuracy")
    panels[1].set(xlabel="saliency MAE on the validation sets")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_cost(rows: list[Row], path: pathlib.Path) -> None:
    """Accuracy against CPU time of training; arms without a run of fine-tuning to compare with are left out."""
    rows = [row for row in rows if not np.isnan(row["relative_time"])]
    if len(rows) < 2:
        path.unlink(missing_ok=True)
        return
    figure, axes, styles = _figure([row["arm"] for row in rows])
    for row, (color, marker) in zip(rows, styles.values()):
        spread = {"xerr": row["relative_time_sd"], "yerr": row["final_test_sd"]} if row["seeds"] > 1 else {}
        point = row["relative_time"], row["final_test"]
        axes.errorbar(*point, **spread, fmt=marker, color=color, label=row["arm"], capsize=3)
    axes.set(xlabel="CPU time of training, tasks 2 to N, relative to fine-tuning", ylabel="final mean test accuracy")
    _save(figure, path)
