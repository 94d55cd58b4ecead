"""The commands in a locale that is not UTF-8."""

import os
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from PIL import Image

from tests.reporting.test_tables import finished


def run(*arguments, **variables):
    """(exit code, standard output as bytes, standard error as text) of a command."""
    command = [sys.executable, "-m", "sdkd_tf.commands", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **variables})
    return done.returncode, done.stdout, done.stderr.decode()


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, ASCII, {**ASCII, "PYTHONIOENCODING": "latin-1"}])
def test_names_in_any_script_are_read_and_printed(tmp_path, variables):
    root, rng = tmp_path / "é", np.random.default_rng(0)
    for name in ("杯子", "球"):
        (root / "厨房" / name).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / "厨房" / name / f"{number}.png")
    flags = tmp_path / "é.flags"
    flags.write_text("\ufeff--objects=杯子,球\n", encoding="utf-8")
    code, output, errors = run("inspect", root, f"--flagfile={flags}", **variables)
    text = output.decode("utf-8" if variables == {"LC_ALL": "C"} else "latin-1")
    shown = unicodedata.normalize("NFC", text).encode("ascii", "backslashreplace").decode()
    assert code == 0 and "classes: 2 (\\u676f\\u5b50, \\u7403)" in shown and "  \\u53a8\\u623f  train 2" in shown, (
        errors
    )


def test_numbers_and_plots_of_a_run_are_written(tmp_path):
    run_dir = finished(tmp_path / "run", 60).directory
    code, output, errors = run("report", run_dir, **ASCII)
    assert code == 0 and b"| \\u53a8\\u623f $1 | 0.800 |" in output and not errors
    assert (run_dir / "plots/accuracy_matrix.png").stat().st_size > 5000


def test_an_error_is_one_line(tmp_path):
    code, output, errors = run("inspect", tmp_path / "没有", **ASCII)
    assert (code, output) == (1, b"") and errors.count("\n") == 1
    assert errors.startswith(f"error: data_dir {tmp_path}/\\u6ca1\\u6709: no such directory")
