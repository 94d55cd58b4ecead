"""Checks data folders: prints layout, classes, counts and all problems. The exit code is 1 if there are problems."""

from collections.abc import Sequence

from absl import flags

from sdkd_tf.data.inspection import describe
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.errors import UserError
from sdkd_tf.options import declared_options, define_option, make_options

ARGUMENTS = "DIR... "


def define_flags(program: str) -> None:
    """Defines the flags that choose tasks and objects."""
    for option in declared_options(DataOptions):
        if option.name not in ("data_dir", "skip_bad_images"):
            define_option(option, flags.FLAGS, program)


def main(arguments: Sequence[str]) -> int:
    """Prints the description of each folder."""
    if not arguments:
        raise UserError("no folder given; expected one or more, or `rendered` for the bundled benchmark")
    found = False
    for folder in arguments:
        options = make_options(DataOptions, {**flags.FLAGS.flag_values_dict(), "data_dir": folder})
        lines, problems = describe(options)
        print("\n".join([*lines, f"problems: {len(problems) or 'none'}", *(f"  {line}" for line in problems)]))
        found |= bool(problems)
    return int(found)
