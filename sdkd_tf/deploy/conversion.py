"""Turns a finished run into a .tflite file and measures the file against the float model."""

import json
import os
import pathlib
import platform
import tempfile

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tqdm import tqdm

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.pipeline import make_dataset, to_network_range
from sdkd_tf.data.sequence import load_sequence
from sdkd_tf.deploy.quantization import calibrate, fix_ranges, quantization_aware, with_probabilities
from sdkd_tf.deploy.runtime import Classifier, float_operators
from sdkd_tf.distiller import Distiller
from sdkd_tf.errors import UserError
from sdkd_tf.heartbeat import FirstStepHeartbeat, heartbeat
from sdkd_tf.lifelong import CosineDecay
from sdkd_tf.model.network import Outputs
from sdkd_tf.report import load_results

QUANTIZATIONS = ("qat", "ptq", "float")
FILE_NAMES = {"qat": "sdkd_int8.tflite", "ptq": "sdkd_int8_ptq.tflite", "float": "sdkd_float.tflite"}
_CALIBRATION_BATCHES = 20


def convert(run_dir, quantization="qat", epochs=2, batch_size=16, learning_rate=3e-5, lambda2=1.0, seed=0):
    """Converts the model of a finished run.

    Only the last task's training images are read for quantization. Quantization-aware training is one more SDKD step:
    the float model is the teacher, the quantized one the student.

    Args:
      run_dir: a finished run of train.py; the files go to its folder `tflite`.
      quantization: `qat`; `ptq`, post-training quantization; `float`, no quantization.
      epochs, batch_size, learning_rate, lambda2: of quantization-aware training; the rest of its losses are the run's own.
      seed: of shuffling and augmentation.

    Returns:
      What conversion.json holds under the name of the quantization.

    Raises:
      UserError: unknown quantization, unfinished run, or a model that does not fit the run's classes.
    """
    if quantization not in QUANTIZATIONS:
        raise UserError(f"quantization is {quantization!r}; expected one of {', '.join(QUANTIZATIONS)}")
    run_dir = pathlib.Path(run_dir)
    results = load_results(run_dir)
    if results["architecture"] != "sdkd":
        raise UserError(f"{run_dir}: holds a {results['architecture']} network; expected one with saliency (sdkd)")
    network = load_network(run_dir / "model.keras")
    if network.output_shape[0][1] != len(results["classes"]):
        raise UserError(
            f"{run_dir}: model.keras has {network.output_shape[0][1]} classes, results.json {len(results['classes'])}"
        )
    sequence = load_sequence(results["data"], **results["selection"])
    if list(sequence.classes) != results["classes"]:
        raise UserError(f"data {results['data']}: its classes are not those of {run_dir / 'results.json'}")
    last_task = sequence.tasks[-1].train
    input_size = results["input_size"]

    keras.utils.set_random_seed(seed)
    if quantization == "qat":
        batches = make_dataset(last_task, input_size, batch_size, augment_seed=seed, drop_remainder=True)
        options = {k: v for k, v in results["options"].items() if k in ("saliency_weight", *Distiller.options)}
        deployed = train_quantized(network, batches, {**options, "lambda2": lambda2}, epochs, learning_rate)
        content = to_tflite(deployed)
    else:
        complete = with_probabilities(network)
        deployed = keras.Model(complete.input, [complete.outputs[4], complete.outputs[1]])
        if quantization == "ptq":
            content = to_tflite(deployed, make_dataset(last_task, input_size, 1).take(200))
        else:
            content = to_tflite(with_uint8_input(deployed), quantize=False)

    target = run_dir / "tflite"
    known = target / "conversion.json"
    reports = json.loads(known.read_text()) if known.is_file() else {}
    with tempfile.TemporaryDirectory(dir=run_dir) as temporary:
        path = pathlib.Path(temporary) / FILE_NAMES[quantization]
        path.write_bytes(content)
        report = {"file": path.name, **measure(path, network, sequence)}
        (path.parent / "labels.txt").write_text("".join(f"{name}\n" for name in results["classes"]))
        (path.parent / "conversion.json").write_text(json.dumps({**reports, quantization: report}, indent=1))
        target.mkdir(exist_ok=True)
        for file in path.parent.iterdir():
            os.replace(file, target / file.name)
    return report


def load_network(path):
    """Loads a float network saved by train.py. Raises UserError when the file is missing or no such network."""
    if not path.is_file():
        raise UserError(f"model {path}: no such file; expected the directory of a finished run of train.py")
    try:
        with heartbeat(f"loading {path}"):
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"model {path}: cannot be loaded ({str(error).splitlines()[0]})") from error


def train_quantized(network, batches, distillation, epochs, learning_rate):
    """Quantization-aware training by SDKD: the float network teaches the quantized one.

    Args:
      network: the float network.
      batches: training batches of the last task.
      distillation: keyword arguments of Distiller.
      epochs, learning_rate: of the training.

    Returns:
      The trained, quantized model with the outputs [probabilities, saliency].
    """
    with heartbeat("preparing the quantized network"):
        student, deployed = quantization_aware(network)
        calibrate(student, network, batches.take(_CALIBRATION_BATCHES))
        distiller = Distiller(student, teacher=network, **distillation)
        if distiller.has_factors:
            distiller.train_teacher_translator(batches)
    distiller.compile(keras.optimizers.Adam(learning_rate, clipvalue=0.5))
    distiller.fit(
        batches,
        epochs=epochs,
        callbacks=[
            FirstStepHeartbeat("building the graph of quantization-aware training"),
            CosineDecay(epochs, learning_rate),
        ],
        verbose=1,
    )
    fix_ranges(deployed)
    return deployed


def with_uint8_input(model):
    """Puts the pixels' normalisation in front of a model, so that a float file takes uint8 images as well."""
    pixels = keras.Input(model.input_shape[1:], dtype=tf.uint8)
    return keras.Model(pixels, model(to_network_range(pixels)))


def to_tflite(model, representative=None, quantize=True):
    """Converts a model with the outputs [probabilities, saliency] to a TFLite file's bytes.

    Args:
      model: quantization-aware, or float when `representative` is given or `quantize` is False.
      representative: batches of one image to find the ranges of a float model.
      quantize: False keeps float.

    Returns:
      bytes; the signature `serving_default` has the uint8 input `image` `[1, s, s, 3]` and the float32 outputs
      `probabilities` and `saliency`.
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
        if quantize:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.inference_input_type = tf.uint8
        if representative is not None:
            converter.representative_dataset = lambda: ([batch["image"]] for batch in representative)
        return converter.convert()


def measure(path, network, sequence):
    """Compares a .tflite file with the float network on all validation and test images.

    Args:
      path: the file.
      network: the float network.
      sequence: the TaskSequence.

    Returns:
      A dict: bytes, float_ops, latency {median_ms, threads, machine}, and for each of `validation` and `test`: accuracy
      {task: {float, tflite}}, top1_agreement, saliency_difference (mean absolute).
    """
    classifier = Classifier(path)
    with tqdm(total=2 * len(sequence.tasks), desc="measuring the .tflite", unit="task") as progress:
        compared = {split: _compare(classifier, network, sequence, split, progress) for split in ("validation", "test")}
    return {
        "bytes": path.stat().st_size,
        **compared,
        "float_ops": float_operators(path),
        "latency": {"median_ms": classifier.median_latency_ms(), "threads": 1, "machine": platform.machine()},
    }


def _compare(classifier, network, sequence, split, progress):
    accuracy, agree, differences = {}, [], []
    for task in sequence.tasks:
        examples = getattr(task, split)
        images = np.stack([letterbox(open_image(example.image), classifier.input_size) for example in examples])
        labels = np.array([example.label for example in examples])
        expected = Outputs(*network.predict(to_network_range(images), batch_size=50, verbose=0))
        found = [classifier(image) for image in images]
        top1, top1_float = np.array([f.probabilities.argmax() for f in found]), expected.logits.argmax(axis=1)
        accuracy[task.name] = {"float": float(np.mean(top1_float == labels)), "tflite": float(np.mean(top1 == labels))}
        agree.extend(top1 == top1_float)
        differences.append(np.abs(np.stack([f.saliency for f in found]) - expected.saliency[..., 0]).mean())
        progress.update()
    return {
        "accuracy": accuracy,
        "top1_agreement": float(np.mean(agree)),
        "saliency_difference": float(np.mean(differences)),
    }
