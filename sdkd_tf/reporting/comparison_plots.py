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

_LINES = ["--", "-.", ":", (0, (6, 1)), (0, (3, 1, 1, 1, 1, 1))]  # as many as markers; 9 colors give 45 combinations
_MARKERS = "sD^vP"

Styles = dict[str, dict[str, Any]]


def plot_comparison(records: Sequence[Record], out_dir: pathlib.Path) -> None:
    """Draws curves.png, final.png and, if there is a run of fine-tuning to compare with, cost.png."""
    arms = list(dict.fromkeys(record.arm for record in records))
    names = dict(zip(arms, drawable(arms)))
    records = [dataclasses.replace(record, arm=names[record.arm]) for record in records]
    styles = line_styles(records)
    _plot_curves(curves(records), styles, out_dir / "curves.png")
    _plot_final(records, styles, out_dir / "final.png")
    _plot_cost(summary_rows(records), styles, out_dir / "cost.png")


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


def _figure(arms: int) -> tuple[plt.Figure, plt.Axes]:
    """A figure with room for a legend of some arms on its right, and its axes."""
    figure, axes = plt.subplots(figsize=(8.5, max(4.5, 0.24 * arms)), layout="constrained")
    axes.grid(alpha=0.3)
    return figure, axes


def _save(figure: plt.Figure, path: pathlib.Path) -> None:
    figure.legend(loc="outside right upper", frameon=False, handlelength=4)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_curves(data: dict[str, np.ndarray], styles: Styles, path: pathlib.Path) -> None:
    figure, axes = _figure(len(data))
    for arm, values in data.items():
        steps, mean = np.arange(1, values.shape[1] + 1), values.mean(axis=0)
        axes.plot(steps, mean, label=arm, **styles[arm])
        if len(values) > 1:
            spread = values.std(axis=0, ddof=1)
            axes.fill_between(steps, mean - spread, mean + spread, color=styles[arm]["color"], alpha=0.15, linewidth=0)
    axes.set_xticks(steps)
    axes.set(xlabel="after task", ylabel="mean validation accuracy over all tasks")
    _save(figure, path)


def _plot_final(records: Sequence[Record], styles: Styles, path: pathlib.Path) -> None:
    """Validation accuracy and saliency error after the last task: a dot for each seed, and a tick at the mean."""
    arms = list(dict.fromkeys(record.arm for record in records))
    figure, panels = plt.subplots(1, 2, figsize=(9, 1 + 0.24 * len(arms)), sharey=True, layout="constrained")
    for axes, measure in zip(panels, ("final_validation", "saliency_mae_validation")):
        for height, arm in enumerate(arms):
            values = [MEASURES[measure](record) for record in records if record.arm == arm]
            look = {**styles[arm], "linestyle": "none", "alpha": 0.7}
            axes.plot(values, [height] * len(values), **look)
            axes.plot(np.mean(values), height, "|", color="black", markersize=11, zorder=4)
        axes.grid(alpha=0.3)
        axes.locator_params(axis="x", nbins=5)  # more labels would overlap
    panels[0].set(yticks=range(len(arms)), yticklabels=arms, ylim=(len(arms) - 0.5, -0.5))
    panels[0].set(xlabel="final mean validation accuracy")
    panels[1].set(xlabel="saliency MAE on the validation sets")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_cost(rows: list[Row], styles: Styles, path: pathlib.Path) -> None:
    """Accuracy against CPU time of training; arms without a run of fine-tuning to compare with are left out."""
    rows = [row for row in rows if not np.isnan(row["relative_time"])]
    if len(rows) < 2:
        path.unlink(missing_ok=True)
        return
    figure, axes = _figure(len(rows))
    for row in rows:
        spread = {"xerr": row["relative_time_sd"], "yerr": row["final_test_sd"]} if row["seeds"] > 1 else {}
        look = {**styles[row["arm"]], "linestyle": "none", "elinewidth": 1.2, "capsize": 3}
        axes.errorbar(row["relative_time"], row["final_test"], **spread, **look, label=row["arm"])
    axes.set(xlabel="CPU time of training, tasks 2 to N, relative to fine-tuning", ylabel="final mean test accuracy")
    _save(figure, path)
