"""Prints the results of finished runs, and writes their plots and their report for a browser."""

import os
import pathlib
from collections.abc import Sequence

from absl import flags

from sdkd_tf.errors import UserError
from sdkd_tf.reporting.html_report import write_report
from sdkd_tf.reporting.tables import summary
from sdkd_tf.run import Run

ARGUMENTS = "RUN_DIR... "


def define_flags(program: str) -> None:
    """Defines --out_dir and --data_dir."""
    text = "Directory for reports and plots, with one folder per run; by default the runs themselves."
    flags.DEFINE_string("out_dir", None, text, module_name=program)
    flags.DEFINE_string("data_dir", None, "Location of the runs' data, if they were moved.", module_name=program)


def main(arguments: Sequence[str]) -> None:
    """Prints the summary of each run, and writes its report."""
    values = flags.FLAGS
    if not arguments:
        raise UserError("no run given; expected one or more directories of finished runs")
    out_dir = values.out_dir and pathlib.Path(values.out_dir).expanduser()
    runs = {Run(argument).directory.resolve(): Run(argument) for argument in arguments}
    parent = os.path.commonpath([path.parent for path in runs])
    for path, run in runs.items():
        print(f"{run.directory}\n\n{summary(run)}\n")
        folder = out_dir / path.relative_to(parent) if out_dir else None
        report, plots = write_report(run, folder, values.data_dir)
        print(f"report: {report}\nplots: " + ", ".join(map(str, plots)) + "\n")
