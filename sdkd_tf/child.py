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

# `python -m` would look for modules in the current folder first, and so run code that lies beside a downloaded file.
_RUN_MODULE = "import sys; sys.path[:] = {path!r}; import runpy; runpy.run_module({module!r}, run_name='__main__')"
_LONGEST_REASON = 300  # characters: errors quote names from the file, which may be of any length


def die_with_parent() -> None:
    """To be called first in a child: it is killed when the thread that started it ends. Does nothing but on Linux."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory(more: int) -> None:
    """Limits the address space of this process, on Linux, and lets a crash write no core file.

    Args:
      more: bytes that it may take beyond what it has now. A lower limit that is set already, as by `ulimit -v`, stays.
    """
    if resource and sys.platform == "linux":
        with open("/proc/self/statm") as statm:
            limit = int(statm.read().split()[0]) * resource.getpagesize() + more
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def failure(module: str, content: bytes, seconds: float) -> str | None:
    """Runs a module as `python -m` does, in a child process that reads `content` from its standard input.

    Args:
      module: its full name; it is looked for where this process looks for modules.
      content: what the child reads.
      seconds: after which the child is killed.

    Returns:
      None if the child ended with exit code 0; otherwise why it did not, see `reason`, or that it ran out of time.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _RUN_MODULE.format(path=sys.path, module=module)],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            preexec_fn=die_with_parent if _libc else None,
        )
    except subprocess.TimeoutExpired:
        return f"takes more than {seconds:g} s"
    return reason(done.returncode, done.stdout)


def reason(code: int, output: bytes) -> str | None:
    """Why a child failed.

    Args:
      code: its exit code, or minus the number of the signal that ended it.
      output: what it wrote to its standard output.

    Returns:
      None if the code is 0; otherwise one line of ASCII: the signal, or the last line of the output.
    """
    if code == 0:
        return None
    if code < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"crashes: {known.get(-code, f'signal {-code}')}"
    lines = output.decode(errors="replace").splitlines()
    text = next((" ".join(line.split()) for line in reversed(lines) if line.strip()), f"ends with exit code {code}")
    return ascii(text)[1:-1][:_LONGEST_REASON]
