"""Measures a .tflite file against the float network."""

import platform

import numpy as np
from PIL import Image
from tqdm import tqdm

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.pipeline import to_network_range
from sdkd_tf.deploy.runtime import Classifier, float_operators
from sdkd_tf.model.network import Outputs


def measure(path, network, sequence):
    """Compares a .tflite file with the float network on all validation and test images.

    Args:
      path: the file.
      network: the float network.
      sequence: the TaskSequence.

    Returns:
      A dict: bytes, float_ops, latency {median_ms, threads, machine}, and for each of `validation` and `test`: accuracy
      {task: {float, tflite}}, top1_agreement and saliency_difference (mean absolute); for `test` also resized
      {nearest, bilinear}, the file's mean accuracy when the caller scales images like that, see `stretch`.
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


def stretch(image, size, method):
    """Scales a PIL image to a square as phones do: without keeping its aspect, without averaging over what is skipped.

    Args:
      image: PIL image in mode RGB.
      size: side of the square in pixels.
      method: `nearest`, what Android Studio's model binding does, or `bilinear`.

    Returns:
      uint8 `[size, size, 3]`.
    """
    step = (image.width / size, 0, 0, 0, image.height / size, 0)
    resample = Image.Resampling[method.upper()]
    return np.asarray(image.transform((size, size), Image.Transform.AFFINE, step, resample))


def _compare(classifier, network, sequence, split, progress):
    accuracy, agree, differences = {}, [], []
    resized = {"nearest": [], "bilinear": []} if split == "test" else {}
    for task in sequence.tasks:
        examples = getattr(task, split)
        labels = np.array([example.label for example in examples])
        originals = [open_image(example.image) for example in examples]
        images = np.stack([letterbox(image, classifier.input_size) for image in originals])
        expected = Outputs(*network.predict(to_network_range(images), batch_size=50, verbose=0))
        found = [classifier(image) for image in images]
        top1, top1_float = np.array([f.probabilities.argmax() for f in found]), expected.logits.argmax(axis=1)
        accuracy[task.name] = {"float": float(np.mean(top1_float == labels)), "tflite": float(np.mean(top1 == labels))}
        agree.extend(top1 == top1_float)
        differences.append(np.abs(np.stack([f.saliency for f in found]) - expected.saliency[..., 0]).mean())
        for method, right in resized.items():
            stretched = [stretch(image, classifier.input_size, method) for image in originals]
            right.append(np.mean([classifier(x).probabilities.argmax() for x in stretched] == labels))
        progress.update()
    return {
        "accuracy": accuracy,
        "top1_agreement": float(np.mean(agree)),
        "saliency_difference": float(np.mean(differences)),
        **({"resized": {method: float(np.mean(right)) for method, right in resized.items()}} if resized else {}),
    }
