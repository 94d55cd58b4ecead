"""placeholder until the archive lands"""

import pathlib


def rendered_benchmark() -> pathlib.Path:
    return pathlib.Path(__file__).parent / "rendered"
