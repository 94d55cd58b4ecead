"""Plots of several runs side by side."""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from sdkd_tf.evaluation import metrics
from sdkd_tf.reporting.comparison_tables import Record, accuracy, by_cell, differences
from sdkd_tf.reporting.fonts import drawable


def plot_comparison(records: Sequence[Record], out_dir: pathlib.Path) -> None:
    """Draws curves.png and final.png."""
    arms = list(dict.fromkeys(record.arm for record in records))
    names = dict(zip(arms, drawable(arms)))
    records = [dataclasses.replace(record, arm=names[record.arm]) for record in records]
    _plot_curves(curves(records), out_dir / "curves.png")
    _plot_final(records, out_dir / "final.png")


def curves(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Mean validation accuracy over all tasks after each task that all cells have: arm -> `[tasks, cells]` in [0, 1]."""
    found = by_cell(records, lambda record: metrics.mean_accuracy(record.results.accuracy("validation")))
    return {arm: np.array([*zip(*rows.values())]) for arm, rows in found.items()}


def _plot_curves(data: dict[str, np.ndarray], path: pathlib.Path) -> None:
    markers = itertools.chain.from_iterable(itertools.repeat(marker, 10) for marker in "osD^v")
    colors = itertools.cycle(plt.colormaps["tab10"].colors)
    figure, axes = plt.subplots(figsize=(8.5, max(4.5, 0.24 * len(data))), layout="constrained")
    for (arm, values), color, marker in zip(data.items(), colors, markers):
        steps, mean = np.arange(1, len(values) + 1), values.mean(axis=1)
        axes.plot(steps, mean, f"{marker}-", label=arm, color=color, markersize=4)
        if values.shape[1] > 1:
            spread = values.std(axis=1, ddof=1)
            axes.fill_between(steps, mean - spread, mean + spread, color=color, alpha=0.15, linewidth=0)
    axes.grid(alpha=0.3)
    axes.set_xticks(steps)
    axes.set(xlabel="after task", ylabel="mean validation accuracy over all tasks")
    figure.legend(loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_final(records: Sequence[Record], path: pathlib.Path) -> None:
    """Final test accuracy and its difference from the first arm: a dot for each cell, the mean, its 95 % interval."""
    values = accuracy(records, "test")
    arms = list(values)
    figure, panels = plt.subplots(1, 2, figsize=(9, 1 + 0.24 * len(arms)), sharey=True, layout="constrained")
    for axes, found in zip(panels, (values, differences(values))):
        for arm, numbers in ((arm, [*of_cells.values()]) for arm, of_cells in found.items() if of_cells):
            height = arms.index(arm)
            axes.plot(numbers, [height] * len(numbers), "o", color="tab:blue", alpha=0.6, markersize=4)
            axes.plot(np.mean(numbers), height, "|", color="black", markersize=11)
            if axes is panels[1] and len(numbers) > 1:
                axes.plot(metrics.mean_interval(numbers), [height] * 2, color="black", linewidth=1)
        axes.grid(alpha=0.3)
        axes.locator_params(axis="x", nbins=5)  # more labels would overlap
    panels[1].axvline(0, color="black", linewidth=0.6)
    panels[0].set(yticks=range(len(arms)), yticklabels=arms, ylim=(len(arms) - 0.5, -0.5))
    panels[0].set(xlabel="final mean test accuracy")
    panels[1].set(xlabel="difference from the first arm, 95 % interval")
    figure.savefig(path, dpi=130)
    plt.close(figure)
