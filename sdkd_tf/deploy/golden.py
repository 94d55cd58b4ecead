"""Golden directories for checking a port to a device: two images, their input bytes, and the expected outputs."""

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

NAMES = {"image": "input", "image_large": "input_large"}  # name of an image -> name of its input bytes
# Kernels that round differently from XNNPACK: TFLite's own and the reference, with which TFLite Micro and Ethos-U agree
# bit by bit.
_OTHER_KERNELS = (OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, OpResolverType.BUILTIN_REF)
_MARGIN = 32 / 256  # added to the largest difference between these kernels, for others: see docs/deploy.md
_COMPARED = "probabilities", "saliency"  # outputs; the probabilities follow from the embedding
_CANDIDATES = 8
_SMALL = 512  # longer side in pixels that image.png has at most, or twice the input if that is more
_LARGE = 1600  # and that image_large.png has at least
_NOISE = 48  # amplitude, of 255


@dataclasses.dataclass(frozen=True)
class Answer:
    """The outputs of a file for one image, and the tolerances for those of a port.

    Attributes:
      label: name of the class with the highest probability.
      probabilities: one per class.
      saliency: rows of the map.
      tolerance: largest allowed difference of a probability or a saliency value.
      pixel_tolerance: largest allowed mean difference of the bytes of the scaled image.
    """

    label: str
    probabilities: list[float]
    saliency: list[list[float]]
    tolerance: float
    pixel_tolerance: float


@dataclasses.dataclass(frozen=True)
class Expected:
    """The content of expected.json.

    Attributes:
      file: name of the .tflite file.
      input_size: side of the square input in pixels.
      labels: names of all classes.
      image, image_large: the outputs for the two images.
    """

    file: str
    input_size: int
    labels: list[str]
    image: Answer
    image_large: Answer


def write_golden(directory: PathLike, path: PathLike, images: Sequence[PathLike], labels: list[str]) -> None:
    """Writes two images, their input bytes, expected.json and README.md.

    Of a few images, it chooses those on which XNNPACK, TFLite's own kernels and the reference kernels agree best, and
    whose label no output within the tolerance can change.

    Args:
      directory: an empty directory.
      path: the .tflite file, with the saliency output.
      images: image files to choose from, at least one.
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
    certain = [i for i in order if _margin(found[i]) > 2 * found[i].tolerance]
    second = next((i for i in certain if found[i].label != found[order[0]].label), order[:2][-1])  # or the next
    chosen = {"image": opened[order[0]], "image_large": _enlarge(opened[second])}
    answers = {name: _answer(classifiers, image, labels) for name, image in chosen.items()}
    for name, image in chosen.items():
        image.save(directory / f"{name}.png")
        (directory / f"{NAMES[name]}.bin").write_bytes(letterbox(image, size).tobytes())
    write_json(directory / "expected.json", Expected(path.name, size, labels, **answers))
    readme = pathlib.Path(__file__).with_name("golden_readme.md").read_text(encoding="utf-8")
    (directory / "README.md").write_text(readme.format(size=size, file=path.name), encoding="utf-8")


def _enlarge(image: Image.Image) -> Image.Image:
    """Enlarges an image by repeating pixels, and adds noise, which filters remove only if they average."""
    factor = math.ceil(_LARGE / max(image.size))
    pixels = np.asarray(image).repeat(factor, axis=0).repeat(factor, axis=1).astype(int)
    noise = np.random.default_rng(0).choice((-_NOISE, _NOISE), (*pixels.shape[:2], 1))
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _answer(classifiers: Sequence[Classifier], image: Image.Image, labels: list[str]) -> Answer:
    """The output of the first classifier, with tolerances for other kernels and other averaging filters."""
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
    """The difference of the two highest probabilities."""
    *_, second, first = sorted(answer.probabilities)
    return first - second


def _differences(found: Prediction, wanted: Prediction) -> list[float]:
    """The largest differences of the probabilities and, if the file has the output, of the saliency."""
    pairs = [(getattr(found, part), getattr(wanted, part)) for part in _COMPARED]
    return [float(np.abs(a - b).max()) for a, b in pairs if a is not None]


def read_golden(directory: PathLike) -> tuple[dict[str, np.ndarray], Expected]:
    """Reads a golden directory.

    Returns:
      ({name of an image: input bytes, uint8 `[s, s, 3]`}, the Expected outputs).

    Raises:
      UserError: a file is missing or inconsistent with the others.
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
            raise UserError(f"golden directory {directory}: its files are inconsistent; expected those of convert.py")
        inputs[image] = np.frombuffer(content, np.uint8).reshape(size, size, 3)
    return inputs, expected


def verify(path: PathLike, golden_dir: PathLike) -> list[str]:
    """Runs a file on the golden inputs and compares its outputs.

    Args:
      path: a .tflite file, with or without the saliency output.
      golden_dir: a directory written by convert.py.

    Returns:
      Lines that describe the results.

    Raises:
      UserError: the directory belongs to a different network, or an output differs.
    """
    classifier = Classifier(path)
    inputs, expected = read_golden(golden_dir)
    own, golden = (classifier.input_size, classifier.num_classes), (expected.input_size, len(expected.labels))
    if own != golden:
        raise UserError(
            f"golden directory {golden_dir}: is for {golden[0]} pixels and {golden[1]} classes;"
            f" {path} has {own[0]} and {own[1]}"
        )
    largest = {"probabilities": 0.0, "saliency": 0.0}
    for name, pixels in inputs.items():
        image = pathlib.Path(golden_dir) / f"{name}.png"
        if not np.array_equal(letterbox(open_image(image), expected.input_size), pixels):
            raise UserError(f"golden directory {golden_dir}: {image.name}, when scaled, differs from {NAMES[name]}.bin")
        answer, wanted = classifier(pixels), getattr(expected, name)
        label = expected.labels[int(answer.probabilities.argmax())]
        if label != wanted.label:
            raise UserError(f"{path}: predicts {label} for {image.name}; expected {wanted.label}")
        for part in _COMPARED:
            found, reference = getattr(answer, part), np.array(getattr(wanted, part))
            if found is None:
                largest.pop(part, None)
                continue
            if found.shape != reference.shape:
                raise UserError(f"{path}: {part} has the shape {found.shape}; expected {reference.shape}")
            difference = float(np.abs(found - reference).max())
            largest[part] = max(largest[part], difference)
            if not difference <= wanted.tolerance:  # also true for nan
                limit = f"{wanted.tolerance:.4f}"
                raise UserError(f"{path}: {part} of {image.name} differs by {difference:.4f}; expected at most {limit}")
    lines = [f"labels {expected.image.label}, {expected.image_large.label}: equal"]
    return lines + [f"{part}: largest difference {difference:.4f}" for part, difference in largest.items()]
