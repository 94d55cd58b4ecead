"""The console command `sdkd`: one file a subcommand.

A subcommand is a module with `define_flags(program)`, called when it is chosen, since two of them may share a flag's name;
`ARGUMENTS`, what it takes besides flags; and `main(arguments)`, which returns an exit code or None.
"""

import contextlib
import importlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence

from absl import app, flags

from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.files import expand
from sdkd_tf.options import read_flagfiles

COMMANDS = {
    "train": "train a network over a sequence of tasks",
    "convert": "convert a run to int8 TFLite",
    "predict": "label images with a converted file",
    "evaluate": "score a run on labelled images",
    "inspect": "check a data folder",
    "compare": "train several arms over several seeds, and compare them",
    "report": "print the numbers of runs and draw their plots",
    "verify": "check a converted file against its golden directory",
}


def main() -> None:
    """Entry point of the console script."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        run(name, f"sdkd {name}", arguments)
    elif name in ("--help", "-h", "help"):
        print("usage: sdkd COMMAND [FLAGS]\n")
        print("\n".join(f"  {command:10}{what}" for command, what in COMMANDS.items()))
        print("\n`sdkd COMMAND --help` lists the flags of a command.")
    else:
        sys.exit(f"error: sdkd has no command {name!r}; expected one of {', '.join(COMMANDS)}")


def run(name: str, program: str, arguments: Sequence[str]) -> None:
    """Runs a subcommand.

    Args:
      name: a key of `COMMANDS`.
      program: how the user calls it, for help texts.
      arguments: the rest of the command line.
    """
    use_utf8()
    with one_line_errors():
        arguments = read_flagfiles(arguments)
    with quiet_stderr():
        command = importlib.import_module(f"sdkd_tf.commands.{name}")
    command.define_flags(program)
    flags.FLAGS.set_gnu_getopt()  # flags may stand before and behind other arguments

    def body(argv: Sequence[str]) -> int | None:
        with one_line_errors():
            if len(argv) > 1 and not command.ARGUMENTS:
                raise UserError(f"unexpected argument {argv[1]!r}; expected flags only")
            return command.main([expand(argument) for argument in argv[1:]])

    # absl prints this above the list of flags.
    sys.modules["__main__"].__doc__ = f"{command.__doc__}\nusage: {program} {command.ARGUMENTS}[FLAGS]\n"
    sys.argv = [program, *arguments]
    app.run(body)


def use_utf8() -> None:
    """Lets names of any script pass, whatever the locale: files and their names are in UTF-8, as everywhere in the package, and
    what the terminal cannot show is written as `\\u5eb7`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        # Python decides on its encoding when it starts.
        variables = {"PYTHONUTF8": "1", "PYTHONIOENCODING": f"{sys.stdout.encoding}:backslashreplace"}
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **variables})


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Holds back what the block writes to standard error, unless it fails.

    TensorFlow's C++ part reports missing GPUs when it is imported, before its log level is known.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
