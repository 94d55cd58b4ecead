"""Converts a finished run to TFLite, by default with quantization-aware training to int8."""

from collections.abc import Sequence

from absl import flags

from sdkd_tf.deploy.conversion import ConversionOptions, convert
from sdkd_tf.errors import UserError
from sdkd_tf.options import declared_options, define_option, make_options
from sdkd_tf.reporting.tables import conversion_table

ARGUMENTS = ""


def define_flags(program: str) -> None:
    """Defines the flags of ConversionOptions."""
    for option in declared_options(ConversionOptions):
        define_option(option, flags.FLAGS, program)


def main(arguments: Sequence[str]) -> None:
    """Converts the run, and prints accuracy, size and latency of the file."""
    options = make_options(ConversionOptions, flags.FLAGS.flag_values_dict())
    if not options.run_dir:
        raise UserError("--run_dir is missing; expected the directory of a finished run of train.py")
    conversion = convert(options)
    print(f"\n{conversion_table({options.quantization: conversion})}")
