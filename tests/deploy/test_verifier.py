"""What is written is accepted; a file that leads LiteRT astray is refused, with the reason."""

import struct

import numpy as np
import pytest
from sdkd_tf.deploy.flatbuffer import pack, read, unpack
from sdkd_tf.deploy.flatbuffer_verifier import STRING, verify
from sdkd_tf.deploy.runtime import open_interpreter

from sdkd_tf.errors import UserError

CHILD = ("i",)
ROOT = ("i", STRING, ["q"], CHILD, "B", {1: CHILD}, [CHILD])


def table(*fields, extra=b""):
    """A FlatBuffer whose root table has 4-byte fields, by slot; None leaves one out."""
    slots = struct.pack("<HH", 4 + 2 * len(fields), 4 + 4 * len(fields))
    slots += b"".join(struct.pack("<H", 0 if f is None else 4 + 4 * i) for i, f in enumerate(fields))
    slots += bytes(-len(slots) % 4)
    body = struct.pack("<i", len(slots)) + b"".join(struct.pack("<I", f or 0) for f in fields)
    return struct.pack("<I4s", 8 + len(slots), b"TEST") + slots + body + extra


def text(content, length=None):
    return struct.pack("<I", len(content) if length is None else length) + content


def test_a_table_that_fits():
    verify(table(5), ROOT, b"TEST")
    verify(table(5, 4, extra=text(b"ab\0\0", 2)), ROOT, b"TEST")
    verify(table() + b"PK an archive behind it", ROOT, b"TEST")


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "has no identifier TEST"),
        (table(5)[:-4], "has a broken table"),
        (struct.pack("<I4s", 1 << 31, b"TEST"), "where no number of 4 bytes can be"),
        (struct.pack("<I4s", 9, b"TEST") + bytes(20), "where no number of 4 bytes can be"),
        (struct.pack("<I4si", 8, b"TEST", -(1 << 30)), "where no number of 2 bytes can be"),
        (table(5, 4, extra=text(b"abcd")), "where no number of 1 bytes can be"),
        (table(5, 4, extra=text(b"abc\0", 2)), "has a string without an end"),
        (table(5, 4, extra=text(b"\xff\0")), "can't decode byte 0xff"),
        (table(5, 4, extra=text(b"", 1 << 31)), "leads out of the file"),
        (table(5, None, 4, extra=text(b"", 1 << 30)), "leads out of the file"),
        (table(5, None, None, 1 << 30), "where no number of 4 bytes can be"),
        (table(5, None, None, None, 3, 4, extra=bytes(8)), "has a union of unknown type 3"),
        (table(5, None, None, None, 1), None),
        (table(5, None, None, None, 1, None), "has a union without a value"),
        (table(5, None, None, None, None, None, None, 5), "has an unknown field, number 7"),
    ],
)
def test_what_leads_astray(content, reason):
    if reason is None:  # an older writer knew of no union
        return verify(content, ROOT, b"TEST")
    with pytest.raises(ValueError, match=reason):
        verify(content, ROOT, b"TEST")


def test_sharing_has_an_end():
    children = struct.pack("<I", 200_000) + b"".join(struct.pack("<I", 4 * (200_000 - i)) for i in range(200_000))
    child = struct.pack("<iHH", -4, 4, 4)  # behind all of them, its slots behind itself
    with pytest.raises(ValueError, match="has more than 100000 tables"):
        verify(table(None, None, None, None, None, None, 4, extra=children + child), ROOT, b"TEST")


def conv(model):
    return next(o for o in model.subgraphs[0].operators if len(o.inputs) == 3)


def set_shape(model, index, shape):
    model.subgraphs[0].tensors[index].shape = np.array(shape, np.int32)


def change_input(model):
    set_shape(model, model.subgraphs[0].inputs[0], [1, 32, 32, 3])


CHANGES = {
    "has version 2 instead of 3": lambda m: setattr(m, "version", 2),
    "has not one graph": lambda m: m.subgraphs.append(m.subgraphs[0]),
    "its buffer is missing": lambda m: setattr(m.subgraphs[0].tensors[3], "buffer", 10**6),
    "has the unknown type 77": lambda m: setattr(m.subgraphs[0].tensors[3], "type", 77),
    "has the shape": lambda m: set_shape(m, 3, [1 << 30, 1 << 30]),
    "has the shapes": lambda m: setattr(m.subgraphs[0].tensors[3], "shapeSignature", np.array([7], np.int32)),
    "bytes instead of": lambda m: setattr(m.buffers[conv_kernel(m)], "data", np.zeros(5, np.uint8)),
    "an input is missing or not computed yet": lambda m: conv(m).inputs.__setitem__(0, 10**6),
    "has not one new output": lambda m: conv(m).outputs.__setitem__(0, conv(m).inputs[0]),
    "its code is missing": lambda m: setattr(conv(m), "opcodeIndex", 999),
    "CUSTOM is none that convert.py writes": lambda m: [
        setattr(m.operatorCodes[conv(m).opcodeIndex], name, 32) for name in ("builtinCode", "deprecatedBuiltinCode")
    ],
    "window, stride, dilation or padding out of range": lambda m: setattr(conv(m).builtinOptions, "strideW", 0),
    "unknown activation": lambda m: setattr(conv(m).builtinOptions, "fusedActivationFunction", 99),
    "its output has the shape": change_input,
    "an output is never computed": lambda m: setattr(m.subgraphs[0], "outputs", np.array([10**6], np.int32)),
    "a signature is of no graph": lambda m: setattr(m.signatureDefs[0], "subgraphIndex", 1),
    "a signature's tensor is none": lambda m: setattr(m.signatureDefs[0].inputs[0], "tensorIndex", 1),
    "has an unknown field": lambda m: setattr(m.buffers[3], "offset", 1 << 40),
    "has an unknown field, number 5": lambda m: setattr(conv(m), "customOptions", np.zeros(3, np.uint8)),
}


def conv_kernel(model):
    return model.subgraphs[0].tensors[conv(model).inputs[1]].buffer


def test_what_is_written_is_accepted(models):
    for name in ("net.tflite", "net_classifier.tflite"):
        content, model = read(models / name)
        assert content == (models / name).read_bytes() and len(model.subgraphs) == 1


def test_a_batch_that_could_be_larger_is_accepted(models, tmp_path):
    model = unpack((models / "net.tflite").read_bytes())
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shapeSignature = np.array([-1, 64, 64, 3], np.int32)
    path = tmp_path / "batch.tflite"
    path.write_bytes(pack(model))
    open_interpreter(path)


@pytest.mark.parametrize("reason, change", CHANGES.items(), ids=range(len(CHANGES)))
def test_a_graph_that_makes_no_sense_is_refused(models, tmp_path, reason, change):
    model = unpack((models / "net.tflite").read_bytes())
    for operator in model.subgraphs[0].operators:
        operator.inputs, operator.outputs = np.array(operator.inputs), np.array(operator.outputs)
    change(model)
    path = tmp_path / "changed.tflite"
    path.write_bytes(pack(model))
    with pytest.raises(UserError) as error:
        open_interpreter(path)
    assert (
        reason in str(error.value) and str(error.value).startswith(f"model {path}: ") and "\n" not in str(error.value)
    )
