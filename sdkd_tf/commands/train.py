"""Trains a network on a sequence of tasks, or resumes an interrupted run."""

from collections.abc import Sequence

from sdkd_tf import config
from sdkd_tf.reporting.tables import summary
from sdkd_tf.run import Run
from sdkd_tf.training import train

ARGUMENTS = ""


def define_flags(program: str) -> None:
    """Defines a flag for every option of a run."""
    config.define_flags(main_module=program)


def main(arguments: Sequence[str]) -> None:
    """Trains the network and prints a summary of the run."""
    options = config.config_from_flags()
    train(options)
    run = Run(options.run.run_dir)
    print(f"\n{summary(run)}")
    if options.run.report:
        print(f"\nreport: {run.directory / 'report.html'}, plots: {run.directory / 'plots'}")
