"""The parts of a run's report that need its images: counts, samples, confusion matrix, worst mistakes."""

import base64
import io
import pathlib
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from sdkd_tf.data.images import open_image
from sdkd_tf.data.sequence import TaskSequence
from sdkd_tf.evaluation.confusion import Predictions
from sdkd_tf.reporting.overlay import draw

_SAMPLE_SIDE, _MISTAKE_SIDE = 112, 174  # longer side in pixels
_MISTAKES, _CONFUSED = 20, 5


def png_uri(path: pathlib.Path) -> str:
    """A PNG file as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _jpeg_uri(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _scaled(path: pathlib.Path, side: int) -> Image.Image:
    return ImageOps.contain(open_image(path), (side, side), Image.Resampling.BICUBIC)


def image_counts(sequence: TaskSequence) -> dict[str, Any]:
    """Number of training images per class and task, and of all images per task and split."""
    labels = [[example.label for example in task.train] for task in sequence.tasks]
    rows = [(name, [of_task.count(label) for of_task in labels]) for label, name in enumerate(sequence.classes)]
    splits = {task.name: {s: len(getattr(task, s)) for s in ("train", "validation", "test")} for task in sequence.tasks}
    return {"per_class": rows, "per_task": splits}


def samples(sequence: TaskSequence) -> list[dict[str, str]]:
    """One training image of each class that has any, from one task after another."""
    shown = []
    for label, name in enumerate(sequence.classes):
        tasks = [task for task in sequence.tasks if any(example.label == label for example in task.train)]
        if not tasks:  # a class of the run that this one continues
            continue
        task = tasks[label % len(tasks)]
        examples = [example for example in task.train if example.label == label]
        picture = _jpeg_uri(_scaled(examples[len(examples) // 2].image, _SAMPLE_SIDE))
        shown.append({"picture": picture, "label": name, "task": task.name})
    return shown


def confused_pairs(counts: np.ndarray, classes: list[str]) -> list[dict[str, Any]]:
    """The most frequent mistakes first: true class, predicted class, their number, and images of the true class."""
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSED]
    pairs = [divmod(int(place), len(counts)) for place in order if wrong.flat[place]]
    return [
        {"label": classes[i], "predicted": classes[j], "count": int(counts[i, j]), "of": int(counts[i].sum())}
        for i, j in pairs
    ]


def worst_mistakes(predictions: Predictions, sequence: TaskSequence) -> list[dict[str, Any]]:
    """The mistakes with the highest probabilities, each with its photo and, if there is a map, the overlay."""
    shown = []
    for place in predictions.worst_mistakes(_MISTAKES):
        example, probabilities = predictions.examples[place], predictions.probabilities[place]
        photo = _scaled(example.image, _MISTAKE_SIDE)
        pictures = [photo] if predictions.saliency is None else [photo, draw(photo, predictions.saliency[place])]
        shown.append(
            {
                "pictures": list(map(_jpeg_uri, pictures)),
                "label": sequence.classes[example.label],
                "predicted": sequence.classes[probabilities.argmax()],
                "probability": float(probabilities.max()),
                "of_label": float(probabilities[example.label]),
                "task": predictions.tasks[place],
                "path": sequence.relative(example.image),
            }
        )
    return shown
