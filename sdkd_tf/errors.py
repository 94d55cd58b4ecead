"""Errors that the user can fix, reported in one line."""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator


class UserError(ValueError):
    """Bad input. The message names the file, flag or value and what was expected, in one line."""


def one_line(error: BaseException) -> str:
    """The message of an error on one line."""
    return " ".join(str(error).split())


@contextlib.contextmanager
def one_line_errors(resumable: bool = False) -> Iterator[None]:
    """Ends the program with `error: <message>` and exit code 1, instead of a stack trace.

    Applies to a UserError, a full disk, a missing permission, and a path that is a file instead of a folder or vice
    versa. Ctrl-C ends the program with exit code 130.

    Args:
      resumable: whether the program resumes its work if it is run again, which the messages then mention.
    """
    kept = " without --overwrite" if "--overwrite" in sys.argv else ""
    again = "run the same command again" + (f"{kept} to resume" if resumable else "")
    try:
        yield
    except KeyboardInterrupt:
        print(f"\ninterrupted; {again}" if resumable else "\ninterrupted", file=sys.stderr)
        sys.exit(130)
    except UserError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:  # the reader of the output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # takes what is still buffered
        sys.exit(1)
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit(f"error: {file}the disk is full; free some space and {again}")
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            sys.exit(f"error: {file}cannot be read or written ({error.strerror}); expected a path with permission")
        if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG):
            sys.exit(f"error: {file}cannot be read or written ({error.strerror}); expected another path")
        raise
    except Exception as error:
        if inside := re.search(r"UserError: (.+)", str(error)):  # raised while TensorFlow read an image
            sys.exit(f"error: {inside[1]}")
        raise
