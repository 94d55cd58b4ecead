"""Measures a .tflite file against the float network."""

import platform

import numpy as np
from PIL import Image
from tqdm import tqdm

from sdkd_tf.data.images import open_image
from sdkd_tf.data.pipeline import make_dataset, to_pixels
from sdkd_tf.deploy.cost import latencies
from sdkd_tf.deploy.runtime import Classifier, float_operators
from sdkd_tf.evaluation import saliency_errors
from sdkd_tf.model.network import Outputs


def measure(path, network, sequence):
    """Compares a .tflite file with the float network on all validation and test images.

    Args:
      path: the file.
      network: the float network.
      sequence: the TaskSequence.

    Returns:
      A dict: bytes, float_ops, latency {median_ms, threads, machine}, and for each of `validation` and `test`: accuracy
      {task: {float, tflite}}, top1_agreement, saliency_difference (mean absolute, between the maps) and saliency_mae
      {float, tflite} against the masks, None where there are none; for `test` also resized {nearest, bilinear}, the file's mean
      accuracy when the caller scales images like that, see `stretch`.
    """
    classifier = Classifier(path)
    with tqdm(total=2 * len(sequence.tasks), desc="measuring the .tflite", unit="task") as progress:
        compared = {split: _compare(classifier, network, sequence, split, progress) for split in ("validation", "test")}
    return {
        "bytes": path.stat().st_size,
        **compared,
        "float_ops": float_operators(path),
        "latency": {
            "median_ms": float(np.median(latencies([path], threads=1, runs=50))),
            "threads": 1,
            "machine": platform.machine(),
        },
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
    accuracy, agree, differences, errors = {}, [], [], {"float": [], "tflite": []}
    resized = {"nearest": [], "bilinear": []} if split == "test" else {}
    for task in sequence.tasks:
        examples, hits = getattr(task, split), {"float": [], "tflite": []}
        for batch in make_dataset(examples, classifier.input_size, 50):
            expected = Outputs(*network.predict_on_batch(batch["image"]))
            found = [classifier(image) for image in to_pixels(batch["image"].numpy())]
            labels, maps = batch["label"].numpy(), np.stack([f.saliency for f in found])
            top1, top1_float = np.array([f.probabilities.argmax() for f in found]), expected.logits.argmax(axis=1)
            hits["float"].extend(top1_float == labels)
            hits["tflite"].extend(top1 == labels)
            agree.extend(top1 == top1_float)
            differences.extend(np.abs(maps - expected.saliency[..., 0]).mean(axis=(1, 2)))
            errors["float"] += saliency_errors(expected.saliency[..., 0], batch)
            errors["tflite"] += saliency_errors(maps, batch)
        accuracy[task.name] = {kind: float(np.mean(values)) for kind, values in hits.items()}
        originals = [open_image(example.image) for example in examples] if resized else []
        for method, right in resized.items():
            stretched = [stretch(image, classifier.input_size, method) for image in originals]
            found = [classifier(image).probabilities.argmax() for image in stretched]
            right.append(np.mean([label == example.label for label, example in zip(found, examples)]))
        progress.update()
    known = not np.isnan(errors["float"]).all()
    return {
        "accuracy": accuracy,
        "top1_agreement": float(np.mean(agree)),
        "saliency_difference": float(np.mean(differences)),
        "saliency_mae": {kind: float(np.nanmean(values)) if known else None for kind, values in errors.items()},
        **({"resized": {method: float(np.mean(right)) for method, right in resized.items()}} if resized else {}),
    }
