"""From a .tflite file's bytes to objects that can be edited, and back."""

import flatbuffers
from ai_edge_litert import schema_py_generated as schema


def unpack(content):
    """A .tflite file's bytes as a `schema.ModelT`."""
    return schema.ModelT.InitFromPackedBuf(content)


def pack(model):
    """A `schema.ModelT` as a .tflite file's bytes."""
    builder = _SharingBuilder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
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
