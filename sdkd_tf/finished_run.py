"""A finished run of train.py read back: what it wrote, the data it was trained on, its network."""

import pathlib

from sdkd_tf.data.sequence import Problems, load_sequence, without_images
from sdkd_tf.errors import UserError
from sdkd_tf.model.saved import load_network
from sdkd_tf.report import load_results

# What is needed of results.json beyond what reports read.
_RUN = {
    "classes": [str],
    "data": str,
    "selection": {
        "labels": (str, None),
        "filelist": (str, None),
        "max_tasks": (int, None),
        "levels": ([(str, int)], None),
        **{name: ([str], None) for name in ("tasks", "factors", "objects")},
    },
    "skipped": dict,
}


def load_run(run_dir, further=None):
    """Reads a finished run whose network has saliency.

    Args:
      run_dir: the run's directory.
      further: what else must be in results.json, as `json_file.read_json` describes it.

    Returns:
      (results, sequence, network): the content of results.json, the TaskSequence without the images that the run skipped, and
      the network after the last task.

    Raises:
      UserError: there is no finished run, it is one of VGG-16, its data are not there or not its own any more, or its network
        does not fit its classes.
    """
    run_dir = pathlib.Path(run_dir)
    results = load_results(run_dir, {**_RUN, **(further or {})})
    if results["architecture"] != "sdkd":
        raise UserError(f"{run_dir}: holds a {results['architecture']} network; expected one with saliency (sdkd)")
    problems = Problems()
    selection = {name: value for name, value in results["selection"].items() if name in _RUN["selection"]}
    sequence = load_sequence(results["data"], **selection, problems=problems)
    sequence = without_images(sequence, set(map(pathlib.Path, results["skipped"])))
    if problems.general:
        raise UserError(problems.general[0])
    if list(sequence.classes) != results["classes"]:
        raise UserError(f"data {results['data']}: its classes are not those of {run_dir / 'results.json'}")
    network = load_network(run_dir / "model.keras")
    if network.output_shape[0][1] != len(results["classes"]):
        raise UserError(
            f"{run_dir}: model.keras has {network.output_shape[0][1]} classes, results.json {len(results['classes'])}"
        )
    return results, sequence, network
