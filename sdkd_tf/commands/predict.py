"""Labels image files with a converted file, and draws what it looked at."""

import os
import pathlib
from collections.abc import Sequence

from absl import flags

from sdkd_tf.data.images import SUFFIXES, letterbox, open_image, opened
from sdkd_tf.data.layouts.listing import files_below
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.errors import UserError
from sdkd_tf.files import expand
from sdkd_tf.reporting.overlay import draw

ARGUMENTS = "IMAGE_OR_DIR... "


def define_flags(program: str) -> None:
    """Defines the flags of a prediction."""
    own = {"module_name": program}
    flags.DEFINE_string("model", None, "A .tflite of convert.py; labels.txt is read beside it.", **own)
    flags.DEFINE_string("overlay_dir", None, "Where to write each image with its saliency map drawn over it.", **own)
    flags.DEFINE_integer("top_k", 3, "Labels of an image.", lower_bound=1, **own)
    flags.DEFINE_integer("threads", 1, "CPU threads.", lower_bound=1, **own)


def main(arguments: Sequence[str]) -> None:
    """Prints the most probable labels of each image."""
    values = flags.FLAGS
    if not values.model:
        raise UserError("--model is missing; expected a .tflite written by convert.py")
    if not arguments:
        raise UserError("no image given; expected image files or folders of them")
    model, overlay_dir = expand(values.model), expand(values.overlay_dir or "")
    classifier = Classifier(model, values.threads)
    labels = read_labels(model, classifier.num_classes)
    if overlay_dir and not classifier.has_saliency:
        raise UserError(f"--overlay_dir: {model} gives no saliency map; expected the file without _classifier")
    paths = find_images(arguments)
    for path in paths:  # so that a wrong name leaves nothing half done; the pixels of one image only are in memory
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
        best = (-prediction.probabilities).argsort(kind="stable")[: values.top_k]  # the first of equal ones, as argmax
        print(f"{path}: " + ", ".join(f"{labels[i]} {prediction.probabilities[i]:.3f}" for i in best))
        if overlay_dir:
            out = pathlib.Path(overlay_dir)
            out.mkdir(parents=True, exist_ok=True)
            draw(image, prediction.saliency).save(out / name)
            print(f"  overlay: {out / name}")
    if damaged:
        several = "\n  ".join([f"{len(damaged)} of {len(paths)} images are not labeled:", *damaged])
        raise UserError(damaged[0] if len(damaged) == 1 else several)


def find_images(paths: Sequence[str]) -> list[pathlib.Path]:
    """The files among some paths, and the images below the folders among them, in natural order.

    Raises:
      UserError: a folder cannot be read or holds no image.
    """
    found: list[pathlib.Path] = []
    for path in map(pathlib.Path, paths):
        unreadable: list[str] = []
        below = list(files_below(path, unreadable=unreadable.append)) if path.is_dir() else [path]
        images = [file for file in below if file == path or file.suffix.lower() in SUFFIXES]
        if unreadable or not images:
            raise UserError(unreadable[0] if unreadable else f"{path}: holds no image; expected {' '.join(SUFFIXES)}")
        found += images
    return found


def read_labels(model_path: str, num_classes: int) -> list[str]:
    """Reads `labels.txt` beside a model. Raises UserError if it is missing, not text or of another length."""
    path = pathlib.Path(model_path).with_name("labels.txt")
    if not path.is_file():
        raise UserError(f"labels {path}: no such file; expected the labels that convert.py wrote beside the model")
    try:
        labels = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"labels {path}: cannot be read ({error}); expected text in UTF-8") from error
    if len(labels) != num_classes:
        raise UserError(f"labels {path}: has {len(labels)} lines; expected {num_classes}, the model's classes")
    return labels


def overlay_names(paths: Sequence[pathlib.Path]) -> list[str]:
    """File names for overlays: an image's path from the deepest folder common to all, so that none replaces another."""
    resolved = [path.resolve() for path in paths]
    root = os.path.commonpath([path.parent for path in resolved])
    return ["_".join(path.relative_to(root).parts).replace(".", "_") + "_saliency.png" for path in resolved]
