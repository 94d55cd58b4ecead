"""NumPy archives that claim, hide or hold what they should not."""

import io
import os
import zipfile

import numpy as np
import pytest
import tf_keras as keras
from sdkd_tf.npz import read_npz

from sdkd_tf.errors import UserError
from sdkd_tf.model.backbone import _load_npz


def write(path, **parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(f"{name}.npy", content)
    return path


def header(shape, descr="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def test_arrays_come_back(tmp_path):
    arrays = {
        "a/b": np.arange(6.0).reshape(2, 3).T,
        "empty": np.zeros((0, 3), np.int64),
        "text": np.array("ä"),
        "n": np.int8(3),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_npz(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_nothing_is_unpickled(tmp_path):
    class Execute:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    path = tmp_path / "a.npz"
    np.savez(path, a=np.array([Execute()]))
    with pytest.raises(ValueError, match="a.npy holds object instead of numbers"):
        read_npz(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "content, reason",
    [
        (header((10**12,)) + bytes(100), r"a.npy is not as large as its shape \(1000000000000,\) says"),
        (header((10**12, 0, 10**12)) + bytes(4), "is not as large as its shape"),
        (header((-1, 25)) + bytes(100), "is not as large as its shape"),
        (header((2,)) + bytes(4), "is not as large as its shape"),
        (header((2,), "V4") + bytes(8), r"holds \|V4 instead of numbers"),
        (header((), "<U1") + b"\xff\xff\xff\xff", "holds what is no text"),
        (header((), ">U1") + b"\x61\0\0\0", "holds what is no text"),
        (b"\x93NUMPY\x09\x00" + bytes(20), "9, 0"),
        (b"no array", "magic string"),
    ],
)
def test_what_is_not_what_it_claims_is_refused(tmp_path, content, reason):
    with pytest.raises(ValueError, match=reason):
        read_npz(write(tmp_path / "a.npz", a=content))


def test_a_bomb_is_refused_unopened(tmp_path, monkeypatch):
    monkeypatch.setattr("sdkd_tf.npz._MAX_BYTES", 1 << 20)
    path = write(tmp_path / "a.npz", a=header((1 << 18,)) + bytes(1 << 20))
    assert path.stat().st_size < 10_000
    with pytest.raises(ValueError, match="holds more than 1048576 bytes"):
        read_npz(path)


def test_weights_must_be_floating_point(tmp_path):
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Dense(2, name="d")(image))
    path = tmp_path / "w.npz"
    for kernel in (np.full((4, 2), "x"), np.zeros((4, 2), np.int64)):
        np.savez(path, **{"d/kernel": kernel, "d/bias": np.zeros(2)})
        with pytest.raises(UserError, match=r"w.npz: d/kernel holds .*; expected floating point$"):
            _load_npz(model, path)
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(
        UserError, match=r"w.npz: cannot be read as .npz \(File is not a zip file\); expected arrays named"
    ):
        _load_npz(model, path)
