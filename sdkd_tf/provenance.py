"""What a result came from, so that it can be repeated: versions, source and machine."""

import importlib.metadata
import os
import pathlib
import platform
import subprocess

from sdkd_tf import __version__

_PACKAGES = "tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "numpy", "pillow"


def provenance():
    """A dict for results.json: `versions` of this package, Python and what computes; `commit`; `machine`."""
    return {
        "versions": {
            "sdkd-tf": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _PACKAGES},
        },
        "commit": _commit(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
    }


def _commit():
    """The commit that the package was loaded from, with `-dirty` if files of it have changed since; None outside of git."""
    source = pathlib.Path(__file__).parents[1]
    if not (source / ".git").exists():  # installed into an environment that may lie in another project's repository
        return None
    try:
        command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor():
    """The processor's name; Python's own `platform.processor` does not know it on Linux."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
