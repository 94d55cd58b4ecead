import os
import subprocess
import sys
import zipfile

import pytest

from sdkd_tf.data.rendered import ARCHIVE, rendered_benchmark
from sdkd_tf.errors import UserError
from tools.render_benchmark import archive

FILES = {
    "levels.csv": b"path\n",
    "ATTRIBUTION.md": b"who",
    "test/b/1.jpg": b"1",
    "test/a/0.jpg": b"0",
    "test/B/0.jpg": b"",
}


def write(root, names, mode):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
        path.chmod(mode)
        os.utime(path, (len(name), mode))
    return root


def test_the_same_files_give_the_same_bytes(tmp_path):
    first = write(tmp_path / "first", FILES, 0o600)
    second = write(tmp_path / "second", reversed(FILES), 0o755)
    (second / ".rows").mkdir()
    (second / ".rows/kept.csv").write_text("hidden")
    for folder in (first, second):
        archive.pack(folder, tmp_path / f"{folder.name}.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first.zip") as file:
        assert file.namelist() == sorted(FILES)
        assert {name: file.read(name) for name in FILES} == FILES
        assert {entry.compress_type for entry in file.infolist()} == {zipfile.ZIP_STORED}
        assert {(entry.date_time[0], entry.external_attr >> 16) for entry in file.infolist()} == {(1980, 0o100644)}
    assert (tmp_path / "first_ATTRIBUTION.md").read_bytes() == b"who"


def test_the_bundled_archive_is_what_its_files_are_packed_to(tmp_path):
    archive.pack(rendered_benchmark(), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == ARCHIVE.read_bytes()


@pytest.mark.parametrize("missing", ["levels.csv", "ATTRIBUTION.md"])
def test_an_unfinished_render_is_refused(tmp_path, missing):
    folder = write(tmp_path / "render", FILES.keys() - {missing}, 0o644)
    with pytest.raises(UserError, match=f"{folder}: has no {missing}; expected the folder of a finished render"):
        archive.pack(folder, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "error: 0 arguments given; expected DIR OUT.zip"),
        (["/no/such", "/no/out.zip"], "error: /no/such: has no levels.csv"),
        (["render", "/no/out.zip"], "error: /no/.out.zip.partial: No such file or directory"),
    ],
)
def test_bad_arguments_get_one_line(tmp_path, arguments, message):
    write(tmp_path / "render", FILES, 0o644)
    arguments = [str(tmp_path / "render") if name == "render" else name for name in arguments]
    command = [sys.executable, "-m", "tools.render_benchmark.archive", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith(message) and done.stderr.count("\n") == 1
