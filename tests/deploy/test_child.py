"""Child processes that crash, hang, take endless memory or outlive their parent."""

import os
import pathlib
import subprocess
import sys
import time

import pytest

from sdkd_tf.deploy import child


def failure(wish, seconds=20):
    return child.failure("tests.misbehaving_child", f"8 bytes.{wish}".encode(), seconds)


@pytest.mark.parametrize(
    "wish, reason",
    [
        ("end", None),
        ("fail", "ends with exit code 3"),
        ("abort", "crashes: SIGABRT"),
        ("take 50", None),
        ("take 200", "ends with exit code 1"),
    ],
)
def test_why_a_child_failed(wish, reason):
    assert failure(wish) == reason


def test_a_child_that_hangs_is_killed(tmp_path):
    assert failure(f"hang {tmp_path / 'pid'}", seconds=1) == "takes more than 1 s"
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_the_reason_is_one_short_line_of_ascii():
    reason = failure("complain")
    assert reason.startswith(r"the reason\x1b[2J \u03b1 \ufffdxxx") and len(reason) == 300
    assert child.reason(-35, b"") == "crashes: signal 35"  # a real-time signal, which has no name


def test_modules_are_not_looked_for_in_the_current_folder(tmp_path, monkeypatch):
    for name in ("runpy", "pathlib", "ctypes"):  # which the child imports
        (tmp_path / f"{name}.py").write_text("import os\nos.abort()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(pathlib.Path(child.__file__).parents[2]), *filter(None, sys.path)])
    assert failure("end") is None


def test_a_lower_limit_of_memory_stays():
    script = "import resource, sys; from sdkd_tf.deploy.child import limit_memory; limit_memory(1 << 30); limit_memory(1 << 40)"
    script += "; limits = resource.getrlimit(resource.RLIMIT_AS); assert limits[0] == limits[1] < 2 << 30, limits"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="a child outlives its parent elsewhere")
def test_a_child_dies_with_its_parent(tmp_path):
    file = tmp_path / "pid"
    script = f"from sdkd_tf.deploy import child; child.failure('tests.misbehaving_child', b'8 bytes.hang {file}', 600)"
    with subprocess.Popen([sys.executable, "-c", script], cwd=pathlib.Path(__file__).parents[2]) as parent:
        wait_until(lambda: file.is_file() and file.read_text())
        assert is_running(int(file.read_text()))
        parent.kill()
    wait_until(lambda: not is_running(int(file.read_text())))


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = pathlib.Path(f"/proc/{pid}/stat")
    return not stat.is_file() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "still waiting"
        time.sleep(0.05)
