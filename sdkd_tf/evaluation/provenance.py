"""What a result came from, so that it can be repeated: versions, source and machine."""

import dataclasses
import importlib.metadata
import os
import pathlib
import platform
import subprocess

from sdkd_tf import __version__

_PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "numpy", "pillow")


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What a result came from: versions of the packages, source commit (None outside of git), machine."""

    versions: dict[str, str]
    commit: str | None
    machine: dict[str, str]


def provenance() -> Provenance:
    """Versions of this package, of Python and of what computes; the source commit; the machine."""
    versions = {
        "sdkd-tf": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }
    return Provenance(versions, _commit(), machine)


def _commit() -> str | None:
    """The commit that the package was loaded from, with `-dirty` if files have changed since; None outside of git."""
    source = pathlib.Path(__file__).parents[2]
    if not (source / ".git").exists():  # installed into an environment that may lie in another project's repository
        return None
    try:
        command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    """The processor's name; Python's own `platform.processor` does not know it on Linux."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
