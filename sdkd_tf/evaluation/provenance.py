"""The provenance of a result, so that it can be reproduced: versions, source commit and machine."""

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
    """The provenance of a result: package versions, source commit (None outside a git checkout), machine."""

    versions: dict[str, str]
    commit: str | None
    machine: dict[str, str]


def provenance() -> Provenance:
    """Collects the versions of this package, Python and the main dependencies, the source commit, and the machine."""
    versions = {"sdkd-tf": __version__, "python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    system = f"{platform.system()} {platform.machine()}"
    machine = {"system": system, "processor": _processor(), "cores": str(os.cpu_count())}
    return Provenance(versions, _commit(), machine)


def _commit() -> str | None:
    """The source commit, with `-dirty` if files have been changed; None outside a git checkout."""
    source = pathlib.Path(__file__).parents[2]
    if not (source / ".git").exists():  # an installed package may lie inside another project's repository
        return None
    try:
        command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    """The name of the processor, which `platform.processor` does not return on Linux."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
