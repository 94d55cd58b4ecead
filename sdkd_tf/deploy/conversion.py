"""Turns a finished run into .tflite files."""

import json
import os
import pathlib
import shutil

import tensorflow as tf
import tf_keras as keras
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from sdkd_tf import __version__
from sdkd_tf.atomic import atomic_file
from sdkd_tf.callbacks import Schedule
from sdkd_tf.data.augmentation import AUGMENTATIONS
from sdkd_tf.data.pipeline import make_dataset, to_network_range
from sdkd_tf.deploy.flatbuffer import pack, unpack
from sdkd_tf.deploy.golden import write_golden
from sdkd_tf.deploy.measurement import measure
from sdkd_tf.deploy.metadata import with_metadata, without_output
from sdkd_tf.deploy.quantization import RangeDistance, calibrate, fix_ranges, quantization_aware, with_probabilities
from sdkd_tf.deploy.runtime import Classifier
from sdkd_tf.distiller import Distiller
from sdkd_tf.errors import UserError
from sdkd_tf.finished_run import load_run
from sdkd_tf.heartbeat import FirstStepHeartbeat, heartbeat
from sdkd_tf.progress import Progress
from sdkd_tf.report import load_conversions

QUANTIZATIONS = ("qat", "ptq", "float")
FILE_NAMES = {"qat": "sdkd_int8", "ptq": "sdkd_int8_ptq", "float": "sdkd_float"}
_CALIBRATION_BATCHES = 20
# What conversion needs of results.json beyond what every reader of a run does.
_RUN = {
    "deterministic": bool,
    "augmentation": str,
    "options": {name: (float, str, None) for name in ("saliency_weight", *Distiller.options)},
}
_FAR = 0.05  # widths of a range, over which a warning tells that quantization-aware training was too short


def convert(
    run_dir, quantization="qat", epochs=2, batch_size=16, learning_rate=1e-5, lambda2=1.0, seed=0, out_dir=None
):
    """Converts the model of a finished run: a file with both outputs, one with the probabilities alone and metadata, labels.txt,
    conversion.json, and a golden directory.

    Only the last task's training images are read for quantization. Quantization-aware training is one more SDKD step:
    the float model is the teacher, the quantized one the student. One that was killed goes on from the last epoch that it
    finished when this is called again with the same arguments.

    Args:
      run_dir: a finished run of train.py.
      quantization: `qat`; `ptq`, post-training quantization; `float`, no quantization.
      epochs, batch_size, learning_rate, lambda2: of quantization-aware training; the rest of its losses are the run's own.
      seed: of shuffling and augmentation.
      out_dir: where the files go; None means the run's folder `tflite`.

    Returns:
      What conversion.json holds under the name of the quantization.

    Raises:
      UserError: unknown quantization, unfinished run, or a model that does not fit the run's classes.
    """
    if quantization not in QUANTIZATIONS:
        raise UserError(f"quantization is {quantization!r}; expected one of {', '.join(QUANTIZATIONS)}")
    run_dir = pathlib.Path(run_dir)
    results, sequence, network = load_run(run_dir, _RUN)
    if results["augmentation"] not in AUGMENTATIONS:
        raise UserError(f"{run_dir}: augmentation is {results['augmentation']!r}; expected {', '.join(AUGMENTATIONS)}")
    if results["deterministic"]:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    settings = [quantization, epochs, batch_size, learning_rate, lambda2, seed]
    working = _working_directory(run_dir / ".converting", settings)
    last_task, input_size = sequence.tasks[-1].train, results["input_size"]
    representative, training = None, {}
    if quantization == "qat":
        steps = max(1, len(last_task) // batch_size)
        views = {"seed": seed, "batches": steps * epochs, "augmentation": results["augmentation"]}
        batches = make_dataset(last_task, input_size, batch_size, **views)
        options = {k: v for k, v in results["options"].items() if k in _RUN["options"]}
        options["lambda2"] = lambda2
        progress = Progress(working / "progress")
        deployed, distance = train_quantized(network, batches, options, steps, epochs, learning_rate, progress)
        training = {"steps": steps * epochs, "range_distance": distance}
    else:
        complete = with_probabilities(network)
        deployed = keras.Model(complete.input, [complete.outputs[4], complete.outputs[1]])
        if quantization == "ptq":
            representative = make_dataset(last_task, input_size, 1).take(200)
        else:
            deployed = with_uint8_input(deployed)

    target = run_dir / "tflite" if out_dir is None else pathlib.Path(out_dir)
    known = target / "conversion.json"
    reports = load_conversions(known) if known.is_file() else {}
    files = working / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir()
    write_models(files, FILE_NAMES[quantization], deployed, results["classes"], representative)
    path = files / f"{FILE_NAMES[quantization]}.tflite"
    report = {"file": path.name, **training, **measure(path, network, sequence)}
    golden = files / ("golden" if quantization == "qat" else f"golden_{quantization}")
    golden.mkdir()
    write_golden(golden, path.name, Classifier(path), sequence.tasks[-1].test[0].image, results["classes"])
    (files / "conversion.json").write_text(json.dumps({**reports, quantization: report}, indent=1))
    target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target / golden.name, ignore_errors=True)
    for file in sorted(files.iterdir(), key=lambda file: file.name == "conversion.json"):  # that one last
        os.replace(file, target / file.name)
    shutil.rmtree(working)
    return report


def _working_directory(directory, settings):
    """Makes the directory of what is not finished yet; empty, unless a conversion with the same settings was killed."""
    known = directory / "settings.json"
    if not known.is_file() or json.loads(known.read_text()) != settings:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        with atomic_file(known, "w") as file:
            json.dump(settings, file)
    return directory


def write_models(directory, name, deployed, labels, representative=None):
    """Writes `<name>.tflite`, `<name>_classifier.tflite` (probabilities alone, with metadata) and labels.txt.

    Args:
      directory: an existing directory.
      name: of the files.
      deployed, representative: see `to_tflite`.
      labels: names of the classes.
    """
    content = to_tflite(deployed, representative)
    (directory / f"{name}.tflite").write_bytes(content)
    description = f"Recognises {len(labels)} objects, learned task after task."
    (directory / f"{name}_classifier.tflite").write_bytes(
        with_metadata(without_output(content, "saliency"), labels, "SDKD", description, __version__)
    )
    (directory / "labels.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")


def train_quantized(network, batches, distillation, steps, epochs, learning_rate, progress):
    """Quantization-aware training by SDKD: the float network teaches the quantized one.

    Args:
      network: the float network.
      batches: training batches of the last task for all epochs.
      distillation: keyword arguments of Distiller.
      steps: batches an epoch.
      epochs, learning_rate: of the training.
      progress: a Progress with the state of the same training, if it was killed, to go on from.

    Returns:
      (the trained, quantized model with the outputs [probabilities, saliency]; how far its ranges still are from where they go,
      see `RangeDistance`).
    """
    done, ranges, saved = 0, RangeDistance(), progress.load()
    with heartbeat("preparing the quantized network"):
        student, deployed = quantization_aware(network)
        distiller = Distiller(student, teacher=network, **distillation)
        distiller.compile(keras.optimizers.Adam(learning_rate, clipvalue=0.5))
        if saved:
            with progress.fitting("remove the directory to start anew"):
                state, values = saved
                done, ranges.distance = state["epoch"], state["range_distance"]
                distiller.restore(state["learner"], values)
            print(f"going on after epoch {done}")
        else:
            calibrate(student, network, batches.take(_CALIBRATION_BATCHES))
            if distiller.has_factors:
                distiller.train_teacher_translator(batches.take(steps))

    def save(epoch, logs):
        state = {"epoch": epoch + 1, "range_distance": ranges.distance, "learner": distiller.state()}
        progress.save(state, [variable.numpy() for variable in distiller.saved_variables])

    distiller.fit(
        batches.skip(steps * done),
        steps_per_epoch=steps,
        initial_epoch=done,
        epochs=epochs,
        callbacks=[
            FirstStepHeartbeat("building the graph of quantization-aware training"),
            Schedule(epochs, learning_rate),
            ranges,
            keras.callbacks.LambdaCallback(on_epoch_end=save),
        ],
        verbose=1,
    )
    if ranges.distance > _FAR:
        print(
            f"warning: the ranges of the activations are still {ranges.distance:.1%} of their width away from where training"
            f" moves them after {epochs * steps} steps; --epochs is {epochs}, take more"
        )
    fix_ranges(deployed)
    return deployed, ranges.distance


def with_uint8_input(model):
    """Puts the pixels' normalisation in front of a model, so that a float file takes uint8 images as well."""
    pixels = keras.Input(model.input_shape[1:], dtype=tf.uint8)
    return keras.Model(pixels, model(to_network_range(pixels)))


def to_tflite(model, representative=None):
    """Converts a model with the outputs [probabilities, saliency] to a TFLite file's bytes.

    Args:
      model: quantization-aware, or float; one that takes uint8 images stays float.
      representative: batches of one image to find the ranges of a float model.

    Returns:
      bytes; the signature `serving_default` has the uint8 input `image` `[1, s, s, 3]` and float32 outputs
      of those names.
    """
    signature = [tf.TensorSpec((1, *model.input_shape[1:]), model.inputs[0].dtype, name="image")]
    infer = tf.function(lambda image: model(image, training=False), signature, autograph=False)

    with heartbeat("converting to TFLite"):
        # Variables become constants first: saving a quantization-aware model's many small variables takes longer.
        frozen = convert_variables_to_constants_v2(infer.get_concrete_function())

        @tf.function(input_signature=signature, autograph=False)
        def serve(image):
            return dict(zip(("probabilities", "saliency"), frozen(image)))

        converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], tf.Module())
        if model.inputs[0].dtype != tf.uint8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.inference_input_type = tf.uint8
        if representative is not None:
            converter.representative_dataset = lambda: ([batch["image"]] for batch in representative)
        return pack(unpack(converter.convert()))
