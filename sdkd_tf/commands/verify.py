"""Checks a converted file against its golden directory."""

from collections.abc import Sequence

from sdkd_tf.deploy.golden import verify
from sdkd_tf.errors import UserError

ARGUMENTS = "FILE.tflite GOLDEN_DIR "


def define_flags(program: str) -> None:
    """Defines no flags."""


def main(arguments: Sequence[str]) -> None:
    """Prints the results of the comparison."""
    if len(arguments) != 2:
        raise UserError(f"{len(arguments)} arguments given; expected a .tflite file and its golden directory")
    print("\n".join(verify(*arguments)))
