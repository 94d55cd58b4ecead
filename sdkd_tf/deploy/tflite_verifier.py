"""Whether a .tflite's content makes sense, so that LiteRT can be let on it: LiteRT trusts indices, shapes and quantization, and
a file that lies about them ends the process or reads foreign memory.

What holds after `check`: every index is in its range; every value is computed before it is read, by an operator of
`operators.RULES` with types and options that it takes; every shape is the one that comes out; constants have their shape's size;
quantization has a scale for the tensor or one a channel, above 1e-30 and below 1e30; no tensor is larger than 128 MB, and all that
are computed take at most 2 GB.

What is not checked: that the numbers are good for anything, how long it takes, and LiteRT's own code, of which defects other than
these are not known here. tests/test_fuzz.py opens, prepares and runs whatever is let through.
"""

import math
import re

import numpy as np
from ai_edge_litert.schema_py_generated import BuiltinOperator, TensorType

from sdkd_tf.deploy.operators import KERNEL_AXIS, RULES

LETTERS = {
    TensorType.FLOAT32: ("F", np.dtype("<f4")),
    TensorType.INT8: ("B", np.dtype("i1")),
    TensorType.UINT8: ("U", np.dtype("u1")),
    TensorType.INT32: ("I", np.dtype("<i4")),
    TensorType.BOOL: ("T", np.dtype("?")),
}
_NAMES = {code: name for name, code in vars(BuiltinOperator).items() if isinstance(code, int)}
_MAX_RANK, _MAX_BYTES, _MAX_ACTIVATIONS = 5, 1 << 27, 1 << 31  # of a tensor, and of all that are computed


class _Tensor:
    """One tensor: its type's letter, shape, values if it is constant, scales and zero points."""

    def __init__(self, tensor, buffers):
        self.name = ascii((tensor.name or b"").decode(errors="replace"))[:60]
        _expect(tensor.type in LETTERS, f"tensor {self.name}: has the unknown type {tensor.type}")
        self.letter, dtype = LETTERS[tensor.type]
        self.shape = tuple(int(side) for side in _list(tensor.shape))
        self.size = math.prod(self.shape) * dtype.itemsize
        sane = len(self.shape) <= _MAX_RANK and min(self.shape, default=1) >= 1 and self.size <= _MAX_BYTES
        _expect(sane, f"tensor {self.name}: has the shape {self.shape}")
        # -1 where a size may be changed, which nobody does here.
        signature = list(_list(tensor.shapeSignature)) or self.shape
        fits = len(signature) == len(self.shape) and all(s in (-1, n) for s, n in zip(signature, self.shape))
        _expect(fits, f"tensor {self.name}: has the shapes {self.shape} and {signature}")
        _expect(tensor.buffer < len(buffers), f"tensor {self.name}: its buffer is missing")
        data, self.values = buffers[tensor.buffer].data, None
        if data is not None and len(data):
            _expect(len(data) == self.size, f"tensor {self.name}: has {len(data)} bytes instead of {self.size}")
            self.values = np.frombuffer(data, dtype).reshape(self.shape)
        self._check_quantization(tensor.quantization)

    def _check_quantization(self, quantization):
        self.scales = np.array(_list(quantization and quantization.scale), np.float32)
        zeros, axis = np.array(_list(quantization and quantization.zeroPoint)), 0
        if len(self.scales) > 1:
            axis = quantization.quantizedDimension
            fits = 0 <= axis < len(self.shape) and self.shape[axis] == len(self.scales)
            _expect(fits, f"tensor {self.name}: has {len(self.scales)} scales, its shape is {self.shape}")
        low, high = {"B": (-128, 127), "U": (0, 255)}.get(self.letter, (0, 0))
        sane = len(zeros) == len(self.scales) and ((1e-30 < self.scales) & (self.scales < 1e30)).all()
        sane = sane and ((low <= zeros) & (zeros <= high)).all() and (len(self.scales) or self.letter != "B")
        _expect(sane, f"tensor {self.name}: its quantization is broken")


def check(model):
    """Checks a model.

    Args:
      model: a `schema.ModelT`, whose bytes `flatbuffer_verifier.verify` has passed.

    Raises:
      ValueError: something of what is listed above does not hold.
    """
    _expect(model.version == 3, f"has version {model.version} instead of 3")
    _expect(len(_list(model.subgraphs)) == 1, "has not one graph")
    (graph,), buffers = model.subgraphs, _list(model.buffers)
    _expect(buffers and not len(_list(buffers[0].data)), "its first buffer is not empty")
    _expect(all(entry.buffer < len(buffers) for entry in _list(model.metadata)), "its metadata's buffer is missing")
    _expect(all(0 <= i < len(buffers) for i in _list(model.metadataBuffer)), "its metadata's buffer is missing")
    tensors = [_Tensor(tensor, buffers) for tensor in _list(graph.tensors)]
    activations = sum(tensor.size for tensor in tensors if tensor.values is None)
    _expect(activations <= _MAX_ACTIVATIONS, f"computes {activations} bytes")
    known = {index for index, tensor in enumerate(tensors) if tensor.values is not None}
    inputs, outputs = map(int, _list(graph.inputs)), list(map(int, _list(graph.outputs)))
    for index in inputs:
        _expect(0 <= index < len(tensors) and index not in known, "an input is missing or known already")
        known.add(index)
    for number, operator in enumerate(_list(graph.operators)):
        try:
            _check_operator(operator, _list(model.operatorCodes), tensors, known)
        except (ValueError, AttributeError, IndexError) as error:
            raise ValueError(f"operator {number}: {error}") from error
    _expect(outputs and set(outputs) <= known, "an output is never computed")
    for signature in _list(model.signatureDefs):
        _expect(signature.subgraphIndex == 0 and signature.signatureKey is not None, "a signature is of no graph")
        for maps, own in ((signature.inputs, _list(graph.inputs)), (signature.outputs, outputs)):
            fits = all(entry.name is not None and entry.tensorIndex in own for entry in _list(maps))
            _expect(fits, "a signature's tensor is none of the graph's inputs and outputs")


def _check_operator(operator, codes, tensors, known):
    """Checks an operator and adds its output to what is known."""
    _expect(operator.opcodeIndex < len(codes), "its code is missing")
    code = codes[operator.opcodeIndex]
    kind = max(code.builtinCode, code.deprecatedBuiltinCode)
    _expect(kind in RULES, f"{_NAMES.get(kind, kind)} is none that convert.py writes")
    rule = RULES[kind]
    indices, outputs = [int(i) for i in _list(operator.inputs)], [int(i) for i in _list(operator.outputs)]
    if len(indices) == 3 and indices[2] == -1:  # no bias
        indices.pop()
    _expect(set(indices) <= known, "an input is missing or not computed yet")
    _expect(len(outputs) == 1 and 0 <= outputs[0] < len(tensors) and outputs[0] not in known, "has not one new output")
    inputs, output = [tensors[i] for i in indices], tensors[outputs[0]]
    types = "".join(x.letter for x in inputs) + ">" + output.letter
    _expect(re.fullmatch(rule.types, types), f"{_NAMES[kind]} of types {types}")
    _expect(operator.builtinOptionsType in rule.options, f"{_NAMES[kind]} has the options of another operator")
    _expect(all(inputs[i].values is not None for i in rule.constants if i < len(inputs)), "an input is not constant")
    activations = [x for x in (*inputs, output) if x.values is None]
    _expect(all(len(x.scales) <= 1 for x in activations), "scales of channels where one for all is expected")
    if kind in KERNEL_AXIS and output.letter == "B":
        x, kernel = inputs[:2]
        _expect(len(kernel.scales) in (1, kernel.shape[KERNEL_AXIS[kind]]), "its kernel's scales do not fit")
        # Above, XNNPACK fails to start, which LiteRT does not always survive.
        _expect((x.scales * kernel.scales / output.scales < 256).all(), "scales too far apart")
    shape = tuple(rule.shape(inputs, operator.builtinOptions))
    _expect(shape == output.shape, f"its output has the shape {output.shape} instead of {shape}")
    known.add(outputs[0])


def _expect(condition, message):
    if not condition:
        raise ValueError(message)


def _list(vector):
    """A vector that may be absent, or, if it is empty, the number 0, as the schema's classes have it."""
    return [] if vector is None or isinstance(vector, int) else vector
