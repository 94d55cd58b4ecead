"""Flagfiles as people's editors and shells write them."""

import pytest

from sdkd_tf.errors import UserError
from sdkd_tf.options import read_flagfiles


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_flags_take_the_place_of_their_file(tmp_path, encoding, end):
    inner, outer = tmp_path / "inner.flags", tmp_path / "outer.flags"
    inner.write_bytes(f"--objects=café,杯{end}".encode(encoding))
    outer.write_bytes(end.join(["# comment", "// too", "", f"--flagfile={inner}", "  --epochs=1  "]).encode(encoding))
    for given in ([f"--flagfile={outer}"], [f"-flagfile={outer}"], ["--flagfile", str(outer)]):
        found = read_flagfiles(["--seed=1", *given, "--epochs=2", "--", "--flagfile=x"])
        assert found == ["--seed=1", "--objects=café,杯", "--epochs=1", "--epochs=2", "--", "--flagfile=x"]


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my.flags").write_text("--epochs=1")
    assert read_flagfiles(["--flagfile=~/my.flags"]) == ["--epochs=1"]


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "cannot be read (No such file or directory); expected flags in UTF-8, one per line"),
        (b"--objects=caf\xe9", "cannot be read ('utf-8' codec can't decode byte 0xe9"),
        ("itself", "includes itself; expected a file with other flags"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, content, reason):
    path = tmp_path / "my.flags"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else f"--flagfile={path}".encode())
    with pytest.raises(UserError) as error:
        read_flagfiles([f"--flagfile={path}"])
    assert str(error.value).startswith(f"--flagfile={path}: {reason}") and "\n" not in str(error.value)
