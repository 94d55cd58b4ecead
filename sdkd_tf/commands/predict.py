"""Labels images with a converted file, and draws their saliency maps."""

import os
import pathlib
from collections.abc import Sequence

from absl import flags

from sdkd_tf.data.images import SUFFIXES, letterbox, open_image, opened
from sdkd_tf.data.layouts.listing import files_below
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.errors import UserError
from sdkd_tf.reporting.overlay import draw

ARGUMENTS = "IMAGE_OR_DIR... "


def define_flags(program: str) -> None:
    """Defines the flags of a prediction."""
    own = {"module_name": program}
    flags.DEFINE_string("model", None, "A .tflite file written by convert.py, next to its labels.txt.", **own)
    flags.DEFINE_string("overlay_dir", None, "Directory for images overlaid with their saliency maps.", **own)
    flags.DEFINE_integer("top_k", 3, "Number of labels printed for each image.", lower_bound=1, **own)
    flags.DEFINE_integer("threads", 1, "Number of CPU threads.", lower_bound=1, **own)


def main(arguments: Sequence[str]) -> None:
    """Prints the most probable labels of each image."""
    values = flags.FLAGS
    if not values.model:
        raise UserError("--model is missing; expected a .tflite file written by convert.py")
    if not arguments:
        raise UserError("no image given; expected image files or folders of images")
    model, overlay_dir = os.path.expanduser(values.model), os.path.expanduser(values.overlay_dir or "")
    classifier = Classifier(model, values.threads)
    labels = read_labels(model, classifier.num_classes)
    if overlay_dir and not classifier.has_saliency:
        raise UserError(f"--overlay_dir: {model} has no saliency output; expected the file without _classifier")
    paths = find_images(arguments)
    for path in paths:  # fails on a wrong name before any output; does not decode pixels
        with opened(path):
            pass
    damaged = []
    for path, name in zip(paths, overlay_names(paths)):
        try:
            image = open_image(path)
        except UserError as error:
            damaged.append(str(error))
            continue
        prediction = classifier(letterbox(image, classifier.input_size))
        best = (-prediction.probabilities).argsort(kind="stable")[: values.top_k]  # breaks ties like argmax
        print(f"{path}: " + ", ".join(f"{labels[i]} {prediction.probabilities[i]:.3f}" for i in best))
        if overlay_dir:
            out = pathlib.Path(overlay_dir)
            out.mkdir(parents=True, exist_ok=True)
            draw(image, prediction.saliency).save(out / name)
            print(f"  overlay: {out / name}")
    if damaged:
        several = "\n  ".join([f"{len(damaged)} of {len(paths)} images could not be labeled:", *damaged])
        raise UserError(damaged[0] if len(damaged) == 1 else several)


def find_images(paths: Sequence[str]) -> list[pathlib.Path]:
    """Lists the given files, and all images below the given folders in natural order.

    Raises:
      UserError: a folder cannot be read or holds no image.
    """
    found: list[pathlib.Path] = []
    for path in map(pathlib.Path, paths):
        unreadable: list[str] = []
        below = list(files_below(path, unreadable=unreadable.append)) if path.is_dir() else [path]
        images = [file for file in below if file == path or file.suffix.lower() in SUFFIXES]
        if unreadable or not images:
            raise UserError(unreadable[0] if unreadable else f"{path}: holds no images; expected {' '.join(SUFFIXES)}")
        found += images
    return found


def read_labels(model_path: str, num_classes: int) -> list[str]:
    """Reads the `labels.txt` next to a model. Raises UserError if it is missing, not text or of the wrong length."""
    path = pathlib.Path(model_path).with_name("labels.txt")
    if not path.is_file():
        raise UserError(f"labels {path}: no such file; expected the labels that convert.py wrote next to the model")
    try:
        labels = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"labels {path}: cannot be read ({error}); expected text in UTF-8") from error
    if len(labels) != num_classes:
        raise UserError(f"labels {path}: has {len(labels)} lines; expected {num_classes}, one per class of the model")
    return labels


def overlay_names(paths: Sequence[pathlib.Path]) -> list[str]:
    """Names overlays after the paths of their images below the common folder, so that equal file names do not clash."""
    resolved = [path.resolve() for path in paths]
    root = os.path.commonpath([path.parent for path in resolved])
    return ["_".join(path.relative_to(root).parts).replace(".", "_") + "_saliency.png" for path in resolved]
