"""Child processes that end with their parent and can be limited in memory and time."""

import ctypes
import resource
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded here: little is safe between fork and exec

# `python -m` searches the current folder first, and could thus run code that lies next to a downloaded file.
_RUN_MODULE = "import sys; sys.path[:] = {path!r}; import runpy; runpy.run_module({module!r}, run_name='__main__')"
_LONGEST_REASON = 300  # characters: errors may quote arbitrarily long names from the file


def die_with_parent() -> None:
    """To be called first in a child, which is then killed when its parent thread ends. A no-op except on Linux."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory(more: int) -> None:
    """Limits the address space of this process and disables core files. A no-op except on Linux.

    Args:
      more: bytes that may be allocated in addition to the current size. A lower hard limit, as of `ulimit -v`, is kept.
    """
    if sys.platform == "linux":
        with open("/proc/self/statm") as statm:
            limit = int(statm.read().split()[0]) * resource.getpagesize() + more
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def failure(module: str, content: bytes, seconds: float) -> str | None:
    """Runs a module as `python -m` does, in a child process that reads `content` from its standard input.

    Args:
      module: full name of the module, searched for on the `sys.path` of this process.
      content: the standard input of the child.
      seconds: time after which the child is killed.

    Returns:
      None if the child ended with exit code 0; otherwise one line that says why it failed, see `reason`.
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
    """Says why a child failed.

    Args:
      code: exit code of the child, or minus the number of the signal that ended it.
      output: standard output of the child.

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
