"""The console command `sdkd`, with one module per subcommand.

The module of a subcommand has:

- `ARGUMENTS`: usage of its arguments other than flags, for the help text,
- `define_flags(program)`: defines its flags. Only the chosen subcommand does so, because two may use the same names,
- `main(arguments)`: runs it and returns an exit code or None.
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
from sdkd_tf.options import read_flagfiles

COMMANDS = {
    "train": "train a network over a sequence of tasks",
    "convert": "convert a run to int8 TFLite",
    "predict": "label images and videos with a converted file or a run",
    "teach": "teach a converted file new objects from a few photos",
    "evaluate": "score a run on labeled images",
    "inspect": "check a data folder",
    "compare": "train several arms in several cells, and compare them",
    "report": "print the results of runs and write their reports and plots",
    "verify": "check a converted file against its golden directory",
}
_RESUMABLE = ("train", "convert", "compare")


def main() -> None:
    """The entry point of the console script."""
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
      program: the command as the user typed it, for the help text.
      arguments: the rest of the command line.
    """
    use_utf8()
    with one_line_errors():
        arguments = read_flagfiles(arguments)
    with quiet_stderr():
        command = importlib.import_module(f"sdkd_tf.commands.{name}")
    command.define_flags(program)
    flags.FLAGS.set_gnu_getopt()  # allows flags before and after other arguments

    def body(argv: Sequence[str]) -> int | None:
        with one_line_errors(name in _RESUMABLE):
            if len(argv) > 1 and not command.ARGUMENTS:
                raise UserError(f"unexpected argument {argv[1]!r}; expected flags only")
            return command.main([os.path.expanduser(argument) for argument in argv[1:]])

    # absl prints this docstring above the list of flags.
    sys.modules["__main__"].__doc__ = f"{command.__doc__}\nusage: {program} {command.ARGUMENTS}[FLAGS]\n"
    sys.argv = [program, *arguments]
    app.run(body)


def use_utf8() -> None:
    """Makes Python use UTF-8 for files and their names in any locale.

    Characters that the terminal cannot display are printed as escapes such as `\\u5eb7`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        # Python chooses its encoding at startup, so it has to start again.
        variables = {"PYTHONUTF8": "1", "PYTHONIOENCODING": f"{sys.stdout.encoding}:backslashreplace"}
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **variables})


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discards what the block writes to standard error, unless it fails.

    On import, TensorFlow's C++ code logs missing GPUs before it reads its log level.
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
