"""Folders to write to that cannot be written to: one line each, before anything is trained."""

import subprocess
import sys

import pytest

from sdkd_tf.config import make_config
from sdkd_tf.errors import UserError
from sdkd_tf.run import Run
from tests.reporting.test_tables import finished


def end_of(*arguments):
    """(exit code, lines of standard error) of a command."""
    command = [sys.executable, "-m", "sdkd_tf.commands", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize("command, flag", [("report", "out_dir"), ("compare", "out_dir"), ("compare", "runs_dir")])
def test_a_file_where_a_folder_should_be(tmp_path, command, flag):
    (tmp_path / "file").write_text("")
    given = (
        [finished(tmp_path / "run", 60).directory]
        if command == "report"
        else ["--arm=a: --epochs=1", "--cell=0: --seed=0"]
    )
    code, lines = end_of(command, f"--out_dir={tmp_path}/out", f"--{flag}={tmp_path}/file/new", *given)
    error = lines.pop()
    assert code == 1 and error.startswith(f"error: {tmp_path}/file/new") and "(Not a directory); " in error
    assert not [line for line in lines if line and "runs to train" not in line]  # but for the bar


@pytest.mark.parametrize("place", ["file", "file/new"])
def test_a_run(tmp_path, place):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match=f"^{tmp_path}/{place}: cannot be written .*; choose another folder"),
        Run(tmp_path / place).writing(),
    ):
        Run(tmp_path / place).start(make_config())
