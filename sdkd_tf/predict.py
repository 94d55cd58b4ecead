"""Labels image files with a converted model.

python -m sdkd_tf.predict --model=runs/quickstart/tflite/sdkd_int8.tflite IMAGE... [--overlay_dir=OUT]
"""

import os
import pathlib

from absl import app, flags
from PIL import Image

from sdkd_tf.data.images import crop_letterbox, letterbox, open_image
from sdkd_tf.deploy.runtime import Classifier
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.overlay import overlay

FLAGS = flags.FLAGS

flags.DEFINE_string("model", None, "A .tflite written by convert.py; labels.txt is read beside it.")
flags.DEFINE_string("overlay_dir", None, "Where to write each image with its saliency map drawn over it.")
flags.DEFINE_integer("top_k", 3, "Labels an image.", lower_bound=1)
flags.DEFINE_integer("threads", 1, "CPU threads.", lower_bound=1)


def read_labels(model_path, num_classes):
    """Reads `labels.txt` beside a model. Raises UserError when it is missing, no text or of another length."""
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


def main(argv):
    with one_line_errors():
        if not FLAGS.model:
            raise UserError("--model is missing; expected a .tflite written by convert.py")
        if len(argv) < 2:
            raise UserError("no image given; expected one or more image files")
        classifier = Classifier(FLAGS.model, FLAGS.threads)
        labels = read_labels(FLAGS.model, classifier.num_classes)
        if FLAGS.overlay_dir and not classifier.has_saliency:
            raise UserError(
                f"--overlay_dir: {FLAGS.model} gives no saliency map; expected the file without _classifier"
            )
        # All are read before anything is written, so that a bad file leaves nothing half done.
        images = [(pathlib.Path(path), open_image(path)) for path in argv[1:]]
        for (path, image), name in zip(images, overlay_names([path for path, _ in images])):
            prediction = classifier(letterbox(image, classifier.input_size))
            best = prediction.probabilities.argsort()[::-1][: FLAGS.top_k]
            print(f"{path}: " + ", ".join(f"{labels[i]} {prediction.probabilities[i]:.3f}" for i in best))
            if FLAGS.overlay_dir:
                out = pathlib.Path(FLAGS.overlay_dir)
                out.mkdir(parents=True, exist_ok=True)
                draw(image, prediction.saliency).save(out / name)
                print(f"  overlay: {out / name}")


def overlay_names(paths):
    """File names for overlays: an image's path from the deepest folder common to all, so that none replaces another."""
    resolved = [path.resolve() for path in paths]
    root = os.path.commonpath([path.parent for path in resolved])
    return ["_".join(path.relative_to(root).parts).replace(".", "_") + "_saliency.png" for path in resolved]


def draw(image, saliency):
    """An image of any size with its saliency map over it, as a PIL image; the map's letterbox is cut off."""
    square = overlay(letterbox(image, max(image.size)), saliency)
    return Image.fromarray(crop_letterbox(square, *image.size))


if __name__ == "__main__":
    app.run(main)
