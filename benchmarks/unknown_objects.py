"""How well a run tells photos of objects that it does not know from photos of those that it knows.

python -m benchmarks.unknown_objects RUN KNOWN_DIR UNKNOWN_DIR
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from absl import app
from scipy.stats import rankdata
from tqdm import tqdm

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.sources import find_files
from sdkd_tf.deploy.float_classifier import FloatClassifier
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.reporting.tables import markdown


class Measured(NamedTuple):
    """What a network says of the photos of a folder.

    Attributes:
      distances: `[photos]`, see `ClassStatistics.distances`.
      probabilities: `[photos]`, those of the most probable class.
    """

    distances: np.ndarray
    probabilities: np.ndarray


def measure(classifier: FloatClassifier, directory: str) -> Measured:
    """Classifies all photos below a folder. Raises UserError if the run has no Head or the folder no photos."""
    if classifier.head is None:
        raise UserError("the run has no class statistics; expected one with --fc=closed_form")
    embeddings = []
    for path in tqdm(find_files([directory]), desc=directory, unit="photo"):
        pixels = letterbox(open_image(path), classifier.input_size)
        embeddings.append(classifier(pixels[None])[0].embedding)
    probabilities = [classifier.head(embedding).probabilities.max() for embedding in embeddings]
    return Measured(classifier.head.statistics.distances(np.array(embeddings)), np.array(probabilities))


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """The probability that an unknown object has a larger value than a known one; ties count half (Mann and Whitney)."""
    ranks = rankdata(np.concatenate([unknown, known]))[: len(unknown)]
    return float((ranks.sum() - len(unknown) * (len(unknown) + 1) / 2) / (len(unknown) * len(known)))


def table(known: Measured, unknown: Measured, reach: float) -> str:
    """Compares known with unknown objects; `reach` is that of the class statistics."""
    shares = {
        "called unknown": lambda part: part.distances > reach,
        "probability above .9": lambda part: part.probabilities > 0.9,
        "probability above .9, and not called unknown": lambda part: (
            (part.probabilities > 0.9) & (part.distances <= reach)
        ),
    }
    rows = [[name, *(f"{np.mean(share(part)):.3f}" for part in (known, unknown))] for name, share in shares.items()]
    head = ["", f"{len(known.distances)} photos of known objects", f"{len(unknown.distances)} of unknown ones"]
    by_distance = auroc(known.distances, unknown.distances)
    by_probability = auroc(-known.probabilities, -unknown.probabilities)
    return f"{markdown(head, rows)}\n\nAUROC: distance {by_distance:.3f}, probability {by_probability:.3f}"


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    with one_line_errors():
        if len(argv) != 4:
            raise UserError(
                f"{len(argv) - 1} arguments given; expected a run, a folder of known objects and one of unknown ones"
            )
        classifier = FloatClassifier(argv[1])
        known, unknown = (measure(classifier, directory) for directory in argv[2:])
        print("\n" + table(known, unknown, float(classifier.head.statistics.reach[0])))


if __name__ == "__main__":
    app.run(main)
