"""Teaches a converted file new objects, or corrects what it knows, from a few photos. No photo is kept."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import flags
from tqdm import tqdm

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.layouts.listing import subfolders
from sdkd_tf.data.layouts.names import flaw
from sdkd_tf.data.sources import find_files
from sdkd_tf.deploy.head import NAME, head_beside
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.errors import UserError

ARGUMENTS = "DIR "


def define_flags(program: str) -> None:
    """Defines the flags of teaching."""
    own = {"module_name": program}
    flags.DEFINE_string("model", None, "A .tflite file written by convert.py, next to its head.json.", **own)
    flags.DEFINE_integer("threads", 1, "Number of CPU threads.", lower_bound=1, **own)


def main(arguments: Sequence[str]) -> None:
    """Adds the photos in DIR, one folder per class, to the head.json next to the model."""
    if not flags.FLAGS.model:
        raise UserError("--model is missing; expected a .tflite file written by convert.py")
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        raise UserError(f"{' '.join(arguments) or 'no argument'}: expected a folder with a folder of photos per class")
    model = pathlib.Path(os.path.expanduser(flags.FLAGS.model))
    classifier, head = Classifier(model, flags.FLAGS.threads), head_beside(model)
    if head is None or classifier.embedding_size != head.size:
        raise UserError(
            f"model {model}: has no {NAME} that fits next to it; expected a file converted from a run with"
            " --fc=closed_form, and not the one whose name ends with _classifier"
        )
    photos = _photos(pathlib.Path(arguments[0]), head.labels)
    embeddings = [
        classifier(letterbox(open_image(path), classifier.input_size)).embedding
        for path, _ in tqdm(photos, desc="learning", unit="photo")
    ]
    names = [name for _, name in photos]
    taught = head.taught(np.array(embeddings), names)
    taught.write(model.with_name(NAME))
    for name in dict.fromkeys(names):
        what = "corrected" if name in head.labels else "new"
        print(f"{name}: {names.count(name)} photos, {what}")


def _photos(directory: pathlib.Path, labels: Sequence[str]) -> list[tuple[pathlib.Path, str]]:
    """The image files below each folder of a class, with the name of the class; `Cup` means a known class `cup`."""
    found, known = [], {label.lower(): label for label in labels}
    for name, folder in subfolders(directory).items():
        if reason := flaw(name):
            raise UserError(f"class {name!a}: {reason}")
        name = name if name in labels else known.get(name.lower(), name)
        found += [(path, name) for path in find_files([str(folder)])]
    if not found:
        raise UserError(f"{directory}: has no folders; expected one folder of photos per class")
    return found
