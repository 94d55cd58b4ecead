"""A golden directory: two images, the exact bytes a device must feed, and what the .tflite must answer."""

import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import OpResolverType
from PIL import Image

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.deploy.tflite import Classifier, Prediction
from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike, read_json, write_json

NAMES = {"image": "input", "image_large": "input_large"}  # an image's name, and that of the bytes it is scaled to
# Kernels that round otherwise than XNNPACK: TFLite's own, and the reference, which TFLite Micro and Ethos-U follow bit by bit.
_OTHER_KERNELS = (OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, OpResolverType.BUILTIN_REF)
_MARGIN = 32 / 256  # for a third kind, beyond what these differ by: see docs/deploy.md
_CANDIDATES = 8
_SMALL, _LARGE = 512, 1600  # pixels of the longer side: image.png at most, image_large.png at least
_NOISE = 48


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a file answered to one image, and how far another answer may be from it.

    Attributes:
      label: name of the class with the largest probability.
      probabilities: of the classes.
      saliency: rows of the map.
      tolerance: largest difference of a probability or a saliency value.
      pixel_tolerance: largest mean difference of the scaled image's bytes.
    """

    label: str
    probabilities: list[float]
    saliency: list[list[float]]
    tolerance: float
    pixel_tolerance: float


@dataclasses.dataclass(frozen=True)
class Expected:
    """What expected.json holds.

    Attributes:
      file: name of the .tflite.
      input_size: side of the square input in pixels.
      labels: names of all classes.
      image, image_large: the answers to the two images.
    """

    file: str
    input_size: int
    labels: list[str]
    image: Answer
    image_large: Answer


_README = """# Golden check

`image.png` is a photo, `image_large.png` another one with the pixels and the noise of a phone's camera. `input.bin` and
`input_large.bin` are what the model is fed: {size} x {size} RGB pixels, one byte each, row by row. `expected.json` holds what
`{file}` answered to each: `probabilities` of the classes, `label` of the largest, and `saliency`, the map row by row.

On a device, for each image:

1. Feed the bytes as the input `image`, run, and compare. The largest probability must belong to `label`, and no value may differ by
   more than `tolerance`.
2. Decode the PNG, scale it as the app does, and compare with the bytes: they may differ by `pixel_tolerance` (of 255) on average.
   What differs by more on `image_large.png` alone does not average when it shrinks.

Here: `sdkd verify {file} <this directory>`
"""


def write_golden(directory: PathLike, path: PathLike, images: Sequence[PathLike], labels: list[str]) -> None:
    """Writes two images, their inputs, expected.json and README.md.

    Of a few images it takes those on which XNNPACK, TFLite's own kernels and the reference kernels agree best, and whose label
    no answer within the tolerance can change.

    Args:
      directory: an empty directory.
      path: the .tflite file, with the saliency output.
      images: files to choose from, at least one.
      labels: names of the classes.
    """
    directory, path = pathlib.Path(directory), pathlib.Path(path)
    classifiers = [Classifier(path), *(Classifier(path, kernels=kernels) for kernels in _OTHER_KERNELS)]
    size = classifiers[0].input_size
    opened, side = [], max(_SMALL, 2 * size)
    for i in np.unique(np.linspace(0, len(images) - 1, _CANDIDATES).astype(int)):
        opened.append(open_image(images[i]))
        opened[-1].thumbnail((side, side), Image.Resampling.BILINEAR)
    found = [_answer(classifiers, image, labels) for image in opened]
    order = sorted(range(len(found)), key=lambda i: (_margin(found[i]) <= 2 * found[i].tolerance, found[i].tolerance))
    second = next((i for i in order if found[i].label != found[order[0]].label), order[-1])
    chosen = {"image": opened[order[0]], "image_large": _enlarge(opened[second])}
    answers = {name: _answer(classifiers, image, labels) for name, image in chosen.items()}
    for name, image in chosen.items():
        image.save(directory / f"{name}.png")
        (directory / f"{NAMES[name]}.bin").write_bytes(letterbox(image, size).tobytes())
    write_json(directory / "expected.json", Expected(path.name, size, labels, **answers))
    (directory / "README.md").write_text(_README.format(size=size, file=path.name), encoding="utf-8")


def _enlarge(image: Image.Image) -> Image.Image:
    """Pixels repeated, with noise that averaging takes away and picking single pixels keeps."""
    factor = math.ceil(_LARGE / max(image.size))
    pixels = np.asarray(image).repeat(factor, axis=0).repeat(factor, axis=1).astype(int)
    noise = np.random.default_rng(0).choice((-_NOISE, _NOISE), (*pixels.shape[:2], 1))
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _answer(classifiers: Sequence[Classifier], image: Image.Image, labels: list[str]) -> Answer:
    """The first one's answer, with tolerances for other kernels and for other filters that average."""
    size = classifiers[0].input_size
    pixels = letterbox(image, size)
    first, *others = (classifier(pixels) for classifier in classifiers)
    differences = [difference for other in others for difference in _differences(other, first)]
    scaled = [letterbox(image, size, filter).astype(int) for filter in (Image.Resampling.BOX, Image.Resampling.LANCZOS)]
    return Answer(
        label=labels[int(first.probabilities.argmax())],
        probabilities=first.probabilities.tolist(),
        saliency=first.saliency.tolist(),
        tolerance=max(differences) + _MARGIN,
        pixel_tolerance=max(float(np.abs(other - pixels).mean()) for other in scaled) + 1,
    )


def _margin(answer: Answer) -> float:
    """Between the two largest probabilities."""
    *_, second, first = sorted(answer.probabilities)
    return first - second


def _differences(found: Prediction, wanted: Prediction) -> list[float]:
    """The largest of the probabilities and of the saliency, if the file has it."""
    pairs = [(a, b) for a, b in zip(found, wanted, strict=True) if a is not None]
    return [float(np.abs(a - b).max()) for a, b in pairs]


def read_golden(directory: PathLike) -> tuple[dict[str, np.ndarray], Expected]:
    """Reads a golden directory.

    Returns:
      The inputs uint8 `[s, s, 3]` by the names of their images, and the expected answers.

    Raises:
      UserError: a file is missing or does not fit the others.
    """
    directory = pathlib.Path(directory)
    for name in ("expected.json", *(f"{image}.png" for image in NAMES), *(f"{input}.bin" for input in NAMES.values())):
        if not (directory / name).is_file():
            raise UserError(f"golden directory {directory}: has no {name}; expected a directory written by convert.py")
    expected = read_json(directory / "expected.json", Expected, "convert.py")
    size, inputs = expected.input_size, {}
    for image, name in NAMES.items():
        answer, content = getattr(expected, image), (directory / f"{name}.bin").read_bytes()
        fits = len(answer.probabilities) == len(expected.labels) and answer.label in expected.labels
        rows = {len(row) for row in answer.saliency}
        if not fits or len(rows) != 1 or size < 1 or len(content) != 3 * size * size:
            raise UserError(
                f"golden directory {directory}: its files do not fit each other; expected those of convert.py"
            )
        inputs[image] = np.frombuffer(content, np.uint8).reshape(size, size, 3)
    return inputs, expected


def verify(path: PathLike, golden_dir: PathLike) -> list[str]:
    """Runs the golden inputs through a file and compares the answers.

    Args:
      path: a .tflite file, with or without the saliency output.
      golden_dir: a directory written by convert.py.

    Returns:
      Lines that say what was found equal.

    Raises:
      UserError: the file and the directory do not fit each other, or an answer differs.
    """
    classifier = Classifier(path)
    inputs, expected = read_golden(golden_dir)
    asked, held = (classifier.input_size, classifier.num_classes), (expected.input_size, len(expected.labels))
    if asked != held:
        raise UserError(
            f"golden directory {golden_dir}: is for input {held[0]} and {held[1]} classes; {path} has {asked[0]} and {asked[1]}"
        )
    largest = {"probabilities": 0.0, "saliency": 0.0}
    for name, pixels in inputs.items():
        image = pathlib.Path(golden_dir) / f"{name}.png"
        if not np.array_equal(letterbox(open_image(image), expected.input_size), pixels):
            raise UserError(f"golden directory {golden_dir}: {image.name} scaled to {held[0]} is not {NAMES[name]}.bin")
        answer, wanted = classifier(pixels), getattr(expected, name)
        label = expected.labels[int(answer.probabilities.argmax())]
        if label != wanted.label:
            raise UserError(f"{path}: answers {label} to {image.name}; expected {wanted.label}")
        for part in Prediction._fields:
            found, reference = getattr(answer, part), np.array(getattr(wanted, part))
            if found is None:
                largest.pop(part, None)
                continue
            if found.shape != reference.shape:
                raise UserError(f"{path}: {part} has the shape {found.shape}; expected {reference.shape}")
            difference = float(np.abs(found - reference).max())
            largest[part] = max(largest[part], difference)
            if not difference <= wanted.tolerance:  # nor NaN
                raise UserError(
                    f"{path}: {part} of {image.name} differs by {difference:.4f}; expected at most {wanted.tolerance:.4f}"
                )
    lines = [f"labels {expected.image.label}, {expected.image_large.label}: equal"]
    return lines + [f"{part}: largest difference {difference:.4f}" for part, difference in largest.items()]
