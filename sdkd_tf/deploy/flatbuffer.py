"""From a .tflite file's bytes to objects that can be edited, and back."""

import pathlib

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from sdkd_tf.deploy import tflite_verifier
from sdkd_tf.deploy.flatbuffer_verifier import verify
from sdkd_tf.deploy.tflite_schema import MODEL
from sdkd_tf.errors import UserError

_IDENTIFIER = b"TFL3"


def read(path):
    """Reads a .tflite file from anywhere.

    Returns:
      (its bytes, the `schema.ModelT`); both verified, see `flatbuffer_verifier` and `tflite_verifier`.

    Raises:
      UserError: there is no such file or it is no TFLite file of the kind that convert.py writes.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(f"model {path}: no such file; expected a .tflite file")
    content = path.read_bytes()
    try:
        model = unpack(content)
        tflite_verifier.check(model)
    except ValueError as error:
        expected = "expected one written by convert.py"
        raise UserError(f"model {path}: is no TFLite file that can be used here ({error}); {expected}") from error
    return content, model


def unpack(content):
    """A .tflite file's bytes as a `schema.ModelT`. Raises ValueError if they are no FlatBuffer of `tflite_schema`."""
    verify(content, MODEL, _IDENTIFIER)
    return schema.ModelT.InitFromPackedBuf(content)


def pack(model):
    """A `schema.ModelT` as a .tflite file's bytes."""
    builder = _SharingBuilder(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal vectors of numbers once, which FlatBuffers allow.

    Most of them are zero points of the channels, 64-bit zeros all of them: a tenth of SDKD's file.
    """

    def __init__(self, size):
        super().__init__(size)
        self._written = {}

    def CreateNumpyVector(self, x):
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]
