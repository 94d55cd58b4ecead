"""The bundled archive, and how it is unpacked; the latter with a small archive in a cache folder of its own."""

import errno
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import zipfile

import pytest

from sdkd_tf.data import rendered
from sdkd_tf.data.rendered import ARCHIVE, rendered_benchmark
from sdkd_tf.errors import UserError

CONTENTS = {"ATTRIBUTION.md": b"who", "train/task1/cup/000.jpg": b"image", "masks/train/task1/cup/000.png": b"mask"}

# What a process does that uses another archive.
CALL = """
import pathlib, sys
from sdkd_tf.data import rendered
rendered.ARCHIVE = pathlib.Path(sys.argv[1])
"""


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder that archives are unpacked into."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/sdkd_tf/rendered"


@pytest.fixture
def archive(tmp_path, cache, monkeypatch):
    """A small archive in place of the bundled one."""
    path = tmp_path / "small.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in CONTENTS.items():
            file.writestr(name, data)
    monkeypatch.setattr(rendered, "ARCHIVE", path)
    return path


@pytest.fixture
def count_unpacked(monkeypatch):
    """A list that grows by a name with every file that is unpacked."""
    names = []
    extract = zipfile.ZipFile.extract

    def counted(self, name, folder):
        names.append(name)
        return extract(self, name, folder)

    monkeypatch.setattr(zipfile.ZipFile, "extract", counted)
    return names


def test_bundled_archive():
    with zipfile.ZipFile(ARCHIVE) as archive:
        entries = archive.infolist()
        attribution = archive.read("ATTRIBUTION.md")
    assert len(entries) == 14403 and ARCHIVE.stat().st_size < 35e6
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert ARCHIVE.with_name("rendered_ATTRIBUTION.md").read_bytes() == attribution


def test_unpacks_once(archive, cache, count_unpacked):
    folder = rendered_benchmark()
    assert folder.parent == cache and len(folder.name) == 16 and int(folder.name, 16)
    assert contents(folder) == CONTENTS and count_unpacked == list(CONTENTS)
    assert rendered_benchmark() == folder and len(count_unpacked) == len(CONTENTS)
    assert sorted(path.name for path in cache.iterdir()) == sorted([folder.name, "lock"])


def test_another_archive_gets_another_folder(archive):
    folder = rendered_benchmark()
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("levels.csv", b"")
    other = rendered_benchmark()
    assert other != folder and contents(other) == {**CONTENTS, "levels.csv": b""} and contents(folder) == CONTENTS


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "train/task1/cup/000.jpg").unlink(),
        lambda folder: (folder / "train/task1/cup/000.jpg").write_bytes(b"imag"),
        lambda folder: (folder / "train/task1/cup/001.jpg").write_bytes(b"image"),
        lambda folder: shutil.rmtree(folder / "masks"),
    ],
)
def test_a_damaged_folder_is_replaced(archive, damage, count_unpacked, cache):
    folder = rendered_benchmark()
    damage(folder)
    assert rendered_benchmark() == folder and contents(folder) == CONTENTS
    assert len(count_unpacked) == 2 * len(CONTENTS) and not list(cache.glob("*.partial"))


@pytest.mark.parametrize(
    "damage, reason",
    [
        (lambda data: data.replace(b"image", b"imago"), "Bad CRC-32 for file 'train/task1/cup/000.jpg'"),
        (lambda data: data.replace(b"000.jpg", b"001.jpg", 1), "File name in directory"),
        (lambda data: data[:-30], "not a zip file"),
        (lambda data: b"", "not a zip file"),
    ],
)
def test_a_damaged_archive_is_refused(archive, cache, damage, reason):
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(UserError, match=f"small.zip: the archive .* damaged .*{reason}.*; install sdkd-tf again"):
        rendered_benchmark()
    assert not cache.exists() or sorted(path.name for path in cache.iterdir()) == ["lock"]


def test_a_missing_archive_is_named(archive):
    archive.unlink()
    with pytest.raises(UserError, match=r"small.zip: cannot be read \(No such file or directory\); install sdkd-tf ag"):
        rendered_benchmark()


@pytest.mark.parametrize("place", ["cache", "cache/sdkd_tf", "cache/sdkd_tf/rendered"])
def test_a_file_where_a_folder_should_be(archive, tmp_path, place):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("")
    with pytest.raises(UserError) as caught:
        rendered_benchmark()
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/cache/sdkd_tf/rendered/") and "\n" not in message
    assert f"({tmp_path}/cache" in message and "is not a folder)" in message and "XDG_CACHE_HOME" in message


def test_a_file_in_the_place_of_the_unpacked_folder(archive):
    folder = rendered_benchmark()
    shutil.rmtree(folder)
    folder.write_text("")
    with pytest.raises(UserError, match=f"{folder}: .*{folder} is not a folder.*XDG_CACHE_HOME"):
        rendered_benchmark()


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_cache_that_cannot_be_written(archive, cache, monkeypatch, code):
    def refuse(path, *_, **__):
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(UserError) as caught:
        rendered_benchmark()
    message = str(caught.value)
    assert message.startswith(str(cache)) and os.strerror(code) in message and "XDG_CACHE_HOME" in message


def test_an_unpacked_folder_in_a_cache_that_cannot_be_written(archive, monkeypatch):
    folder = rendered_benchmark()

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for module, name in ((os, "mkdir"), (os, "replace"), (rendered, "lock")):
        monkeypatch.setattr(module, name, refuse)
    assert rendered_benchmark() == folder


def test_a_full_disk(archive, cache, monkeypatch):
    extract = zipfile.ZipFile.extract

    def fill(self, name, folder):
        if name == list(CONTENTS)[1]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return extract(self, name, folder)

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "extract", fill)
        with pytest.raises(UserError, match=r"No space left on device\); expected .* 80 MB .* XDG_CACHE_HOME"):
            rendered_benchmark()
    assert [path.name for path in cache.iterdir()] == ["lock"]  # what was unpacked is gone
    assert contents(rendered_benchmark()) == CONTENTS


def test_a_killed_process_leaves_nothing_that_counts(archive, cache):
    kill = """
import os, signal, zipfile
extract = zipfile.ZipFile.extract
def stop(self, name, folder):
    if name == "masks/train/task1/cup/000.png":
        os.kill(os.getpid(), signal.SIGKILL)
    return extract(self, name, folder)
zipfile.ZipFile.extract = stop
rendered.rendered_benchmark()
"""
    done = subprocess.run([sys.executable, "-c", CALL + kill, archive], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    left = sorted(path.suffix for path in cache.iterdir())
    assert left == ["", ".partial"] and not [path for path in cache.iterdir() if len(path.name) == 16]
    folder = rendered_benchmark()
    assert contents(folder) == CONTENTS
    assert sorted(path.name for path in cache.iterdir()) == sorted([folder.name, "lock"])


def test_two_processes_at_once(archive, cache, tmp_path):
    # Each announces that it unpacks and takes its time, so that the other meets it half-way.
    slow = """
import os, time, zipfile
extract = zipfile.ZipFile.extract
def slowly(self, name, folder):
    open(sys.argv[2] + str(os.getpid()), "w").close()
    time.sleep(0.5)
    return extract(self, name, folder)
zipfile.ZipFile.extract = slowly
print("ready", flush=True)
input()
print(rendered.rendered_benchmark())
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CALL + slow, archive, tmp_path / "unpacked-by-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    outcomes = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outcomes
    assert outcomes[0][0] == outcomes[1][0] and contents(pathlib.Path(outcomes[0][0].strip())) == CONTENTS
    assert len(list(tmp_path.glob("unpacked-by-*"))) == 1  # the other one waited
    assert not list(cache.glob("*.partial"))


def test_a_tilde_in_the_variable_is_the_home_folder(archive, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "~/my cache")
    assert rendered_benchmark().parent == tmp_path / "my cache/sdkd_tf/rendered"


def test_progress_is_shown_while_unpacking_only(archive, capfd):
    rendered_benchmark()
    assert "unpacking the bundled benchmark: 100%" in capfd.readouterr().err
    rendered_benchmark()
    assert capfd.readouterr().err == ""
