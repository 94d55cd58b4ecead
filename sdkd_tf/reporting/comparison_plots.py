"""Plots of several runs side by side."""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from sdkd_tf.evaluation import metrics
from sdkd_tf.reporting.comparison_tables import Record, accuracy, by_cell, differences
from sdkd_tf.reporting.figures import save_figure
from sdkd_tf.reporting.fonts import drawable

_LINES = ["--", "-.", ":", (0, (6, 1)), (0, (3, 1, 1, 1, 1, 1))]  # as many as markers; 9 colors give 45 combinations
_MARKERS = "sD^vP"

Styles = dict[str, dict[str, Any]]


def plot_comparison(records: Sequence[Record], out_dir: pathlib.Path) -> None:
    """Draws curves.png and final.png."""
    arms = list(dict.fromkeys(record.arm for record in records))
    names = dict(zip(arms, drawable(arms)))
    records = [dataclasses.replace(record, arm=names[record.arm]) for record in records]
    styles = line_styles(records)
    _plot_curves(curves(records), styles, out_dir / "curves.png")
    _plot_final(records, styles, out_dir / "final.png")


def curves(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Mean validation accuracy over all tasks after each task that all cells have: arm -> `[tasks, cells]` in [0, 1].

    Only the arms with the most cells are included, because more curves could not be told apart.
    """
    found = by_cell(records, lambda record: metrics.mean_accuracy(record.results.accuracy("validation")))
    most = max(map(len, found.values()))
    return {arm: np.array([*zip(*rows.values())]) for arm, rows in found.items() if len(rows) == most}


def line_styles(records: Sequence[Record]) -> Styles:
    """Keyword arguments of `Axes.plot` for each arm.

    The first arm with SDKD's strategy is bold. The others differ in color, line style and marker, so that they can be
    told apart without color as well.
    """
    method = next((record.arm for record in records if record.config.strategy == "sdkd"), None)
    others = zip(*map(itertools.cycle, (plt.colormaps["tab10"].colors[1:], _LINES, _MARKERS)))
    styles: Styles = {}
    for arm in dict.fromkeys(record.arm for record in records):
        color, line, marker = ("tab:blue", "-", "o") if arm == method else next(others)
        width, size = (3.0, 7.0) if arm == method else (1.4, 4.5)
        styles[arm] = {
            **{"color": color, "linestyle": line, "marker": marker, "linewidth": width, "markersize": size},
            "zorder": 3 if arm == method else 2,
        }
    return styles


def _plot_curves(data: dict[str, np.ndarray], styles: Styles, path: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(8.5, max(4.5, 0.24 * len(data))), layout="constrained")
    for arm, values in data.items():
        steps, mean = np.arange(1, len(values) + 1), values.mean(axis=1)
        axes.plot(steps, mean, label=arm, **styles[arm])
        if values.shape[1] > 1:
            spread = values.std(axis=1, ddof=1)
            axes.fill_between(steps, mean - spread, mean + spread, color=styles[arm]["color"], alpha=0.15, linewidth=0)
    axes.grid(alpha=0.3)
    axes.set_xticks(steps)
    axes.set(xlabel="after task", ylabel="mean validation accuracy over all tasks")
    figure.legend(loc="outside right upper", frameon=False, handlelength=4)
    save_figure(figure, path)


def _plot_final(records: Sequence[Record], styles: Styles, path: pathlib.Path) -> None:
    """Final test accuracy and its difference from the first arm: a dot for each cell, the mean, its 95 % interval."""
    values = accuracy(records, "test")
    arms = list(values)
    figure, panels = plt.subplots(1, 2, figsize=(9, 1 + 0.24 * len(arms)), sharey=True, layout="constrained")
    for axes, found in zip(panels, (values, differences(values))):
        for arm, numbers in ((arm, [*of_cells.values()]) for arm, of_cells in found.items() if of_cells):
            height = arms.index(arm)
            axes.plot(numbers, [height] * len(numbers), **{**styles[arm], "linestyle": "none", "alpha": 0.7})
            axes.plot(np.mean(numbers), height, "|", color="black", markersize=11, zorder=4)
            if axes is panels[1] and len(numbers) > 1:
                axes.plot(metrics.mean_interval(numbers), [height] * 2, color="black", linewidth=1)
        axes.grid(alpha=0.3)
        axes.locator_params(axis="x", nbins=5)  # more labels would overlap
    panels[1].axvline(0, color="black", linewidth=0.6)
    panels[0].set(yticks=range(len(arms)), yticklabels=arms, ylim=(len(arms) - 0.5, -0.5))
    panels[0].set(xlabel="final mean test accuracy")
    panels[1].set(xlabel="difference from the first arm, 95 % interval")
    save_figure(figure, path)
