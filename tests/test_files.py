"""Files on disk: what is read is what was written, whatever the disk looks like; damaged and foreign files are one line."""

import dataclasses
import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from sdkd_tf import files
from sdkd_tf.errors import UserError
from sdkd_tf.files import SavedStates, atomic_file, lock, read_json, read_npz, write_json


@dataclasses.dataclass
class Form:
    name: str
    rows: list[list[float]]
    count: int
    by: dict[str, float] = dataclasses.field(default_factory=dict)
    may: float | None = None


GOOD = {"name": "ä", "rows": [[1, 0.5], []], "count": 3, "by": {"a": 1.0}, "further": [1]}


def test_a_block_that_fails_leaves_the_file_unchanged(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as file:
        file.write(b"new")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_json_comes_back(tmp_path):
    value = Form("ä\n", [[1.5], []], 2, {"x": 1e300})
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json", Form, "a writer") == value
    (tmp_path / "a.json").write_bytes(str(GOOD).replace("'", '"').encode())
    assert read_json(tmp_path / "a.json", Form, "a writer") == Form("ä", [[1, 0.5], []], 3, {"a": 1.0})


@pytest.mark.parametrize(
    "text, reason",
    [
        ('{"name": 3}', "Expected `str`, got `int` - at `$.name`"),
        ('{"name": "a", "rows": [[1, "x"]]}', "Expected `float`, got `str` - at `$.rows[0][1]`"),
        ('{"name": "a", "rows": [[NaN]]}', "malformed"),
        ('{"name": "a", "rows": [], "count": 1.5}', "Expected `int`, got `float` - at `$.count`"),
        ('{"name": "a", "rows": []}', "missing required field `count`"),
        ("[]", "Expected `object`, got `array`"),
        ("", "Input data was truncated"),
        ("[" * 100_000, ""),
        ("\xff", ""),
    ],
)
def test_json_that_does_not_fit_is_one_line(tmp_path, text, reason):
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(UserError) as error:
        read_json(tmp_path / "a.json", Form, "a writer")
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'a.json'}: ") and "\n" not in message
    assert reason in message and message.endswith("expected a file written by a writer")


def test_a_lock_keeps_another_process_out(tmp_path):
    code = f"from sdkd_tf.files import lock\nwith lock({str(tmp_path / 'lock')!r}, wait=False): print('mine')"

    def other():
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    with lock(tmp_path / "lock"):
        assert "is in use by another process" in other().stderr
    assert other().stdout == "mine\n"
    with lock(tmp_path / "new" / "lock"):
        assert (tmp_path / "new" / "lock").exists()
    with (
        pytest.raises(UserError, match=r"lock/x: cannot be written \(Not a dir"),
        lock(tmp_path / "lock" / "x" / "lock"),
    ):
        pass


def archive(path, **parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(f"{name}.npy", content)
    return path


def header(shape, descr="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def test_arrays_come_back(tmp_path):
    arrays = {"a/b": np.arange(6.0).reshape(2, 3).T, "empty": np.zeros((0, 3), np.int64), "n": np.int8(3)}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_npz(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_nothing_is_unpickled(tmp_path):
    class Execute:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    np.savez(tmp_path / "a.npz", a=np.array([Execute()]))
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        read_npz(tmp_path / "a.npz")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "content",
    [
        header((10**15,)) + bytes(100),
        header((10**12, 0, 10**12)) + bytes(4),
        header((-1, 25)) + bytes(100),
        header((2,)) + bytes(4),
        header((2,), "V4") + bytes(8),
        header((), "<U1") + b"\xff\xff\xff\xff",
        b"\x93NUMPY\x09\x00" + bytes(20),
        b"no array",
    ],
)
def test_arrays_that_are_not_what_they_claim_are_refused(tmp_path, content):
    path = archive(tmp_path / "a.npz", a=content)
    try:
        found = read_npz(path)
    except ValueError as error:
        assert str(error).startswith("cannot be read as .npz (")
    else:  # an array without elements, with nothing read of the bytes behind it
        assert found["a"].size == 0


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MAX_BYTES", 1 << 20)
    path = archive(tmp_path / "a.npz", a=header((1 << 18,)) + bytes(1 << 20))
    assert path.stat().st_size < 10_000
    with pytest.raises(ValueError, match="holds more than 1048576 bytes"):
        read_npz(path)


@pytest.fixture
def states(tmp_path):
    states = SavedStates(tmp_path / "progress")
    for number in range(3):
        states.save({"task": number, "name": "ä"}, [np.full((2, 3), number / 3, np.float32), np.int64(2**40)])
    return states


def test_the_newest_state_comes_back_bit_for_bit_and_two_are_kept(states, tmp_path):
    state, arrays = states.load(dict)
    assert state == {"task": 2, "name": "ä"}
    assert arrays[0].dtype == np.float32 and arrays[0].tobytes() == np.full((2, 3), 2 / 3, np.float32).tobytes()
    assert arrays[1] == 2**40
    assert sorted(p.name for p in (tmp_path / "progress").iterdir()) == ["000001.npz", "000002.npz"]


def test_more_than_ten_arrays_keep_their_order(tmp_path):
    states = SavedStates(tmp_path / "progress")
    states.save({}, [np.array(i) for i in range(25)])
    assert [int(a) for a in states.load(dict)[1]] == list(range(25))


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "text"])
def test_a_damaged_state_is_named_and_the_one_before_is_used(states, tmp_path, capsys, damage):
    newest = tmp_path / "progress" / "000002.npz"
    content = bytearray(newest.read_bytes())
    middle = content.index(np.full(2, 2 / 3, np.float32).tobytes())
    content[middle] ^= 1
    changed = {"truncated": content[: len(content) // 2], "empty": b"", "flipped": content, "text": b"no archive"}
    newest.write_bytes(changed[damage])
    assert states.load(dict)[0]["task"] == 1
    told = capsys.readouterr().out
    assert told.startswith(f"{newest}: ") and told.count("\n") == 1
    states.save({"task": 9}, [])
    assert states.load(dict)[0]["task"] == 9


def test_when_all_are_damaged_there_is_no_state(states, tmp_path, capsys):
    for path in (tmp_path / "progress").iterdir():
        path.write_bytes(b"")
    assert states.load(dict) is None
    assert capsys.readouterr().out.count("\n") == 2


def test_no_state(tmp_path):
    states = SavedStates(tmp_path / "progress")
    assert states.load(dict) is None and not states.exist()
