"""Prints the results of finished runs and draws their plots."""

import pathlib
from collections.abc import Sequence

from absl import flags

from sdkd_tf.errors import UserError
from sdkd_tf.reporting.plots import plot_run
from sdkd_tf.reporting.tables import summary
from sdkd_tf.run import Run

ARGUMENTS = "RUN_DIR... "


def define_flags(program: str) -> None:
    """Defines --out_dir."""
    text = "Directory for the plots, with one folder per run; by default the run's plots."
    flags.DEFINE_string("out_dir", None, text, module_name=program)


def main(arguments: Sequence[str]) -> None:
    """Prints the summary of each run and draws its plots."""
    if not arguments:
        raise UserError("no run given; expected one or more directories of finished runs")
    out_dir = flags.FLAGS.out_dir and pathlib.Path(flags.FLAGS.out_dir).expanduser()
    for run in map(Run, arguments):
        print(f"{run.directory}\n\n{summary(run)}\n")
        try:
            plots = plot_run(run, out_dir / run.directory.resolve().name if out_dir else None)
            print("plots: " + ", ".join(map(str, plots)) + "\n")
        except OSError as error:
            raise UserError(
                f"{error.filename}: cannot be written ({error.strerror}); choose another --out_dir"
            ) from error
