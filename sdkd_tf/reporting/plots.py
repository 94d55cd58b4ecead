"""Plots of one run: accuracy matrix, mean accuracy over tasks, saliency after each task, confusion matrix."""

import pathlib
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from sdkd_tf.evaluation import metrics
from sdkd_tf.evaluation.results import Results
from sdkd_tf.reporting.figures import save_figure
from sdkd_tf.reporting.fonts import drawable
from sdkd_tf.reporting.overlay import draw
from sdkd_tf.run import Run

_MOST_COUNTED = 40  # classes up to which the cells of a confusion matrix hold numbers


def plot_run(run: Run, out_dir: pathlib.Path | None = None) -> list[pathlib.Path]:
    """Draws the plots of a finished run.

    Args:
      run: a finished run.
      out_dir: directory for the plots; None for the run's folder `plots`.

    Returns:
      The paths of the plots.
    """
    out_dir = out_dir or run.directory / "plots"
    out_dir.mkdir(parents=True, exist_ok=True)
    results, strategy = run.results, run.config.strategy
    names = drawable(results.task_names)
    paths = [out_dir / f"{name}.png" for name in ("accuracy_matrix", "mean_accuracy", "saliency")]
    _plot_matrix(results.accuracy("test"), names, strategy, paths[0])
    _plot_mean_accuracy(results, strategy, paths[1])
    saliency = run.saliency()
    if saliency is None:
        return paths[:2]
    _plot_overlays(names, *saliency, paths[2])
    return paths


def _plot_matrix(matrix: np.ndarray, names: list[str], strategy: str, path: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(1.5 + 0.55 * len(names), 1.2 + 0.5 * len(names)), layout="constrained")
    image = axes.imshow(matrix, vmin=0, vmax=1, cmap="viridis")
    for (i, j), value in np.ndenumerate(matrix):
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="white" if value < 0.6 else "black")
    axes.set_xticks(range(len(names)), names, rotation=60)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="tested on", ylabel="after training on", title=f"Test accuracy, {strategy}")
    figure.colorbar(image, shrink=0.8)
    save_figure(figure, path)


def _plot_mean_accuracy(results: Results, strategy: str, path: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for split, style, size in (("validation", "o-", 9), ("test", "s--", 5)):  # both are visible if they are equal
        curve = metrics.mean_accuracy(results.accuracy(split))  # type: ignore[arg-type]
        axes.plot(range(1, len(curve) + 1), curve, style, markersize=size, label=split)
    axes.set_xticks(range(1, len(results.tasks) + 1))
    axes.set(xlabel="after task", ylabel="mean accuracy over all tasks", ylim=(0, 1.05), title=strategy)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    save_figure(figure, path)


def _plot_overlays(tasks: list[str], images: np.ndarray, maps: np.ndarray, path: pathlib.Path) -> None:
    names = ["image", *(f"after {name}" for name in tasks)]
    size = (1.1 * len(names), 1.15 * len(images))
    figure, grid = plt.subplots(len(images), len(names), figsize=size, layout="constrained", squeeze=False)
    side = images.shape[1]
    for k, row in enumerate(grid):
        for axes, saliency in zip(row, [None, *maps[:, k, :, :, 0]]):
            image = Image.fromarray(images[k])
            axes.imshow(image if saliency is None else draw(image, saliency), extent=(0, side, 0, side))
            axes.axis("off")
    for axes, name in zip(grid[0], names):
        axes.set_title(name, fontsize=7)
    save_figure(figure, path)


def plot_confusion(counts: np.ndarray, classes: Sequence[str], path: pathlib.Path) -> None:
    """Draws a confusion matrix: shares of each row, right ones blue and mistakes orange; counts if they fit.

    Args:
      counts: `[classes, classes]`, see `Predictions.confusion`.
      classes: names of the classes.
      path: the PNG file.
    """
    names, count = drawable(classes), len(classes)
    cell = 0.34 if count <= _MOST_COUNTED else 0.16  # inches
    figure, axes = plt.subplots(figsize=(2 + cell * count, 2 + cell * count), layout="constrained")
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    diagonal = np.eye(count, dtype=bool)
    axes.imshow(np.ma.masked_where(~diagonal, shares), vmin=0, vmax=1.3, cmap="Blues")
    axes.imshow(np.ma.masked_where(diagonal | (counts == 0), shares), vmin=-0.15, vmax=1, cmap="Oranges")
    if count <= _MOST_COUNTED:
        for i, j in np.argwhere(counts):
            color = "white" if shares[i, j] > 0.7 else "black"
            axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=7, color=color)
    size = 8 if count <= _MOST_COUNTED else 6
    axes.set_xticks(range(count), names, rotation=90, fontsize=size)
    axes.set_yticks(range(count), names, fontsize=size)
    axes.set(xlabel="predicted", ylabel="true class", xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))
    save_figure(figure, path)
