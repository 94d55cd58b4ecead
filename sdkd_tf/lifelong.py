"""The task loop: prepare (SDKD: student becomes teacher), train on the new task, evaluate on every task, save, next."""

import functools
import json
import math
import os
import pathlib
import resource
import shutil
import time

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tqdm import tqdm

from sdkd_tf import report, saliency_metrics
from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import check_images, load_sequence
from sdkd_tf.errors import UserError
from sdkd_tf.heartbeat import FirstStepHeartbeat
from sdkd_tf.model.network import as_outputs, build_network
from sdkd_tf.model.vgg16 import build_vgg16
from sdkd_tf.strategies import STRATEGIES
from sdkd_tf.upsampling import upsample

ARCHITECTURES = {"sdkd": build_network, "vgg16": build_vgg16}
_OVERLAY_IMAGES = 8
_KEEP_BYTES = 2**29  # of decoded images, over which they are decoded anew for every evaluation


def run(
    run_dir,
    data_dir="rendered",
    selection=None,
    strategy="sdkd",
    epochs=4,
    first_task_epochs=None,
    batch_size=16,
    learning_rate=1e-4,
    first_task_learning_rate=None,
    seed=0,
    overwrite=False,
    architecture="sdkd",
    network=None,
    options=None,
    flagfile="",
):
    """Trains a lifelong sequence and writes the run directory.

    A run directory holds `results.json`, `flags.flags`, `model.keras`, `checkpoints/<task>.keras`, `logs/` for
    TensorBoard, `saliency.npz` and `plots/`. `results.json` is written last: a directory without it holds no run.

    Args:
      run_dir: where to write.
      data_dir: a layout that `sequence.load_sequence` reads, or `rendered`.
      selection: further keyword arguments of `load_sequence`: which tasks, factors, levels, objects and labels.
      strategy: a key of `strategies.STRATEGIES`.
      epochs: passes over each task's training images.
      first_task_epochs: the same for the first task, in which the decoders start untrained; None means `epochs`.
      batch_size: images a step.
      learning_rate: Adam's at the start of each task; falls along a half cosine to 0 over the task's epochs.
      first_task_learning_rate: the same for the first task; None means `learning_rate`.
      seed: of weights, shuffling and augmentation.
      overwrite: replace a finished run.
      architecture: `sdkd`, or `vgg16`, the paper's baseline.
      network: keyword arguments of `build_network` or `build_vgg16` (without num_classes).
      options: keyword arguments of the strategy's class.
      flagfile: text of the flags that repeat this run, saved beside the results.

    Returns:
      The content of results.json.

    Raises:
      UserError: bad data, an unknown strategy, or a finished run in `run_dir`.
    """
    run_dir = pathlib.Path(run_dir)
    if strategy not in STRATEGIES:
        raise UserError(f"strategy is {strategy!r}; expected one of {', '.join(STRATEGIES)}")
    if architecture not in ARCHITECTURES:
        raise UserError(f"architecture is {architecture!r}; expected one of {', '.join(ARCHITECTURES)}")
    if (run_dir / "results.json").exists() and not overwrite:
        raise UserError(f"run_dir {run_dir}: already holds a finished run; use another or --overwrite")
    sequence = load_sequence(data_dir, **(selection or {}))
    everything = [e for task in sequence.tasks for e in (*task.train, *task.validation, *task.test)]
    check_images(everything, lambda x: tqdm(x, desc="checking images", unit="image"))

    keras.utils.set_random_seed(seed)
    student = ARCHITECTURES[architecture](len(sequence.classes), **(network or {}))
    input_size = student.input_shape[1]
    learner = STRATEGIES[strategy](student, **(options or {}))
    learner.compile(keras.optimizers.Adam(clipvalue=0.5))

    _clear(run_dir)
    (run_dir / "flags.flags").write_text(flagfile)
    gallery = _gallery(sequence, input_size)
    predicted = predictions(student, _held_out(sequence, input_size))
    results = {
        "strategy": strategy,
        "architecture": architecture,
        "seed": seed,
        "data": str(data_dir),
        "selection": selection or {},
        "classes": list(sequence.classes),
        "tasks": [task.name for task in sequence.tasks],
        "input_size": input_size,
        "options": options or {},
        "images": {"train": [len(t.train) for t in sequence.tasks], "test": [len(t.test) for t in sequence.tasks]},
        "replay_images": 0,
        "stored_bytes": 0,
        "parameters": student.count_params(),
        "accuracy_matrix": {"validation": [], "test": []},
        "saliency_mae_matrix": {"validation": [], "test": []},
        "history": [],
        "seconds_per_task": [],
        "preparation": [],
    }

    def plain(examples, size=batch_size):
        return make_dataset(examples, input_size, size)

    maps = []
    for index, task in enumerate(sequence.tasks):
        print(f"\ntask {index + 1}/{len(sequence.tasks)}: {task.name}, {len(task.train)} images, strategy {strategy}")
        start = time.monotonic()
        augmented = functools.partial(
            make_dataset, input_size=input_size, batch_size=batch_size, augment_seed=seed + index, drop_remainder=True
        )
        results["replay_images"], results["stored_bytes"] = len(learner.kept_examples), learner.stored_bytes
        results["preparation"].append(learner.begin_task(index, plain(task.train)))
        task_epochs, rate = epochs, learning_rate
        if index == 0:
            task_epochs, rate = first_task_epochs or epochs, first_task_learning_rate or learning_rate
        train = learner.training_batches(task.train, augmented).take(max(1, len(task.train) // batch_size))
        history = learner.fit(
            train,
            epochs=task_epochs,
            callbacks=[
                *([FirstStepHeartbeat()] if index == 0 else []),
                CosineDecay(task_epochs, rate),
                keras.callbacks.TensorBoard(str(run_dir / "logs" / task.name), write_graph=False),
                keras.callbacks.TerminateOnNaN(),
            ],
            verbose=1,
        )
        if not math.isfinite(history.history["loss"][-1]):
            raise UserError(f"task {task.name}: the loss is not finite; lower --learning_rate (is {learning_rate})")
        results["history"].append({name: [float(v) for v in values] for name, values in history.history.items()})
        learner.end_task(task.train, plain)
        results["seconds_per_task"].append(time.monotonic() - start)
        evaluate_all(predicted, sequence, results)
        maps.append(as_outputs(student.predict(gallery / np.float32(127.5) - 1, verbose=0)).saliency)
        student.save(run_dir / "checkpoints" / f"{task.name}.keras")
        print(f"mean validation accuracy over all tasks: {np.mean(results['accuracy_matrix']['validation'][-1]):.3f}")

    results["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    student.save(run_dir / "model.keras")
    if learner.has_saliency:
        np.savez_compressed(run_dir / "saliency.npz", images=gallery, maps=np.stack(maps))
    temporary = run_dir / "results.json.tmp"
    temporary.write_text(json.dumps(results, indent=1))
    os.replace(temporary, run_dir / "results.json")
    report.plot_run(run_dir)
    return results


def _clear(run_dir):
    """Makes an empty run directory; of an earlier run not even a plot stays, and nothing that is no run's is touched."""
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"run_dir {run_dir}: cannot be made a directory ({error.strerror})") from error
    for name in ("results.json", "model.keras", "saliency.npz", "flags.flags"):
        (run_dir / name).unlink(missing_ok=True)
    for name in ("checkpoints", "logs", "plots", "tflite"):
        shutil.rmtree(run_dir / name, ignore_errors=True)
    (run_dir / "checkpoints").mkdir()


class CosineDecay(keras.callbacks.Callback):
    """Lets the learning rate fall along a half cosine, from its start at epoch 0 to 0 after the last.

    Args:
      epochs: of the `fit` that this is given to.
      learning_rate: at the start.
    """

    def __init__(self, epochs, learning_rate):
        super().__init__()
        self._epochs, self._learning_rate = epochs, learning_rate

    def on_epoch_begin(self, epoch, logs=None):
        share = 0.5 * (1.0 + math.cos(math.pi * epoch / self._epochs))
        self.model.optimizer.learning_rate = share * self._learning_rate


def _held_out(sequence, input_size, batch_size=50):
    """Batches of all validation and then all test images of a sequence, kept in memory if they take little of it."""
    examples = [e for split in ("validation", "test") for task in sequence.tasks for e in getattr(task, split)]
    keep = len(examples) * input_size**2 * 4 <= _KEEP_BYTES
    return make_dataset(examples, input_size, batch_size, keep=keep)


def evaluate_all(predicted, sequence, results):
    """Appends a row to each matrix in `results`: validation and test accuracy and saliency MAE on every task.

    Args:
      predicted: of `_held_out`'s batches, from `predictions`.
      sequence: the TaskSequence.
      results: a dict with the matrices.
    """
    counts = [len(getattr(task, split)) for split in ("validation", "test") for task in sequence.tasks]
    ends = np.cumsum(counts)[:-1]
    sets = zip(*(np.split(values, ends) for values in evaluate(predicted)))
    for split in ("validation", "test"):
        accuracies, maes = [], []
        for _ in sequence.tasks:
            hits, errors = next(sets)
            accuracies.append(float(hits.mean()))
            maes.append(None if np.isnan(errors).all() else float(np.nanmean(errors)))
        results["accuracy_matrix"][split].append(accuracies)
        results["saliency_mae_matrix"][split].append(maes)


def predictions(network, batches):
    """Pairs batches with what a network says of them, as it is when they are drawn.

    Args:
      network: a network that `network.as_outputs` understands.
      batches: as `pipeline.make_dataset` gives them.

    Returns:
      A tf.data.Dataset of (batch, tuple of the network's outputs). Two batches are worked on at once: a small image does
      not keep two cores busy.
    """

    @tf.autograph.experimental.do_not_convert
    def predict(batch):
        return batch, tuple(tf.nest.flatten(network(batch["image"], training=False)))

    return batches.map(predict, num_parallel_calls=2).prefetch(1)


def evaluate(predicted):
    """Compares predictions with the truth, with a progress bar.

    Args:
      predicted: from `predictions`.

    Returns:
      (correct, errors), arrays with one value an image: whether the label was found, and the mean absolute error of the
      refined map, upsampled to the input size, in [0, 1], nan without a mask or a map.
    """
    correct, errors = [], []
    for batch, outputs in tqdm(predicted, desc="evaluating", unit="batch"):
        outputs = as_outputs([output.numpy() for output in outputs])
        correct.extend(outputs.logits.argmax(axis=1) == batch["label"].numpy())
        if outputs.saliency is None:
            errors.extend([np.nan] * len(outputs.logits))
            continue
        masks = batch["mask"].numpy()[..., 0]
        maps = upsample(outputs.saliency[..., 0], *masks.shape[1:])
        for saliency, mask, has_mask in zip(maps, masks, batch["has_mask"].numpy()):
            errors.append(saliency_metrics.mean_absolute_error(saliency, mask) if has_mask else np.nan)
    return np.array(correct), np.array(errors)


def _gallery(sequence, input_size):
    """Test images, spread over tasks and objects, whose maps are drawn after every task: uint8 `[n, s, s, 3]`."""
    tasks = sequence.tasks
    chosen = []
    for k in range(_OVERLAY_IMAGES):
        examples = tasks[k * len(tasks) // _OVERLAY_IMAGES].test
        chosen.append(examples[(2 * k + 1) * len(examples) // (2 * _OVERLAY_IMAGES)])
    batch = next(iter(make_dataset(chosen, input_size, len(chosen))))
    return np.round((batch["image"].numpy() + 1) * 127.5).astype(np.uint8)
