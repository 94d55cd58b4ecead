"""Tables and plots of what a run saved: `python -m sdkd_tf.report RUN_DIR...` draws and prints them again."""

import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from sdkd_tf import metrics
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.json_file import read_json
from sdkd_tf.npz import read_npz
from sdkd_tf.overlay import overlay

# Names of tasks are no formulas, whatever they hold.
plt.rcParams["text.parse_math"] = False

# What reports and comparisons read, as `json_file.read_json` describes it.
_RESULTS = {
    "strategy": str,
    "architecture": str,
    "seed": int,
    "input_size": int,
    "parameters": int,
    "tasks": [str],
    "accuracy_matrix": {"validation": [[float]], "test": [[float]]},
    "saliency_mae_matrix": {"validation": [[(float, None)]], "test": [[(float, None)]]},
    "seconds_per_task": [float],
    "cpu_seconds_per_task": ([float], None),  # not in the first runs recorded
    "peak_memory_mb": [float],
    "replay_images": int,
    "stored_bytes": int,
}
_SPLIT = {"accuracy": {str: {"float": float, "tflite": float}}, "top1_agreement": float, "saliency_difference": float}
_CONVERSION = {
    "file": str,
    "validation": _SPLIT,
    "test": {
        **_SPLIT,
        "resized": {"nearest": float, "bilinear": float},
        "saliency_mae": ({"float": (float, None), "tflite": (float, None)}, None),
    },
    "bytes": int,
    "latency": {"median_ms": float, "machine": str},
    "float_ops": [str],
}


def load_results(run_dir, further=None):
    """Reads `results.json` of a finished run.

    Args:
      run_dir: the run's directory.
      further: what must be in it beyond what reports need, as `json_file.read_json` describes it.

    Raises:
      UserError: there is none, or it is not what train.py writes.
    """
    path = pathlib.Path(run_dir) / "results.json"
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected the directory of a finished run of train.py")
    results = read_json(path, {**_RESULTS, **(further or {})}, "train.py")
    count = len(results["tasks"])
    for name in ("accuracy_matrix", "saliency_mae_matrix"):
        for split, rows in results[name].items():
            if not count or {len(rows), *map(len, rows)} != {count}:
                raise UserError(f"{path}: {name}.{split} is not square; expected {count} rows and columns, one a task")
    for name in ("seconds_per_task", "cpu_seconds_per_task", "peak_memory_mb"):
        if results.get(name) is not None and len(results[name]) != count:
            raise UserError(f"{path}: {name} has {len(results[name])} numbers; expected {count}, one a task")
    return results


def load_conversions(path):
    """Reads a conversion.json. Raises UserError when it is not what convert.py writes."""
    return read_json(path, {str: _CONVERSION}, "convert.py")


def plot_run(run_dir):
    """Draws `plots/`: accuracy matrix, mean accuracy over tasks, and saliency overlays after each task."""
    run_dir = pathlib.Path(run_dir)
    results = load_results(run_dir)
    plots = run_dir / "plots"
    plots.mkdir(exist_ok=True)
    _plot_matrix(results, plots / "accuracy_matrix.png")
    _plot_mean_accuracy(results, plots / "mean_accuracy.png")
    if (run_dir / "saliency.npz").is_file():
        _plot_overlays(results, *_load_maps(run_dir / "saliency.npz", len(results["tasks"])), plots / "saliency.png")


def _load_maps(path, tasks):
    """Images `[n, s, s, 3]` and their maps after each task, `[tasks, n, h, w, 1]`."""
    try:
        saved = read_npz(path)
    except ValueError as error:
        raise UserError(f"{path}: {error}; expected a file written by train.py") from error
    images, maps = (saved.get(name, np.zeros(0)) for name in ("images", "maps"))
    fits = images.ndim == 4 and maps.ndim == 5 and maps.shape[:2] == (tasks, len(images)) and images.dtype == np.uint8
    if not fits or images.shape[3] != 3 or maps.shape[4] != 1 or not images.size or not maps.size:
        raise UserError(
            f"{path}: holds arrays {images.shape} and {maps.shape}; expected images and maps of {tasks} tasks"
        )
    return images, maps


def summary(run_dir):
    """The run's numbers as text: mean accuracy after each task, forgetting, saliency, and the conversion, if there is one."""
    run_dir = pathlib.Path(run_dir)
    results = load_results(run_dir)
    matrices = results["accuracy_matrix"]
    lines = [
        f"strategy {results['strategy']}, seed {results['seed']}, {results['parameters'] / 1e6:.2f} M parameters",
        "",
    ]
    lines += ["| after task | mean validation accuracy | mean test accuracy |", "|---|---|---|"]
    curves = [metrics.mean_accuracy(matrices[split]) for split in ("validation", "test")]
    lines += [f"| {name} | {v:.3f} | {t:.3f} |" for name, v, t in zip(results["tasks"], *curves)]
    lines += ["", "| | validation | test |", "|---|---|---|"]
    rows = {"final mean accuracy": metrics.final_mean_accuracy, "forgetting": metrics.forgetting}
    lines += [f"| {name} | {f(matrices['validation']):.3f} | {f(matrices['test']):.3f} |" for name, f in rows.items()]
    errors = [results["saliency_mae_matrix"][split][-1] for split in ("validation", "test")]
    if None not in errors[0] + errors[1]:
        lines += [f"| saliency MAE after the last task | {np.mean(errors[0]):.3f} | {np.mean(errors[1]):.3f} |"]
    lines += [
        "",
        f"training {sum(results['seconds_per_task']) / 60:.1f} min, replayed images {results['replay_images']}",
        _memory_line(results["peak_memory_mb"], results["tasks"]),
        f"on disk {_megabytes(run_dir)}, of it checkpoints {_megabytes(run_dir / 'checkpoints')}",
    ]
    conversion = run_dir / "tflite" / "conversion.json"
    if conversion.is_file():
        lines += ["", *_conversion_lines(load_conversions(conversion))]
    pictures = sorted((run_dir / "plots").glob("*.png"))
    lines += ["", "pictures: " + ", ".join(str(path) for path in pictures)]
    return "\n".join(lines)


def _memory_line(peaks, tasks):
    """The peak of memory, and what it grew by after the third task, when everything has been allocated once."""
    line = f"memory at most {max(peaks):.0f} MB"
    return f"{line}, {max(peaks) / peaks[2] - 1:.1%} over the peak until {tasks[2]}" if len(peaks) > 3 else line


def _megabytes(directory):
    return f"{sum(path.stat().st_size for path in directory.rglob('*') if path.is_file()) / 1e6:.0f} MB"


def _conversion_lines(conversions):
    def both(value):
        return lambda c: ", ".join(f"{value(c[split]):.3f}" for split in ("validation", "test"))

    def mean(kind):
        return both(lambda split: np.mean([task[kind] for task in split["accuracy"].values()]))

    rows = {
        "file": lambda c: c["file"],
        "mean accuracy (validation, test): float model": mean("float"),
        ".tflite": mean("tflite"),
        ".tflite, test images scaled by nearest neighbour": lambda c: f"{c['test']['resized']['nearest']:.3f}",
        ".tflite, test images scaled bilinearly": lambda c: f"{c['test']['resized']['bilinear']:.3f}",
        "top-1 agreement (validation, test)": both(lambda split: split["top1_agreement"]),
        "mean absolute saliency difference (validation, test)": both(lambda split: split["saliency_difference"]),
        "saliency MAE on test images: float model, .tflite": lambda c: _maes_text(c["test"].get("saliency_mae")),
        "file size": lambda c: f"{c['bytes'] / 1e6:.2f} MB",
        "latency, one thread": lambda c: f"{c['latency']['median_ms']:.1f} ms ({c['latency']['machine']})",
        "operators left in float": lambda c: ", ".join(c["float_ops"]) if len(c["float_ops"]) < 8 else "all",
    }
    columns = list(conversions.values())
    lines = ["| quantization | " + " | ".join(conversions) + " |", "|---" * (1 + len(columns)) + "|"]
    return lines + [
        f"| {name} | " + " | ".join(value(c) or "none" for c in columns) + " |" for name, value in rows.items()
    ]


def _maes_text(maes):
    pair = [(maes or {}).get(kind) for kind in ("float", "tflite")]
    return "no masks" if None in pair else ", ".join(f"{value:.3f}" for value in pair)


def _plot_matrix(results, path):
    matrix = np.array(results["accuracy_matrix"]["test"])
    names = results["tasks"]
    figure, axes = plt.subplots(figsize=(1.5 + 0.55 * len(names), 1.2 + 0.5 * len(names)), layout="constrained")
    image = axes.imshow(matrix, vmin=0, vmax=1, cmap="viridis")
    for (i, j), value in np.ndenumerate(matrix):
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="white" if value < 0.6 else "black")
    axes.set_xticks(range(len(names)), names, rotation=60)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="tested on", ylabel="after training on", title=f"Test accuracy, {results['strategy']}")
    figure.colorbar(image, shrink=0.8)
    _save(figure, path)


def _plot_mean_accuracy(results, path):
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for split, style in (("validation", "o-"), ("test", "s--")):
        curve = metrics.mean_accuracy(results["accuracy_matrix"][split])
        axes.plot(range(1, len(curve) + 1), curve, style, label=split)
    axes.set_xticks(range(1, len(results["tasks"]) + 1))
    axes.set(xlabel="after task", ylabel="mean accuracy over all tasks", ylim=(0, 1), title=results["strategy"])
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def _plot_overlays(results, images, maps, path):
    names = ["image", *(f"after {name}" for name in results["tasks"])]
    figure, grid = plt.subplots(
        len(images), len(names), figsize=(1.1 * len(names), 1.15 * len(images)), layout="constrained", squeeze=False
    )
    size = images.shape[1]
    for k, row in enumerate(grid):
        for axes, saliency in zip(row, [None, *maps[:, k, :, :, 0]]):
            axes.imshow(images[k] if saliency is None else overlay(images[k], saliency), extent=(0, size, 0, size))
            axes.axis("off")
    for axes, name in zip(grid[0], names):
        axes.set_title(name, fontsize=7)
    _save(figure, path)


def _save(figure, path):
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(run_dirs):
    with one_line_errors():
        if not run_dirs:
            raise UserError("no run directory given; expected python -m sdkd_tf.report RUN_DIR...")
        for run_dir in run_dirs:
            plot_run(run_dir)
            print(summary(run_dir), end="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
