"""Compares the answers of kernels that round differently, for the same file and images.

python -m benchmarks.kernels FILE.tflite IMAGES_DIR

With the folder .arm64 (`make .arm64/installed`), also those of a 64-bit Arm processor, which QEMU emulates.
"""

import pathlib
import subprocess
import tempfile
from collections.abc import Sequence

import numpy as np
from absl import app
from ai_edge_litert.interpreter import OpResolverType
from tqdm import tqdm

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.sources import find_files
from sdkd_tf.deploy.tflite import Classifier, Prediction
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.files import PathLike
from sdkd_tf.reporting.tables import markdown

ARM64 = pathlib.Path(__file__).parents[1] / ".arm64"
KERNELS = {
    "XNNPACK": OpResolverType.AUTO,
    "TFLite's own": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}
_IMAGES = 32


def answers(path: PathLike, images: np.ndarray, kernels: OpResolverType) -> Prediction:
    """Runs a file on images, uint8 `[n, s, s, 3]`. Returns a Prediction of arrays with n rows."""
    classifier = Classifier(path, kernels=kernels)
    return Prediction(*map(np.stack, zip(*map(classifier, images), strict=True)))


def answers_on_arm64(path: PathLike, images: np.ndarray) -> Prediction:
    """The same on an emulated 64-bit Arm processor, with XNNPACK."""
    program = pathlib.Path(__file__).parent / "arm64" / "answer.py"
    with tempfile.TemporaryDirectory() as folder:
        given, out = f"{folder}/images.npy", f"{folder}/answers.npz"
        np.save(given, images)
        python = [ARM64 / "qemu-aarch64", "-L", ARM64 / "root", ARM64 / "root" / "usr" / "bin" / "python3.11"]
        environment = {"PYTHONPATH": str(ARM64 / "site")}
        subprocess.run([*python, program, path, given, out], env=environment, check=True, capture_output=True)
        with np.load(out) as found:
            return Prediction(found["probabilities"], found["saliency"][..., 0], found["embedding"])


def compared(expected: Prediction, found: Prediction) -> tuple[int, float, float, float]:
    """(number of equal labels, largest difference of probabilities, of maps and, relative to its largest value, of embeddings)."""
    equal = expected.probabilities.argmax(axis=1) == found.probabilities.argmax(axis=1)
    differences = [float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True)]
    return int(equal.sum()), *differences[:2], differences[2] / float(np.abs(expected.embedding).max())


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    with one_line_errors():
        if len(argv) != 3:
            raise UserError(f"{len(argv) - 1} arguments given; expected a .tflite file and a folder of images")
        files = find_files(argv[2:])
        size = Classifier(argv[1]).input_size
        chosen = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, _IMAGES).astype(int))]
        images = np.stack([letterbox(open_image(file), size) for file in chosen])
        every = {name: answers(argv[1], images, kernels) for name, kernels in tqdm(KERNELS.items())}
        if (ARM64 / "installed").is_file():
            every["XNNPACK, 64-bit Arm"] = answers_on_arm64(argv[1], images)
        first, *others = every
        rows = []
        for name in others:
            equal, *differences = compared(every[first], every[name])
            rows.append([name, f"{equal} of {len(images)}", *(f"{value:.3f}" for value in differences)])
        head = [f"against {first}, x86-64", "equal labels", "probabilities", "map", "embedding"]
        print("\n" + markdown(head, rows))


if __name__ == "__main__":
    app.run(main)
