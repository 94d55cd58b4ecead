"""How good the saliency maps of finished runs are, in the measures of the field: python -m sdkd_tf.saliency_quality RUN_DIR...

Scores the maps of the network after the last task on the test images of every task that have a mask.
"""

import pathlib
import sys

from tqdm import tqdm

from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.saliency_metrics import mean_absolute_error, saliency_scores

_COLUMNS = {"max_f": "max F", "s_measure": "S-measure", "mean_e": "mean E", "max_e": "max E"}


def scored_pairs(network, task, input_size):
    """Yields (map, mask), `[input_size, input_size]` each, of every test image of a task that has a mask."""
    from sdkd_tf.data.pipeline import make_dataset
    from sdkd_tf.evaluation import maps_and_masks
    from sdkd_tf.model.network import as_outputs

    for batch in make_dataset(task.test, input_size, 50):
        maps = as_outputs(network(batch["image"], training=False)).saliency.numpy()[..., 0]
        yield from (pair for pair in maps_and_masks(maps, batch) if pair)


def table(maps):
    """The scores as Markdown.

    Args:
      maps: a dict, name of a task -> list of (map, mask).

    Returns:
      A line for each task that has a pair, and one for all pairs together. MAE is that of the maps as they are, as in
      results.json; the others are those of the stretched maps, see `saliency_metrics.saliency_scores`.
    """
    rows = {name: pairs for name, pairs in maps.items() if pairs}
    rows["all"] = [pair for pairs in rows.values() for pair in pairs]
    lines = ["| test images of | MAE | " + " | ".join(_COLUMNS.values()) + " |", "|---" * (2 + len(_COLUMNS)) + "|"]
    for name, pairs in rows.items():
        error = sum(mean_absolute_error(*pair) for pair in pairs) / len(pairs)
        scores = saliency_scores(pairs)
        lines.append(f"| {name} | {error:.3f} | " + " | ".join(f"{scores[column]:.3f}" for column in _COLUMNS) + " |")
    return "\n".join(lines)


def main(run_dirs):
    with one_line_errors():
        if not run_dirs:
            raise UserError("no run directory given; expected python -m sdkd_tf.saliency_quality RUN_DIR...")
        from sdkd_tf.finished_run import load_run  # imports TensorFlow: after what needs no time

        for run_dir in map(pathlib.Path, run_dirs):
            results, sequence, network = load_run(run_dir)
            tasks = tqdm(sequence.tasks, desc=str(run_dir), unit="task")
            maps = {task.name: list(scored_pairs(network, task, results["input_size"])) for task in tasks}
            if not any(maps.values()):
                raise UserError(f"data {results['data']}: no test image has a mask or a box; expected some")
            print(f"{run_dir}\n\n{table(maps)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
