"""Edits .tflite files: removes an output, and adds metadata.

The metadata let MediaPipe's ImageClassifier and Android Studio's model binding use a file without further code.

Slots and enum values follow the schema published with TFLite (metadata_schema.fbs, identifier M001).
"""

import io
import zipfile
from collections.abc import Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from sdkd_tf.deploy.tflite import pack, unpack

_LABEL_FILE = "labels.txt"
_IMAGE_PROPERTIES, _NORMALIZATION_OPTIONS = 2, 1  # members of the unions ContentProperties and ProcessUnitOptions
_RGB, _TENSOR_AXIS_LABELS = 1, 2  # of the enums ColorSpaceType and AssociatedFileType


def with_metadata(content: bytes, labels: Sequence[str], name: str, description: str, version: str) -> bytes:
    """Adds metadata and labels to a classifier with one image input and one output of probabilities.

    Args:
      content: the bytes of the .tflite file.
      labels: names of the classes, in the order of the output.
      name, description, version: properties of the model.

    Returns:
      The bytes of the new file: the FlatBuffer, followed by a zip archive with labels.txt.
    """
    model = unpack(content)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(_model_metadata(name, description, version), np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]
    file = io.BytesIO(pack(model))
    with zipfile.ZipFile(file, "a") as archive:
        # The fixed date of ZipInfo, so that equal models give equal files.
        archive.writestr(zipfile.ZipInfo(_LABEL_FILE), "".join(f"{label}\n" for label in labels))
    return file.getvalue()


def without_output(content: bytes, name: str) -> bytes:
    """Removes an output from a file, together with the operator that computes only this output.

    Args:
      content: the bytes of the .tflite file.
      name: name of the output in the only signature of the file.

    Returns:
      The bytes of the new file.
    """
    model = unpack(content)
    graph, (signature,) = model.subgraphs[0], model.signatureDefs
    (dropped,) = (output.tensorIndex for output in signature.outputs if output.name == name.encode())
    signature.outputs = [output for output in signature.outputs if output.tensorIndex != dropped]
    graph.outputs = [index for index in graph.outputs if index != dropped]
    if not any(dropped in operator.inputs for operator in graph.operators):
        graph.operators = [operator for operator in graph.operators if dropped not in operator.outputs]
    return pack(model)


def _model_metadata(name: str, description: str, version: str) -> bytes:
    b = flatbuffers.Builder(1024)
    properties = _table(b, {1: _table(b, {}, {0: _RGB})}, {0: _IMAGE_PROPERTIES})
    scale = _table(b, {0: _floats(b, 127.5), 1: _floats(b, 127.5)})
    units = _list(b, [_table(b, {1: scale}, {0: _NORMALIZATION_OPTIONS})])
    fields = {3: properties, 4: units, 5: _stats(b, 0.0, 255.0)}
    pixels = _tensor(b, "image", "RGB image that fills the square or has black bars", fields)
    files = [_table(b, {0: b.CreateString(_LABEL_FILE), 1: b.CreateString("Class names.")}, {2: _TENSOR_AXIS_LABELS})]
    scores = _tensor(b, "probability", "probabilities of the classes", {5: _stats(b, 0.0, 1.0), 6: _list(b, files)})
    subgraph = _table(b, {2: _list(b, [pixels]), 3: _list(b, [scores])})
    texts = {0: name, 1: description, 2: version, 7: "1.0.0"}  # 7: minimum version of the metadata parser
    offsets = {slot: b.CreateString(text) for slot, text in texts.items()}
    b.Finish(_table(b, {**offsets, 3: _list(b, [subgraph])}), b"M001")
    return bytes(b.Output())


def _tensor(b: flatbuffers.Builder, name: str, description: str, fields: dict[int, int]) -> int:
    return _table(b, {0: b.CreateString(name), 1: b.CreateString(description), **fields})


def _stats(b: flatbuffers.Builder, low: float, high: float) -> int:
    return _table(b, {0: _floats(b, high), 1: _floats(b, low)})


def _floats(b: flatbuffers.Builder, value: float) -> int:
    return b.CreateNumpyVector(np.array([value], np.float32))


def _list(b: flatbuffers.Builder, offsets: list[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()


def _table(b: flatbuffers.Builder, offsets: dict[int, int], numbers: dict[int, int] | tuple[()] = ()) -> int:
    """Writes a table from {slot: offset of a string, vector or table} and {slot: enum value}."""
    numbers = dict(numbers)
    b.StartObject(1 + max([*offsets, *numbers]))
    for slot, offset in offsets.items():
        b.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, number in numbers.items():
        b.PrependInt8Slot(slot, number, 0)
    return b.EndObject()
