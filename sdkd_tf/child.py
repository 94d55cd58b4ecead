"""Child processes: they end with the one that started them, and may be limited in memory and time."""

import ctypes
import signal
import subprocess
import sys

try:
    import resource
except ImportError:  # Windows, where only the time is limited
    resource = None  # type: ignore[assignment]

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded here: little is safe between fork and exec


def die_with_parent() -> None:
    """To be called first in a child: it is killed when the thread that started it ends. Does nothing but on Linux."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory(more: int) -> None:
    """Limits the address space of this process to what it has now and `more` bytes."""
    if resource and sys.platform == "linux":
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + more,) * 2)


def failure(module: str, content: bytes, seconds: float) -> str | None:
    """Runs `python -m module` in a child that reads `content` from its standard input.

    Returns:
      None if the child ended with exit code 0; otherwise why it did not, in one line: the last line that it printed to its
      standard output, or the signal that ended it, or that it ran out of time.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", module],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            preexec_fn=die_with_parent if _libc else None,
        )
    except subprocess.TimeoutExpired:
        return f"takes more than {seconds:g} s"
    if done.returncode == 0:
        return None
    lines = done.stdout.decode(errors="replace").split("\n")
    text = next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
    if done.returncode < 0:
        return f"crashes: {signal.Signals(-done.returncode).name}"
    return ascii(text)[1:-1] or f"ends with exit code {done.returncode}"
