"""The directory of a run: emptied for a new one, checked before an old one goes on, and how networks and results get there."""

import json
import os
import shutil

from sdkd_tf.errors import UserError

_FILES = ("results.json", "model.keras", "optimizer.npz", "saliency.npz")
_FOLDERS = ("progress", "checkpoints", "logs", "plots", "tflite", "trade_off", ".converting")


def clear_run(run_dir, overwrite=False):
    """Makes an empty run directory; of an earlier run not even a plot stays, and nothing that is no run's is touched.

    Raises:
      UserError: it cannot be written, or holds files of a run's names, but no `flags.flags`, so that they may be anybody's;
        with `overwrite` they are removed.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        if not overwrite and not (run_dir / "flags.flags").exists():
            for name in (*_FILES, *_FOLDERS):
                path = run_dir / name
                if path.is_file() or path.is_dir() and any(path.iterdir()):
                    expected = "expected a directory without it, or --overwrite to remove it"
                    raise UserError(f"run_dir {run_dir}: holds {name}, which may not be a run's; {expected}")
        for name in _FILES:
            (run_dir / name).unlink(missing_ok=True)
        for name in _FOLDERS:
            shutil.rmtree(run_dir / name, ignore_errors=True)
        (run_dir / "flags.flags").unlink(missing_ok=True)  # last, so that whoever is killed here may go on
        (run_dir / "checkpoints").mkdir()
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"run_dir {run_dir}: cannot be written ({error.strerror})") from error


def no_results(settings, sequence, student):
    """What results.json holds, before the first task.

    Args:
      settings: a dict of what the run was asked for, which JSON can hold.
      sequence: the TaskSequence.
      student: the network, not yet trained.

    Returns:
      A dict: the settings, what they run on, and empty lists for what each task will add.
    """
    return {
        **settings,
        "classes": list(sequence.classes),
        "tasks": [task.name for task in sequence.tasks],
        "input_size": student.input_shape[1],
        "images": {"train": [len(t.train) for t in sequence.tasks], "test": [len(t.test) for t in sequence.tasks]},
        "replay_images": 0,
        "stored_bytes": 0,
        "parameters": student.count_params(),
        "accuracy_matrix": {"validation": [], "test": []},
        "saliency_mae_matrix": {"validation": [], "test": []},
        "history": [],
        "seconds_per_task": [],
        "cpu_seconds_per_task": [],
        "peak_memory_mb": [],
        "preparation": [],
    }


def check_same(run_dir, saved, settings):
    """Raises UserError if an unfinished run was started with other settings."""
    given = json.loads(json.dumps(settings))
    differing = [f"{name} {saved.get(name)!r}, not {given[name]!r}" for name in given if given[name] != saved.get(name)]
    if differing:
        raise UserError(
            f"run_dir {run_dir}: holds an unfinished run of other flags or data ({'; '.join(differing)});"
            " expected the same to go on, or --overwrite to start anew"
        )


def save_network(network, path):
    """Saves under another name first, so that `path` holds a whole network or none."""
    temporary = path.parent / f".partial-{path.name}"
    network.save(temporary)
    os.replace(temporary, path)
