"""What a user did wrong, told in one line."""

import contextlib
import errno
import sys


class UserError(ValueError):
    """Bad input. The message names the file, flag or value and what was expected, in one line."""


@contextlib.contextmanager
def one_line_errors():
    """Ends the program with `error: <message>` and exit code 1 on a UserError or a full disk, instead of a stack trace."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        file = f" for {error.filename}" if error.filename else ""
        sys.exit(f"error: the disk is full{file}; make room and give the same command again: what was finished is kept")
