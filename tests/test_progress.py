"""States on disk: what is read is what was saved, the newest whole one, however the disk looks."""

import numpy as np
import pytest
from sdkd_tf.atomic import atomic_file
from sdkd_tf.progress import Progress


@pytest.fixture
def progress(tmp_path):
    progress = Progress(tmp_path / "progress")
    for number in range(3):
        progress.save({"task": number, "name": "ä"}, [np.full((2, 3), number / 3, np.float32), np.int64(2**40)])
    return progress


def test_newest_state_comes_back_bit_for_bit_and_two_are_kept(progress, tmp_path):
    state, arrays = progress.load()
    assert state == {"task": 2, "name": "ä"}
    assert arrays[0].dtype == np.float32 and arrays[0].tobytes() == np.full((2, 3), 2 / 3, np.float32).tobytes()
    assert arrays[1] == 2**40
    assert sorted(p.name for p in (tmp_path / "progress").iterdir()) == ["000001.npz", "000002.npz"]


def test_more_than_ten_arrays_keep_their_order(tmp_path):
    progress = Progress(tmp_path / "progress")
    progress.save({}, [np.array(i) for i in range(25)])
    assert [int(a) for a in progress.load()[1]] == list(range(25))


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "text"])
def test_damaged_state_is_named_and_the_one_before_is_used(progress, tmp_path, capsys, damage):
    newest = tmp_path / "progress" / "000002.npz"
    content = bytearray(newest.read_bytes())
    middle = content.index(np.full(2, 2 / 3, np.float32).tobytes())
    content[middle] ^= 1
    changed = {"truncated": content[: len(content) // 2], "empty": b"", "flipped": content, "text": b"no archive"}
    newest.write_bytes(changed[damage])
    assert progress.load()[0]["task"] == 1
    assert capsys.readouterr().out.startswith(f"{newest}: is damaged (")
    progress.save({"task": 9}, [])
    assert progress.load()[0]["task"] == 9


def test_when_all_are_damaged_the_run_starts_anew(progress, tmp_path, capsys):
    for path in (tmp_path / "progress").iterdir():
        path.write_bytes(b"")
    assert progress.load() is None
    told = capsys.readouterr().out.splitlines()
    assert [line.rsplit("; ")[-1] for line in told] == ["going back to the state before it", "starting anew"]


def test_no_state(tmp_path):
    assert Progress(tmp_path / "progress").load() is None


def test_a_block_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as file:
        file.write(b"new")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["results.json"]
