"""The task loop: prepare (SDKD: student becomes teacher), train on the new task, evaluate on every task, save, next."""

import functools
import json
import math
import pathlib
import resource
import time
import zlib

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tqdm import tqdm

from sdkd_tf import report
from sdkd_tf.atomic import atomic_file
from sdkd_tf.callbacks import Schedule, StopAtNonFinite
from sdkd_tf.continuation import model_digest, save_optimizer, take_over
from sdkd_tf.data.pipeline import make_dataset, to_pixels
from sdkd_tf.data.sequence import Problems, check_images, load_sequence
from sdkd_tf.distribution import is_chief, lost_worker_told, make_strategy, wait_for_all
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation import evaluate_all, held_out, predictions
from sdkd_tf.heartbeat import FirstStepHeartbeat
from sdkd_tf.model.network import as_outputs, build_network
from sdkd_tf.model.vgg16 import build_vgg16
from sdkd_tf.progress import Progress
from sdkd_tf.provenance import provenance
from sdkd_tf.run_directory import check_same, clear_run, no_results, save_network
from sdkd_tf.seeds import seed_all, seed_of
from sdkd_tf.strategies import STRATEGIES

ARCHITECTURES = {"sdkd": build_network, "vgg16": build_vgg16}
# SGD as in other entries of the challenge; both clip each element of the gradient as CPD does.
OPTIMIZERS = {
    "adam": functools.partial(keras.optimizers.Adam, clipvalue=0.5),
    "sgd": functools.partial(keras.optimizers.SGD, momentum=0.9, nesterov=True, clipvalue=0.5),
}
_OVERLAY_IMAGES = 8


@lost_worker_told()
def run(
    run_dir,
    data_dir="rendered",
    selection=None,
    skip_bad_images=False,
    strategy="sdkd",
    epochs=4,
    first_task_epochs=None,
    batch_size=16,
    learning_rate=1e-4,
    first_task_learning_rate=None,
    optimizer="adam",
    schedule="cosine",
    augmentation="light",
    seed=0,
    deterministic=False,
    distribute="none",
    keep_checkpoints=None,
    continue_from=None,
    overwrite=False,
    architecture="sdkd",
    network=None,
    options=None,
    flagfile="",
):
    """Trains a lifelong sequence and writes the run directory.

    A run directory holds `results.json`, `flags.flags`, `model.keras`, `optimizer.npz`, `checkpoints/<task>.keras`, `logs/` for
    TensorBoard, `saliency.npz` and `plots/`. `results.json` is written when everything else but the plots is there.

    A run that was killed goes on from the last epoch that it finished when it is called again with the same arguments; until
    then its state is in `progress/`. Whatever is random depends on the seed, the task and the epoch alone, so the results are
    those of a run that was not killed: bit for bit, if `deterministic`.

    With several workers, each calls this with the same arguments. The first alone writes; all go on from what is in `run_dir`,
    which must be on a file system that they share. When one is lost, the others stop.

    Args:
      run_dir: where to write.
      data_dir: a layout that `sequence.load_sequence` reads, or `rendered`.
      selection: further keyword arguments of `load_sequence`: which tasks, factors, levels, objects and labels.
      skip_bad_images: train and test without the images that cannot be used, rather than stop.
      strategy: a key of `strategies.STRATEGIES`.
      epochs: passes over each task's training images.
      first_task_epochs: the same for the first task, in which the decoders start untrained; None means `epochs`.
      batch_size: images a step, of all replicas together.
      learning_rate: at the start of each task.
      first_task_learning_rate: the same for the first task; None means `learning_rate`.
      optimizer: a key of `OPTIMIZERS`.
      schedule: how the learning rate falls within a task, a key of `callbacks.SCHEDULES`.
      augmentation: of the training images, a key of `augmentation.AUGMENTATIONS`.
      seed: of weights, shuffling and augmentation.
      deterministic: compute sums in the same order every time.
      distribute: `none`, `mirrored` or `multi_worker`, see `distribution.make_strategy`.
      keep_checkpoints: of how many last tasks the network stays in `checkpoints/`; None keeps all.
      continue_from: the directory of a finished run, whose network learns these tasks after its own: it is the first teacher.
      overwrite: replace what `run_dir` holds, be it finished or not.
      architecture: `sdkd`, or `vgg16`, the paper's baseline.
      network: keyword arguments of `build_network` or `build_vgg16` (without num_classes).
      options: keyword arguments of the strategy's class.
      flagfile: text of the flags that repeat this run, saved beside the results.

    Returns:
      The content of results.json.

    Raises:
      UserError: bad data, an unknown strategy or one that cannot be distributed, a finished run in `run_dir`, an unfinished one
        with other arguments, saliency supervision without a target, a loss that is not finite, or a worker was lost.
    """
    run_dir = pathlib.Path(run_dir)
    if strategy not in STRATEGIES:
        raise UserError(f"strategy is {strategy!r}; expected one of {', '.join(STRATEGIES)}")
    if architecture not in ARCHITECTURES:
        raise UserError(f"architecture is {architecture!r}; expected one of {', '.join(ARCHITECTURES)}")
    if continue_from and not STRATEGIES[strategy].continuable:
        able = ", ".join(name for name in STRATEGIES if STRATEGIES[name].continuable)
        raise UserError(
            f"--strategy={strategy} does not work with --continue_from: a finished run keeps its network only; expected one of {able}"
        )
    if distribute != "none":
        _check_distributable(strategy, network or {}, distribute)
    replicas = make_strategy(distribute)
    if batch_size % replicas.num_replicas_in_sync:
        count = replicas.num_replicas_in_sync
        raise UserError(f"batch_size is {batch_size}; expected a multiple of {count}, the number of replicas")
    chief = is_chief(replicas)
    progress = Progress(run_dir / "progress")
    if continue_from and run_dir.resolve() == pathlib.Path(continue_from).resolve():
        raise UserError(f"run_dir {run_dir}: is that of --continue_from; expected another")
    if (run_dir / "results.json").exists() and not overwrite:
        if not progress.exists():
            raise UserError(f"run_dir {run_dir}: already holds a finished run; use another or --overwrite")
    problems = Problems()
    sequence = load_sequence(data_dir, **(selection or {}), problems=problems)
    progress_bar = functools.partial(tqdm, desc="checking images", unit="image")
    sequence, fingerprint = check_images(sequence, problems, skip_bad_images, progress_bar)
    skipped = {str(image): lines for image, lines in problems.images.items()}
    if skipped:
        print("\n  ".join([f"skipping {len(skipped)} images:", *problems.image_lines]))
    settings = {
        "data": str(data_dir),
        "fingerprint": fingerprint,
        "selection": selection or {},
        "skipped": skipped,
        "strategy": strategy,
        "epochs": epochs,
        "first_task_epochs": epochs if first_task_epochs is None else first_task_epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "first_task_learning_rate": learning_rate if first_task_learning_rate is None else first_task_learning_rate,
        "optimizer": optimizer,
        "schedule": schedule,
        "augmentation": augmentation,
        "seed": seed,
        "deterministic": deterministic,
        "architecture": architecture,
        "network": network or {},
        "options": options or {},
        "continued_from": {"run": str(continue_from), "model": model_digest(continue_from)} if continue_from else None,
    }
    if (run_dir / "results.json").exists() and not overwrite:  # killed while the plots were drawn
        check_same(run_dir, report.load_results(run_dir), settings)
        return _finish(run_dir, progress, replicas)

    if deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    with replicas.scope():
        student = ARCHITECTURES[architecture](len(sequence.classes), **(network or {}))
        learner = STRATEGIES[strategy](student, **(options or {}))
        learner.compile(OPTIMIZERS[optimizer]())
        if continue_from:
            take_over(learner, continue_from, sequence.classes, network or {})
    held = continue_from and getattr(learner, "has_factors", False)  # a teacher holds the map, too
    if learner.has_saliency and learner.saliency_weight and not held:
        _check_targets(sequence.tasks[0], data_dir, learner.saliency_weight)
    # A worker alone cannot read the student's batch-norm statistics, which are spread over the replicas.
    tested = student if distribute == "none" else keras.models.clone_model(student)

    saved = None if overwrite else progress.load()
    with progress.fitting("--overwrite starts anew"):
        seen = json.dumps([settings, [saved[0]["task"], saved[0]["epoch"]] if saved else None])
    wait_for_all(replicas, zlib.crc32(seen.encode()))  # before the chief changes what they see
    if saved:
        with progress.fitting("--overwrite starts anew"):
            state, (maps, *values) = saved
            check_same(run_dir, state["settings"], settings)
            learner.restore(state["learner"], values)
            results = state["results"]
        print(f"going on after task {state['task']}, epoch {state['epoch']}")
    else:
        if chief:
            clear_run(run_dir, overwrite)
            with atomic_file(run_dir / "flags.flags", "w") as file:
                file.write(flagfile)
        state = {"task": 0, "epoch": 0}
        maps = np.zeros((0,))
        results = no_results(settings, sequence, student)

    def save(task, epoch):
        state = {"settings": settings, "task": task, "epoch": epoch, "results": results, "learner": learner.state()}
        values = [variable.numpy() for variable in learner.saved_variables]  # takes all workers
        if chief:
            progress.save(state, [maps, *values])

    def plain(examples, size=batch_size):
        return make_dataset(examples, student.input_shape[1], size)

    gallery = _gallery(sequence, student.input_shape[1])
    predicted = predictions(tested, held_out(sequence, student.input_shape[1]))
    first, taught = state["task"], 1 if continue_from else 0
    for index, task in list(enumerate(sequence.tasks))[first:]:
        print(f"\ntask {index + 1}/{len(sequence.tasks)}: {task.name}, {len(task.train)} images, strategy {strategy}")
        clock = _Clock(results["seconds_per_task"], results["cpu_seconds_per_task"], index)
        done = state["epoch"] if index == first else 0
        if not done:
            seed_all(seed, index, "begin")
            results["replay_images"], results["stored_bytes"] = len(learner.kept_examples), learner.stored_bytes
            results["preparation"].append(learner.begin_task(taught + index, plain(task.train)))
            results["history"].append({})

        def epoch_ended(epoch, logs, index=index, clock=clock):
            for name, value in logs.items():
                results["history"][index].setdefault(name, []).append(float(value))
            clock.stop()
            save(index, epoch + 1)
            clock.start()

        task_epochs, rate = settings["epochs"], settings["learning_rate"]
        if taught + index == 0:
            task_epochs, rate = settings["first_task_epochs"], settings["first_task_learning_rate"]
        if done < task_epochs:
            steps = math.ceil(len(task.train) / batch_size)
            batches = functools.partial(
                _epochs, learner, task, range(done, task_epochs), steps, batch_size, augmentation, (seed, index)
            )
            board = keras.callbacks.TensorBoard(str(run_dir / "logs" / task.name), write_graph=False)
            learner.fit(
                replicas.distribute_datasets_from_function(batches),
                steps_per_epoch=steps,
                initial_epoch=done,
                epochs=task_epochs,
                callbacks=[
                    *([FirstStepHeartbeat()] if index == first else []),
                    StopAtNonFinite(task.name),
                    Schedule(task_epochs, rate, schedule),
                    *([board] if chief else []),
                    keras.callbacks.LambdaCallback(on_epoch_end=epoch_ended),
                ],
                verbose=1,
            )
        seed_all(seed, index, "end")
        learner.end_task(task.train, plain)
        clock.stop()
        if tested is not student:
            tested.set_weights(student.get_weights())
        evaluate_all(predicted, sequence, results)
        new = as_outputs(tested.predict(gallery / np.float32(127.5) - 1, verbose=0)).saliency
        if new is not None:
            maps = np.concatenate([maps, new[None]]) if index else new[None]
        results["peak_memory_mb"].append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        if chief:
            save_network(tested, run_dir / "checkpoints" / f"{task.name}.keras")
        save(index + 1, 0)
        if chief and keep_checkpoints is not None:
            for old in sequence.tasks[: max(0, index + 1 - keep_checkpoints)]:
                (run_dir / "checkpoints" / f"{old.name}.keras").unlink(missing_ok=True)
        print(f"mean validation accuracy over all tasks: {np.mean(results['accuracy_matrix']['validation'][-1]):.3f}")

    results.update(provenance())
    if tested is not student:  # not set yet, if all tasks were finished before this process was started
        tested.set_weights(student.get_weights())
    if chief:
        save_network(tested, run_dir / "model.keras")
        save_optimizer(learner.optimizer, run_dir)
        if learner.has_saliency:
            with atomic_file(run_dir / "saliency.npz") as file:
                np.savez_compressed(file, images=gallery, maps=maps)
        with atomic_file(run_dir / "results.json", "w") as file:
            json.dump(results, file, indent=1)
    return _finish(run_dir, progress, replicas)


def _finish(run_dir, progress, replicas):
    """Draws the plots of a run that has its results, and forgets its last state. Returns the results."""
    wait_for_all(replicas)  # until each has seen whether the run is finished
    if is_chief(replicas):
        report.plot_run(run_dir)
        progress.clear()
    wait_for_all(replicas)  # one that ended now would be taken for lost
    return report.load_results(run_dir)


def _check_distributable(strategy, network, distribute):
    """Raises UserError if a run on several replicas would learn something else than a run on one."""
    if not STRATEGIES[strategy].distributable:
        able = ", ".join(name for name in STRATEGIES if STRATEGIES[name].distributable)
        raise UserError(f"--strategy={strategy} does not work with --distribute={distribute}; expected one of {able}")
    if network.get("batch_norm") == "adapt":
        raise UserError(
            f"--batch_norm=adapt does not work with --distribute={distribute}, under which it would follow the images of each"
            " replica alone; expected frozen"
        )


def _check_targets(task, data_dir, saliency_weight):
    """Raises UserError if no mask and no box could teach the first task's saliency map."""
    if not any(example.mask or example.box for example in task.train):
        raise UserError(
            f"data_dir {data_dir}: no training image of the first task, {task.name}, has a mask or a box; expected some for"
            f" --saliency_weight={saliency_weight:g}; without any: --saliency_weight=0 --nodetach_map"
        )


def _epochs(learner, task, epochs, steps, batch_size, augmentation, seed, input_context):
    """The batches of several epochs, one behind the other; those of an epoch depend on `seed` and its number alone."""
    batches = None
    for epoch in epochs:
        make = functools.partial(
            make_dataset,
            input_size=learner.student.input_shape[1],
            batch_size=batch_size,
            seed=seed_of(*seed, epoch),
            batches=steps,
            augmentation=augmentation,
            input_context=input_context,
        )
        seed_all(*seed, epoch)
        new = learner.training_batches(task.train, make)
        batches = new if batches is None else batches.concatenate(new)
    return batches


def _gallery(sequence, input_size):
    """Test images, spread over tasks and objects, whose maps are drawn after every task: uint8 `[n, s, s, 3]`."""
    tasks = sequence.tasks
    chosen = []
    for k in range(_OVERLAY_IMAGES):
        examples = tasks[k * len(tasks) // _OVERLAY_IMAGES].test
        chosen.append(examples[(2 * k + 1) * len(examples) // (2 * _OVERLAY_IMAGES)])
    return to_pixels(next(iter(make_dataset(chosen, input_size, len(chosen))))["image"].numpy())


class _Clock:
    """Adds the seconds that it runs, of the wall clock and of all processor cores, to item `index` of two lists."""

    def __init__(self, wall, cpu, index):
        for seconds in (wall, cpu):
            seconds.extend([0.0] * (index + 1 - len(seconds)))
        self._wall, self._cpu, self._index = wall, cpu, index
        self.start()

    def start(self):
        self._since = time.monotonic(), time.process_time()

    def stop(self):
        self._wall[self._index] += time.monotonic() - self._since[0]
        self._cpu[self._index] += time.process_time() - self._since[1]
