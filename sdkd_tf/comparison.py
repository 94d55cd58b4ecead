"""Tables and plots of several runs side by side: what `compare` writes.

`runs` is a dict, (arm, seed) -> directory of a finished run.
"""

import csv
import itertools

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from sdkd_tf import metrics
from sdkd_tf.report import load_results


def write_outputs(runs, out_dir):
    """Writes table.md, table.csv, curves.png, final.png and cost.png to `out_dir`."""
    rows = summary_rows(runs)
    (out_dir / "table.md").write_text(table(runs))
    with (out_dir / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    _plot_curves(curves(runs), out_dir / "curves.png")
    _plot_final(runs, out_dir / "final.png")
    _plot_cost(rows, out_dir / "cost.png")


def curves(runs, split="validation"):
    """Mean accuracy over all tasks after each task.

    Args:
      runs: see above.
      split: `validation` or `test`.

    Returns:
      A dict, arm -> array `[seeds, tasks]` in [0, 1].
    """
    found = {}
    for (arm, _), run_dir in runs.items():
        found.setdefault(arm, []).append(metrics.mean_accuracy(load_results(run_dir)["accuracy_matrix"][split]))
    return {arm: np.array(rows) for arm, rows in found.items()}


def _maes(results, split="test"):
    return np.array(results["saliency_mae_matrix"][split], float)  # None becomes nan


def _validation(metric):
    return lambda results: metric(results["accuracy_matrix"]["validation"])


def _test(metric):
    return lambda results: metric(results["accuracy_matrix"]["test"])


# Column of table.csv -> what a run's results.json says. In table.md the columns stand in four tables.
_MEASURES = {
    "final_validation": _validation(metrics.final_mean_accuracy),
    "forgetting_validation": _validation(metrics.forgetting),
    "saliency_mae_validation": lambda r: _maes(r, "validation")[-1].mean(),
    "final_test": _test(metrics.final_mean_accuracy),
    "forgetting_test": _test(metrics.forgetting),
    "saliency_mae_test": lambda r: _maes(r)[-1].mean(),
    "saliency_mae_task1_first": lambda r: _maes(r)[0, 0],
    "saliency_mae_task1_last": lambda r: _maes(r)[-1, 0],
    "openloris_accuracy_test": _test(metrics.openloris_accuracy),
    "openloris_bwt_test": _test(metrics.openloris_bwt),
    "openloris_fwt_test": _test(metrics.openloris_fwt),
    "openloris_overall_test": _test(metrics.openloris_overall),
    "gem_bwt_test": _test(metrics.gem_bwt),
    "peak_memory_mb": lambda r: max(r["peak_memory_mb"]),
    "stored_mb": lambda r: r["stored_bytes"] / 1e6,
    "replay_images": lambda r: r["replay_images"],
}
_TABLES = {
    "After the last task, on the validation sets, on which flags are chosen:": {
        "accuracy": "final_validation",
        "forgetting": "forgetting_validation",
        "saliency MAE": "saliency_mae_validation",
    },
    "After the last task, on the test sets:": {
        "accuracy": "final_test",
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
    "Cost: CPU time for tasks 2 to N against fine-tuning of the same network with the same seed, memory at its peak, kept from task"
    " to task:": {
        "CPU time": "relative_time",
        "peak memory, MB": "peak_memory_mb",
        "kept, MB": "stored_mb",
        "kept images": "replay_images",
    },
}


_SAME_WORK = "architecture", "network", "input_size", "epochs", "batch_size", "augmentation", "tasks", "seed"


def summary_rows(runs):
    """One dict an arm: means and sample standard deviations over the seeds of what a run ends with."""
    results = {key: load_results(run_dir) for key, run_dir in runs.items()}
    rows = []
    for arm in dict.fromkeys(arm for arm, _ in runs):
        its = [r for (name, _), r in results.items() if name == arm]
        row = {"arm": arm, "seeds": len(its), "input_size": its[0]["input_size"]}
        columns = {name: [measure(r) for r in its] for name, measure in _MEASURES.items()}
        columns["relative_time"] = [_relative_time(r, results.values()) for r in its]
        for name, values in columns.items():
            row[name] = np.mean(values)
            row[f"{name}_sd"] = np.std(values, ddof=1) if len(values) > 1 else 0.0
        rows.append(row)
    return rows


def _relative_time(run, others):
    """CPU seconds of tasks 2 to N, over those of fine-tuning with all else the same; nan if there is no such run.

    Not seconds of the clock: of runs side by side, these tell which of them had the cores.
    """
    for other in others:
        if other["strategy"] == "finetune" and all(other.get(key) == run.get(key) for key in _SAME_WORK):
            times = [results.get("cpu_seconds_per_task") for results in (run, other)]
            return np.nan if None in times else sum(times[0][1:]) / max(1e-9, sum(times[1][1:]))
    return np.nan


def table(runs):
    """The comparison as Markdown: the paper's curve (mean validation accuracy after each task), then the final numbers."""
    data = curves(runs)
    count = len(next(iter(data.values()))[0])
    lines = [
        "Mean validation accuracy over all tasks after each task (several seeds: mean, and standard deviation below):",
        "",
    ]
    lines += ["| after task | " + " | ".join(str(i + 1) for i in range(count)) + " |", "|---" * (count + 1) + "|"]
    for arm, values in data.items():
        cells = [_short(mean) for mean in values.mean(axis=0)]
        if len(values) > 1:
            cells = [f"{cell}<br>±{_short(d)}" for cell, d in zip(cells, values.std(axis=0, ddof=1))]
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    rows = summary_rows(runs)
    for title, columns in _TABLES.items():
        lines += ["", title, "", "| | input | " + " | ".join(columns) + " | seeds |", "|---" * (len(columns) + 3) + "|"]
        for row in rows:
            cells = [_cell(row, name) for name in columns.values()]
            lines.append(f"| {row['arm']} | {row['input_size']} px | " + " | ".join(cells) + f" | {row['seeds']} |")
    return "\n".join(lines) + "\n"


def _cell(row, name):
    value, deviation = row[name], row[f"{name}_sd"]
    spread = row["seeds"] > 1
    if np.isnan(value):
        return "–"
    if name == "replay_images":
        return f"{value:.0f}"
    if name.endswith("_mb"):
        return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
    if name == "relative_time":
        return f"{value:.2f} ± {deviation:.2f}" if spread else f"{value:.2f}"
    return f"{_short(value)} ± {_short(deviation)}" if spread else _short(value)


def _short(value):
    """.845 for 0.845, as the paper's table writes it."""
    return f"{value:.3f}".replace("0.", ".", 1)


def _figure(arms):
    """A figure with room for a legend at its right, its axes, and a colour and marker for each arm."""
    markers = itertools.chain.from_iterable(itertools.repeat(marker, 10) for marker in "osD^v")
    styles = dict(zip(arms, zip(itertools.cycle(plt.colormaps["tab10"].colors), markers)))
    figure, axes = plt.subplots(figsize=(8.5, max(4.5, 0.24 * len(styles))), layout="constrained")
    axes.grid(alpha=0.3)
    return figure, axes, styles


def _save(figure, path):
    figure.legend(loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_curves(data, path):
    figure, axes, styles = _figure(data)
    for arm, (colour, marker) in styles.items():
        steps, mean = np.arange(1, data[arm].shape[1] + 1), data[arm].mean(axis=0)
        axes.plot(steps, mean, f"{marker}-", label=arm, color=colour, markersize=4)
        if len(data[arm]) > 1:
            spread = data[arm].std(axis=0, ddof=1)
            axes.fill_between(steps, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
    axes.set_xticks(steps)
    axes.set(xlabel="after task", ylabel="mean validation accuracy over all tasks")
    _save(figure, path)


def _plot_final(runs, path):
    """Validation accuracy and saliency error after the last task, arm by arm: a dot for each seed, a stroke at their mean."""
    arms = list(dict.fromkeys(arm for arm, _ in runs))
    figure, panels = plt.subplots(1, 2, figsize=(9, 1 + 0.24 * len(arms)), sharey=True, layout="constrained")
    for axes, measure in zip(panels, ("final_validation", "saliency_mae_validation")):
        for height, arm in enumerate(arms):
            values = [_MEASURES[measure](load_results(run_dir)) for (name, _), run_dir in runs.items() if name == arm]
            axes.plot(values, [height] * len(values), "o", color="tab:blue", alpha=0.6, markersize=4)
            axes.plot(np.mean(values), height, "|", color="black", markersize=11)
        axes.grid(alpha=0.3)
        axes.locator_params(axis="x", nbins=5)  # more labels of close values would run into each other
    panels[0].set(yticks=range(len(arms)), yticklabels=arms, ylim=(len(arms) - 0.5, -0.5))
    panels[0].set(xlabel="final mean validation accuracy")
    panels[1].set(xlabel="saliency MAE on the validation sets")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_cost(rows, path):
    """Accuracy against CPU time of training; arms without a fine-tuning run to compare with are left out; one alone is no plot."""
    rows = [row for row in rows if not np.isnan(row["relative_time"])]
    if len(rows) < 2:
        path.unlink(missing_ok=True)
        return
    figure, axes, styles = _figure([row["arm"] for row in rows])
    for row, (colour, marker) in zip(rows, styles.values()):
        spread = {"xerr": row["relative_time_sd"], "yerr": row["final_test_sd"]} if row["seeds"] > 1 else {}
        axes.errorbar(
            row["relative_time"], row["final_test"], **spread, fmt=marker, color=colour, label=row["arm"], capsize=3
        )
    axes.set(xlabel="CPU time of training, tasks 2 to N, against fine-tuning", ylabel="final mean test accuracy")
    _save(figure, path)
