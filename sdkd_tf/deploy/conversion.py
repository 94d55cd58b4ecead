"""Converts a finished run to .tflite files."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import tensorflow as tf
import tf_keras as keras
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from sdkd_tf import __version__
from sdkd_tf.callbacks import heartbeat
from sdkd_tf.data.pipeline import make_dataset, to_network_range
from sdkd_tf.data.sequence import TaskSequence
from sdkd_tf.deploy.golden import write_golden
from sdkd_tf.deploy.head import NAME, Head, read_head
from sdkd_tf.deploy.measurement import measure
from sdkd_tf.deploy.metadata import with_metadata, without_output
from sdkd_tf.deploy.quantization import deployed_outputs, with_probabilities
from sdkd_tf.deploy.quantized_training import follow_quantization, train_quantized
from sdkd_tf.deploy.report import Conversion, load_conversions
from sdkd_tf.deploy.tflite import Prediction, pack, unpack
from sdkd_tf.errors import UserError
from sdkd_tf.files import SavedStates, lock, read_json, write_json
from sdkd_tf.options import about
from sdkd_tf.run import Run
from sdkd_tf.strategies.discriminant import ClassStatistics
from sdkd_tf.strategies.sdkd import SDKD

FILE_NAMES = {"qat": "sdkd_int8", "ptq": "sdkd_int8_ptq", "float": "sdkd_float"}
_OLD_HEAD = "head_old.json"


@dataclasses.dataclass(frozen=True)
class ConversionOptions:
    """Options of a conversion."""

    run_dir: Annotated[str, about("Directory of a finished run of train.py.", path=True)] = ""
    data_dir: Annotated[str | None, about("Location of the run's data, if they were moved.", path=True)] = None
    out_dir: Annotated[str | None, about("Directory for the files; by default RUN_DIR/tflite.", path=True)] = None
    quantization: Annotated[
        Literal["qat", "ptq", "float"],
        about("qat: quantization-aware training; ptq: post-training quantization; float: none."),
    ] = "qat"
    epochs: Annotated[int, about("Epochs of quantization-aware training on the last task.", ge=1)] = 2
    batch_size: Annotated[int, about("Images per batch.", ge=1)] = 16
    learning_rate: Annotated[float, about("Initial learning rate.", ge=0)] = 1e-5
    lambda2: Annotated[float, about("Weight of the soft-target loss.", ge=0)] = 1.0
    seed: Annotated[int, about("Seed of shuffling and augmentation.", ge=0, le=2**32 - 1)] = 0

    @property
    def training(self) -> list[Any]:
        """The options that must be the same to resume an interrupted conversion."""
        return [self.quantization, self.epochs, self.batch_size, self.learning_rate, self.lambda2, self.seed]


def convert(options: ConversionOptions) -> Conversion:
    """Converts the model of a finished run.

    Writes a file with all outputs, a file with probabilities only and metadata, labels.txt, head.json (if the FC layer
    was computed from class statistics), conversion.json, and a golden directory. Quantization reads only the training
    images of the last task. In quantization-aware training, half of them are shown as hard as those of earlier tasks, if
    the run kept their difficulties. It is one more SDKD step: the float network is the teacher, the quantized network the
    student. To resume an interrupted conversion from its last finished epoch, call this again with the same options.

    Returns:
      The entry that is added to conversion.json under the name of the quantization.

    Raises:
      UserError: the run is not finished or has no saliency map, its data are missing or have changed, its weights do
        not fit, or the output directory cannot be written.
    """
    run = Run(options.run_dir)
    run.results  # noqa: B018  raises if the run is not finished
    if run.config.architecture != "sdkd":
        raise UserError(f"{run.directory}: holds a {run.config.architecture} network; expected one with saliency")
    sequence, network = run.tasks(options.data_dir), run.network()
    if run.config.training.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)
    target = pathlib.Path(options.out_dir) if options.out_dir else run.directory / "tflite"
    with lock(target / ".lock", wait=False):
        working = _working_directory(target / ".converting", [*options.training, run.weights_digest()])
        report = _write_files(working, target, run, sequence, network, options)
        shutil.rmtree(working)
    return report


def _write_files(
    working: pathlib.Path,
    target: pathlib.Path,
    run: Run,
    sequence: TaskSequence,
    network: keras.Model,
    options: ConversionOptions,
) -> Conversion:
    """Converts in the working directory, and moves the finished files to the target directory."""
    quantization, classes = options.quantization, run.results.classes
    steps, representative, statistics = 0, None, run.statistics()
    if quantization == "qat":
        deployed, steps = _quantized(run, network, sequence, options, SavedStates(working / "progress"), statistics)
    else:
        complete = with_probabilities(network)
        deployed = keras.Model(complete.input, deployed_outputs(complete.outputs))
        if quantization == "ptq":
            images, size = sequence.tasks[-1].train, run.config.network.input_size
            representative = make_dataset(images, size, 1, options.seed, batches=200, augmentation="none")
        else:
            deployed = with_uint8_input(deployed)
    files = working / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir()
    write_models(files, FILE_NAMES[quantization], deployed, classes, representative)
    path = files / f"{FILE_NAMES[quantization]}.tflite"
    report = dataclasses.replace(measure(path, network, sequence), steps=steps, weights=run.weights_digest())
    if statistics:
        Head(classes, statistics).write(files / NAME)
    golden = files / ("golden" if quantization == "qat" else f"golden_{quantization}")
    golden.mkdir()
    write_golden(golden, path, [example.image for example in sequence.tasks[-1].test], classes)
    _publish(files, target, quantization, report)
    return report


def _working_directory(directory: pathlib.Path, content: list[Any]) -> pathlib.Path:
    """Makes the directory for unfinished files, and empties it unless it was made for a conversion of the same content."""
    known = directory / "content.json"
    if not known.is_file() or read_json(known, list, "convert.py") != content:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        write_json(known, content)
    return directory


def _publish(files: pathlib.Path, target: pathlib.Path, quantization: str, report: Conversion) -> None:
    """Moves finished files to the target directory, and then updates conversion.json.

    The files of another run are removed, because the new labels are not theirs. A head.json that was taught stays as it
    is if the int8 file does, and is otherwise renamed.
    """
    known, head = target / "conversion.json", target / NAME
    reports = load_conversions(known) if known.is_file() else {}
    for name in [name for name in FILE_NAMES if name in reports and reports[name].weights != report.weights]:
        for suffix in ("", "_classifier"):
            (target / f"{FILE_NAMES[name]}{suffix}.tflite").unlink(missing_ok=True)
        del reports[name]
    if quantization != "qat" and "qat" in reports and head.is_file():
        (files / NAME).unlink(missing_ok=True)
    elif head.is_file() and _seen(head) != _seen(files / NAME):
        os.replace(head, target / _OLD_HEAD)
        print(f"{head}: was taught or belongs to another run; renamed to {_OLD_HEAD}")
    for file in files.iterdir():
        if file.is_dir():
            shutil.rmtree(target / file.name, ignore_errors=True)
        os.replace(file, target / file.name)
    write_json(known, {**reports, quantization: report})


def _seen(head: pathlib.Path) -> Any:
    """The labels of a head.json and the number of images of each; None if there is no such file or it is damaged."""
    with contextlib.suppress(UserError):
        found = read_head(head)
        return found.labels, found.statistics.counts.numpy().tolist()
    return None


def _quantized(
    run: Run,
    network: keras.Model,
    sequence: TaskSequence,
    options: ConversionOptions,
    states: SavedStates,
    statistics: ClassStatistics | None,
) -> tuple[keras.Model, int]:
    """Returns the quantized model and the number of steps of its training. Class statistics follow the quantization."""
    last_task, config = sequence.tasks[-1].train, run.config
    steps = max(config.training.min_steps, len(last_task) // options.batch_size)
    batches = make_dataset(
        last_task,
        config.network.input_size,
        options.batch_size,
        seed=options.seed,
        batches=steps * options.epochs,
        augmentation=config.training.augmentation,
        rows=run.arrays("kept.npz").get("difficulties"),
    )
    known = {field.name for field in dataclasses.fields(SDKD.Options)}
    shared = {name: value for name, value in vars(config.options).items() if name in known}
    distillation = SDKD.Options(**{**shared, "lambda2": options.lambda2})
    length = steps, options.epochs, options.learning_rate
    deployed = train_quantized(network, batches, distillation, *length, states)
    if statistics:
        follow_quantization(statistics, network, deployed, batches)
    return deployed, steps * options.epochs


def write_models(
    directory: pathlib.Path,
    name: str,
    deployed: keras.Model,
    labels: list[str],
    representative: Iterable[Any] | None = None,
) -> None:
    """Writes `<name>.tflite`, `<name>_classifier.tflite` (probabilities only, with metadata) and labels.txt.

    Args:
      directory: an existing directory.
      name: name of the files, without extension.
      deployed, representative: see `to_tflite`.
      labels: names of the classes.
    """
    content = to_tflite(deployed, representative)
    (directory / f"{name}.tflite").write_bytes(content)
    description = f"Recognizes {len(labels)} objects, learned task after task."
    for output in ("saliency", "embedding"):
        content = without_output(content, output)
    content = with_metadata(content, labels, "SDKD", description, __version__)
    (directory / f"{name}_classifier.tflite").write_bytes(content)
    (directory / "labels.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")


def with_uint8_input(model: keras.Model) -> keras.Model:
    """Prepends the normalization of pixels to a model, so that the float file takes uint8 images as well."""
    pixels = keras.Input(model.input_shape[1:], dtype=tf.uint8)
    return keras.Model(pixels, model(to_network_range(pixels)))


def to_tflite(model: keras.Model, representative: Iterable[Any] | None = None) -> bytes:
    """Converts a model with the outputs of a `Prediction` to TFLite.

    Args:
      model: a quantization-aware or a float model. A model with uint8 input is not quantized.
      representative: batches of one image, from which the ranges of a float model are estimated.

    Returns:
      The bytes of the file. Its signature `serving_default` has the uint8 input `image` `[1, s, s, 3]` and float32
      outputs named like the fields of `Prediction`.
    """
    signature = [tf.TensorSpec((1, *model.input_shape[1:]), model.inputs[0].dtype, name="image")]
    infer = tf.function(lambda image: model(image, training=False), signature, autograph=False)

    with heartbeat("converting to TFLite"):
        # Variables become constants first: saving all small variables of a quantization-aware model takes longer.
        frozen = convert_variables_to_constants_v2(infer.get_concrete_function())

        @tf.function(input_signature=signature, autograph=False)
        def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
            return dict(zip(Prediction._fields, frozen(image)))

        converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], tf.Module())
        if model.inputs[0].dtype != tf.uint8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.inference_input_type = tf.uint8
        if representative is not None:
            converter.representative_dataset = lambda: ([batch["image"]] for batch in representative)
        return pack(unpack(converter.convert()))
