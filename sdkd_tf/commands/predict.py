"""Labels images and videos with a converted file or a run, and draws their saliency maps."""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import flags
from PIL import Image

from sdkd_tf.commands import quiet_stderr
from sdkd_tf.data.images import letterbox
from sdkd_tf.data.sources import Source, check, find_files, is_image, read_images
from sdkd_tf.deploy.recognizer import Recognizer
from sdkd_tf.errors import UserError
from sdkd_tf.files import write_json
from sdkd_tf.reporting.contact_sheet import Cell, fitted, save_sheet
from sdkd_tf.reporting.overlay import draw

ARGUMENTS = "IMAGE_OR_DIR_OR_VIDEO... "
_SHOWN = 120  # most images on the contact sheet
_COLUMNS = 3  # of the sheet; the frames of a video are one below the other


@dataclasses.dataclass(frozen=True)
class Labeled:
    """An entry of predictions.json: an image, or a frame of a video, and its most probable labels, best first.

    `known` says whether it shows one of the classes at all; it is null if the network cannot tell.
    """

    path: str
    frame: int | None
    labels: Sequence[str]
    probabilities: Sequence[float]
    known: bool | None

    @property
    def name(self) -> str:
        """The path, and the number of the frame if there is one."""
        return self.path if self.frame is None else f"{self.path}, frame {self.frame}"


def define_flags(program: str) -> None:
    """Defines the flags of a prediction."""
    own = {"module_name": program}
    flags.DEFINE_string("model", None, "A .tflite file next to its labels.txt, or the directory of a run.", **own)
    flags.DEFINE_string("out_dir", None, "Directory for predictions.png and predictions.json.", **own)
    flags.DEFINE_integer("top_k", 3, "Number of labels given for each image.", lower_bound=1, **own)
    flags.DEFINE_integer("threads", 1, "Number of CPU threads of a .tflite file.", lower_bound=1, **own)
    flags.DEFINE_integer("camera", None, "Number of a camera to label, until Ctrl-C or --max_frames.", 0, **own)
    flags.DEFINE_integer("every", 30, "Label every n-th frame of a video or camera.", lower_bound=1, **own)
    flags.DEFINE_integer("max_frames", 100, "Most frames labeled of each video or camera.", lower_bound=1, **own)


def main(arguments: Sequence[str]) -> None:
    """Prints the most probable labels of each image, and writes the contact sheet and the JSON file."""
    values = flags.FLAGS
    if not values.model:
        raise UserError("--model is missing; expected a .tflite file, or the directory of a finished run")
    if not arguments and values.camera is None:
        raise UserError("no image given; expected image files, folders of images, videos, or --camera=0")
    sources: list[Source] = [*find_files(arguments), *([] if values.camera is None else [values.camera])]
    check(sources)  # fails on a wrong name before any output
    with quiet_stderr():  # TensorFlow logs when it is imported
        recognize = Recognizer(os.path.expanduser(values.model), values.threads)
    out_dir = values.out_dir and pathlib.Path(values.out_dir).expanduser()
    if out_dir:
        out_dir.mkdir(parents=True, exist_ok=True)
    labeled: list[Labeled] = []
    cells: list[Cell] = []
    damaged: list[str] = []
    with contextlib.suppress(*[] if values.camera is None else [KeyboardInterrupt]):  # which ends the camera
        for path, frame, image in read_images(sources, values.every, values.max_frames, damaged):
            (answer,) = recognize(letterbox(image, recognize.input_size)[None])
            labeled.append(Labeled(path, frame, *recognize.best(answer, values.top_k), answer.known))
            print(f"{labeled[-1].name}: {', '.join(_lines(labeled[-1]))}", flush=True)
            if out_dir and len(cells) < _SHOWN:
                cells.append(_cell(image, answer.saliency, labeled[-1]))
    if out_dir and labeled:
        _write(out_dir, labeled, cells, columns=_COLUMNS if all(map(is_image, sources)) else 1)
    if damaged:
        several = "\n  ".join([f"{len(damaged)} of {len(sources)} inputs could not be labeled:", *damaged])
        raise UserError(damaged[0] if len(damaged) == 1 else several)


def _lines(row: Labeled) -> list[str]:
    found = [f"{label} {probability:.3f}" for label, probability in zip(row.labels, row.probabilities)]
    return ["unknown", *found] if row.known is False else found


def _cell(image: Image.Image, saliency: np.ndarray | None, row: Labeled) -> Cell:
    """The photo, beside it the overlay if the network has a saliency map, and below them labels and name."""
    photo = fitted(image)
    overlay = [] if saliency is None else [draw(photo, saliency)]
    return Cell([photo, *overlay], [*_lines(row), row.name])


def _write(out_dir: pathlib.Path, labeled: list[Labeled], cells: list[Cell], columns: int) -> None:
    write_json(out_dir / "predictions.json", labeled)
    save_sheet(out_dir / "predictions.png", cells, columns)
    rest = f" (the first {len(cells)} of {len(labeled)} images)" if len(cells) < len(labeled) else ""
    print(f"wrote {out_dir / 'predictions.json'} and {out_dir / 'predictions.png'}{rest}")
