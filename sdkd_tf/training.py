"""The task loop. For each task: begin (SDKD: the student becomes the teacher), train, evaluate on every task, save."""

import contextlib
import dataclasses
import pathlib
import resource
import tempfile
import zlib

import msgspec
import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.callbacks import FirstStepHeartbeat, Schedule, StopAtNonFinite, TimeEstimate
from sdkd_tf.config import Config
from sdkd_tf.continuation import earlier_tasks, hand_over, known_classes
from sdkd_tf.data.checks import check_images, fingerprint
from sdkd_tf.data.pipeline import to_network_range
from sdkd_tf.data.pseudo_masks import with_pseudo_masks
from sdkd_tf.data.seeds import seed_all, seed_of
from sdkd_tf.data.sequence import Problems, Task, TaskSequence, load_tasks
from sdkd_tf.data.task_data import TaskData
from sdkd_tf.distribution import is_chief, lost_worker_as_user_error, make_strategy, wait_for_all
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.evaluate import check_maps, evaluate_tasks, gallery, held_out, predictions
from sdkd_tf.evaluation.provenance import provenance
from sdkd_tf.evaluation.results import Clock, Results, TaskResult
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.model.network import as_outputs
from sdkd_tf.reporting.html_report import write_report
from sdkd_tf.run import Run, State
from sdkd_tf.strategies import STRATEGIES
from sdkd_tf.strategies.base import Strategy


@lost_worker_as_user_error()
def train(config: Config) -> Results:
    """Trains a sequence of tasks and writes the run directory, see `run.Run`.

    To resume an interrupted run from its last finished epoch, call this again with the same options. All random numbers
    depend only on the seed, the task and the epoch, so the results equal those of an uninterrupted run, bit for bit if
    `deterministic` is set.

    With several workers, each of them calls this with the same options. The run directory must be on a shared file
    system; only the first worker writes to it. If a worker is lost, the others stop.

    Raises:
      UserError: bad data, a strategy that cannot be distributed or continued, a finished run in the run directory or an
        unfinished one with different options, a loss that is not finite, or a lost worker.
    """
    config.check()
    replicas = make_strategy(config.run.distribute)
    # The part of each replica is even, so that it has as many rehearsed images as the others.
    count = replicas.num_replicas_in_sync
    if config.training.batch_size % (2 * count if count > 1 else 1):
        given = f"--batch_size={config.training.batch_size}"
        raise UserError(f"{given}: expected a multiple of {2 * count}, twice the number of replicas")
    run = Run(config.run.run_dir)
    killed_at_the_end = run.finished and run.states.exist() and not config.run.overwrite
    if run.finished and not config.run.overwrite and not killed_at_the_end:
        raise UserError(f"run_dir {run.directory}: holds a finished run; expected another directory or --overwrite")
    tasks, config, results = _read_data(config)
    if killed_at_the_end:  # while writing the report
        run.check_same(config, results, run.results)
        if is_chief(replicas):
            run.save_options(config)
        return _finish(run, config, replicas)

    if config.training.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.training.seed)
    with replicas.scope():
        strategy = build_strategy(config, len(tasks.classes))
        if config.run.continue_from:
            hand_over(Run(config.run.continue_from), strategy, config, tasks.classes)
    with tempfile.TemporaryDirectory() as directory:
        if config.marks_objects and (config.options.saliency_weight or getattr(config.options, "rehearsal", False)):
            tasks = with_pseudo_masks(tasks, strategy.student, pathlib.Path(directory))
        results.parameters = strategy.student.count_params()
        return _TaskLoop(run, config, tasks, strategy, replicas, results).learn_all()


def build_strategy(config: Config, num_classes: int) -> Strategy:
    """Builds and compiles the strategy that trains the network of a config."""
    network = ARCHITECTURES[config.architecture][1](num_classes, config.network)
    strategy = STRATEGIES[config.strategy](network, config.options)
    strategy.compile(keras.optimizers.Adam(clipvalue=0.5))  # clips each element of the gradient, as CPD does
    return strategy


def _read_data(config: Config) -> tuple[TaskSequence, Config, Results]:
    """(the data, the options with defaults that depend on the data filled in, results without tasks)."""
    problems = Problems()
    tasks = load_tasks(config.data, problems, known_classes(config))
    tasks = check_images(tasks, problems, config.data.skip_bad_images)
    skipped = {tasks.relative(image): lines for image, lines in problems.images.items()}
    if skipped:
        print("\n  ".join([f"skipping {len(skipped)} images:", *problems.image_lines]))
    supervised = config.options.saliency_weight > 0 and any(e.mask or e.box for e in tasks.tasks[0].train)
    config, earlier = config.completed(supervised), config.run.continue_from
    if getattr(config.network, "detach_map", False) and not (supervised or earlier or config.marks_objects):
        raise UserError(
            f"--detach_map: no training image of the first task, {tasks.tasks[0].name}, has a mask or a box, or"
            " --saliency_weight is 0, so nothing would supervise the map; expected --nodetach_map"
        )
    digest, run, data = None, config.run, config.data  # with absolute paths, any command finds them
    if data.data_dir != "rendered":
        data = dataclasses.replace(data, data_dir=str(pathlib.Path(data.data_dir).resolve()))
    if earlier:
        digest = Run(earlier).weights_digest()
        run = dataclasses.replace(run, continue_from=str(pathlib.Path(earlier).resolve()))
    config = dataclasses.replace(config, run=run, data=data)
    results = Results(list(tasks.classes), fingerprint(tasks), skipped, 0, digest)
    results.test_counts = [len(task.test) for task in tasks.tasks]
    results.test_images = len({example.image for task in tasks.tasks for example in task.test})
    return tasks, config, results


class _TaskLoop:
    """The state of a training run between its tasks."""

    def __init__(
        self,
        run: Run,
        config: Config,
        tasks: TaskSequence,
        strategy: Strategy,
        replicas: tf.distribute.Strategy,
        results: Results,
    ):
        self.run, self.config, self.tasks, self.strategy = run, config, tasks, strategy
        self.replicas, self.results, self.chief = replicas, results, is_chief(replicas)
        student = strategy.student
        # A single worker cannot read the student's batch-norm statistics, which are spread over the replicas.
        self.tested = student if config.run.distribute == "none" else keras.models.clone_model(student)
        self.input_size = student.input_shape[1]
        self.examples = [example for task in tasks.tasks for example in task.train]
        self.places = {example: place for place, example in enumerate(self.examples)}
        self.gallery = gallery(tasks, self.input_size)
        self.maps = np.zeros((0,))
        self.predicted = predictions(self.tested, held_out(tasks, self.input_size))

    def learn_all(self) -> Results:
        """Trains all tasks that are not finished yet, and writes the files of the run."""
        with self.run.writing() if self.chief else contextlib.nullcontext():
            first, done = self.restore()
            for index in range(first, len(self.tasks.tasks)):
                self.learn(index, done if index == first else 0, resumed=index == first)
            self.end()
            return _finish(self.run, self.config, self.replicas)

    def restore(self) -> tuple[int, int]:
        """Resumes an unfinished run or starts a new one. Returns (index of the task to train, its finished epochs)."""
        saved = None if self.config.run.overwrite else self.run.resume(self.config, self.results)
        place = (saved[0].task, saved[0].epoch) if saved else None
        options = dataclasses.replace(self.config, run=None, data=None)  # type: ignore[arg-type]
        seen = msgspec.json.encode([options, self.results, place])
        wait_for_all(self.replicas, zlib.crc32(seen))  # before the chief changes the files that they read
        if not saved:
            if self.chief:
                self.run.start(self.config)
            return 0, 0
        with self.run.states.fitting("use --overwrite to start over"):
            state, (self.maps, *values) = saved
            self.strategy.kept_examples = tuple(self.examples[place] for place in state.kept)
            self.strategy.restore(state.strategy, values)
            self.results = state.results
        if self.chief:
            self.run.save_options(self.config)
        print(f"resuming task {state.task + 1} after {state.epoch} epochs")
        return state.task, state.epoch

    def save(self, task: int, epoch: int) -> None:
        """Saves the state from which an interrupted run resumes."""
        values = [variable.numpy() for variable in self.strategy.saved_variables]  # needs all workers
        if self.chief:
            kept = [self.places[example] for example in self.strategy.kept_examples]
            self.run.states.save(State(task, epoch, self.results, self.strategy.state(), kept), [self.maps, *values])

    def learn(self, index: int, done: int, resumed: bool) -> None:
        """Trains one task, after its `done` finished epochs, and evaluates the network on all tasks."""
        strategy, task, data = self.strategy, self.tasks.tasks[index], self._data(index)
        number = f"{index + 1}/{len(self.tasks.tasks)}"
        print(f"\ntask {number}: {task.name}, {len(task.train)} images, strategy {self.config.strategy}")
        if not done:
            self._seed(index, "begin")
            result = TaskResult(task.name, len(task.train), len(strategy.kept_examples), strategy.stored_bytes)
            self.results.tasks.append(result)
        result = self.results.tasks[index]
        clock = Clock(result)
        if not done:
            result.preparation = dict(strategy.begin_task(data))
        self._fit(index, data, result, clock, done, resumed)
        self._seed(index, "end")
        strategy.end_task(data)
        clock.stop()
        self._evaluate(index, task, result)

    def _data(self, index: int) -> TaskData:
        task, training = self.tasks.tasks[index], self.config.training
        place = index + (1 if self.config.run.continue_from else 0)
        epochs = training.epochs if place or training.first_task_epochs is None else training.first_task_epochs
        return TaskData(
            place,
            task.train,
            self.input_size,
            training.batch_size,
            training.augmentation,
            task.validation,
            epochs=epochs,
            min_steps=training.min_steps,
        )

    def _steps_left(self, index: int, done: int) -> int:
        """Number of steps from a task on, after its `done` finished epochs."""
        left = [self._data(place) for place in range(index, len(self.tasks.tasks))]
        return sum(data.steps * data.epochs for data in left) - left[0].steps * done

    def _fit(self, index: int, data: TaskData, result: TaskResult, clock: Clock, done: int, resumed: bool) -> None:
        training, epochs = self.config.training, data.epochs
        if done >= epochs:
            return

        def epoch_ended(epoch: int, logs: dict[str, float]) -> None:
            for name, value in logs.items():
                result.losses.setdefault(name, []).append(float(value))
            clock.stop()
            self.save(index, epoch + 1)
            clock.start()

        def batches(input_context: tf.distribute.InputContext) -> tf.data.Dataset:
            """The batches of all remaining epochs, concatenated."""
            joined = None
            for epoch in range(done, epochs):
                seed = seed_of(training.seed, index, epoch)
                self._seed(index, epoch)
                new = self.strategy.training_batches(dataclasses.replace(data, seed=seed, input_context=input_context))
                joined = new if joined is None else joined.concatenate(new)
            return joined

        board = keras.callbacks.TensorBoard(self.run.log_directory(result.name), write_graph=False)
        self.strategy.fit(
            self.replicas.distribute_datasets_from_function(batches),
            steps_per_epoch=data.steps,
            initial_epoch=done,
            epochs=epochs,
            callbacks=[
                *([FirstStepHeartbeat(), TimeEstimate(self._steps_left(index, done))] if resumed else []),
                StopAtNonFinite(result.name),
                Schedule(epochs, training.learning_rate),
                *([board] if self.chief else []),
                keras.callbacks.LambdaCallback(on_epoch_end=epoch_ended),
            ],
            verbose=1,
        )

    def _evaluate(self, index: int, task: Task, result: TaskResult) -> None:
        if self.tested is not self.strategy.student:
            self.tested.set_weights(self.strategy.student.get_weights())
        scores = evaluate_tasks(self.predicted, self.tasks)
        result.validation, result.test = scores["validation"], scores["test"]
        new = as_outputs(self.tested.predict(to_network_range(self.gallery), verbose=0)).saliency
        if new is not None:
            if self.config.marks_objects:
                check_maps(new, task.name)
            self.maps = np.concatenate([self.maps, new[None]]) if index else new[None]
        result.peak_memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if self.chief:
            self.run.save_checkpoint(self.tested, task.name)
        self.save(index + 1, 0)
        keep = self.config.run.keep_checkpoints
        if self.chief and keep is not None:
            for old in self.tasks.tasks[: max(0, index + 1 - keep)]:
                self.run.remove_checkpoint(old.name)
        print(f"mean validation accuracy over all tasks: {np.mean(result.validation.accuracy):.3f}")

    def end(self) -> None:
        """Writes the files of the finished run."""
        self.results.provenance = provenance()
        if self.tested is not self.strategy.student:  # not set yet if all tasks were already finished
            self.tested.set_weights(self.strategy.student.get_weights())
        if self.chief:
            if earlier := self.config.run.continue_from:
                self.results.earlier, self.results.untested = earlier_tasks(Run(earlier), self.tested)
            maps = self.maps if self.strategy.has_saliency else None
            self.run.finish(self.tested, self.strategy, self.results, self.gallery, maps)

    def _seed(self, task: int, part: int | str) -> None:
        seed_all(self.config.training.seed, task, part)


def _finish(run: Run, config: Config, replicas: tf.distribute.Strategy) -> Results:
    wait_for_all(replicas)  # all have read whether the run is finished
    if is_chief(replicas):
        if config.run.report:
            write_report(run)
        run.states.clear()
    wait_for_all(replicas)  # a worker that ended earlier would count as lost
    return run.results
