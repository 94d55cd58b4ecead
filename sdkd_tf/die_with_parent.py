"""Child processes that do not outlive the one that started them, even if that one is killed."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded here: little is safe between fork and exec


def die_with_parent():
    """To be called in a child at its start: it is killed when the thread that started it ends. Linux only; nothing elsewhere."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
