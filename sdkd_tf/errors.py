"""What a user did wrong, told in one line."""

import contextlib
import sys


class UserError(ValueError):
    """Bad input. The message names the file, flag or value and what was expected, in one line."""


@contextlib.contextmanager
def one_line_errors():
    """Ends the program with `error: <message>` and exit code 1 on a UserError, instead of a stack trace."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
