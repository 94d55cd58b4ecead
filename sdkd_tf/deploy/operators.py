"""The operators that convert.py writes: which types and options each takes, and the shape that comes out.

LiteRT computes shapes itself, but on its way trusts options and constants to make sense; see `tflite_verifier`.
"""

import collections
import math

import numpy as np
from ai_edge_litert.schema_py_generated import BuiltinOperator as Op
from ai_edge_litert.schema_py_generated import BuiltinOptions as Opt

# types: a regular expression of the letters of the inputs, `>`, and the output's letter; see `tflite_verifier.LETTERS`.
# options: the tables of options that it may have.
# constants: which inputs, by position, must be constants.
# shape(inputs, options): the output's shape; raises ValueError if there is none.
Rule = collections.namedtuple("Rule", "types options constants shape")

_ACTIVATIONS = range(4)  # none, ReLU, ReLU from -1 to 1, ReLU6
_LARGEST = 1 << 16  # of strides, windows and the like


def _same(inputs, options):
    return inputs[0].shape


def _broadcast(inputs, options):
    _fused(options)
    return np.broadcast_shapes(*(x.shape for x in inputs))


def _fused(options):
    if getattr(options, "fusedActivationFunction", 0) not in _ACTIVATIONS:
        raise ValueError("unknown activation")


def _windows(x, height, width, options, channels):
    """Where a window is moved over an image."""
    _fused(options)
    if len(x.shape) != 4:
        raise ValueError("input is no image")
    sides = []
    axes = (
        (x.shape[1], height, options.strideH, getattr(options, "dilationHFactor", 1)),
        (x.shape[2], width, options.strideW, getattr(options, "dilationWFactor", 1)),
    )
    for side, window, stride, dilation in axes:
        if not all(1 <= number < _LARGEST for number in (window, stride, dilation)) or options.padding not in (0, 1):
            raise ValueError("window, stride, dilation or padding out of range")
        valid = options.padding == 1
        sides.append(math.ceil((side - (window - 1) * dilation if valid else side) / stride))
    return (x.shape[0], *sides, channels)


def _conv(inputs, options):
    x, kernel, *bias = inputs
    if len(kernel.shape) != 4 or kernel.shape[3] != x.shape[-1] or any(b.shape != kernel.shape[:1] for b in bias):
        raise ValueError("kernel, bias and input do not fit")
    return _windows(x, *kernel.shape[1:3], options, kernel.shape[0])


def _depthwise(inputs, options):
    x, kernel, *bias = inputs
    if len(kernel.shape) != 4 or kernel.shape[0] != 1 or any(b.shape != kernel.shape[3:] for b in bias):
        raise ValueError("kernel and bias do not fit")
    if kernel.shape[3] != x.shape[-1] * options.depthMultiplier:
        raise ValueError("kernel and input do not fit")
    return _windows(x, *kernel.shape[1:3], options, kernel.shape[3])


def _pool(inputs, options):
    (x,) = inputs
    return _windows(x, options.filterHeight, options.filterWidth, options, x.shape[-1])


def _fully_connected(inputs, options):
    x, kernel, *bias = inputs
    _fused(options)
    if options.weightsFormat or len(kernel.shape) != 2 or any(b.shape != kernel.shape[:1] for b in bias):
        raise ValueError("weights and bias do not fit")
    if x.shape[-1:] != kernel.shape[1:]:
        raise ValueError("weights and input do not fit")
    rows = x.shape[:-1] if options.keepNumDims else (math.prod(x.shape[:-1]),)
    return (*rows, kernel.shape[0])


def _concatenation(inputs, options):
    _fused(options)
    rank = len(inputs[0].shape)
    axis = options.axis + rank if options.axis < 0 else options.axis
    others = {x.shape[:axis] + x.shape[axis + 1 :] for x in inputs}
    if not 0 <= axis < rank or len(others) > 1 or any(len(x.shape) != rank for x in inputs):
        raise ValueError("inputs do not fit each other")
    total = sum(x.shape[axis] for x in inputs)
    return inputs[0].shape[:axis] + (total,) + inputs[0].shape[axis + 1 :]


def _reduce(inputs, options):
    x, axes = inputs
    rank = len(x.shape)
    if len(axes.shape) > 1 or any(not -rank <= axis < rank for axis in axes.values.ravel()):
        raise ValueError("axes out of range")
    gone = {int(axis) % rank for axis in axes.values.ravel()}
    kept = [1 if i in gone else side for i, side in enumerate(x.shape) if options.keepDims or i not in gone]
    return tuple(kept)


def _resize(inputs, options):
    x, size = inputs
    if len(x.shape) != 4 or size.shape != (2,) or (options.alignCorners and options.halfPixelCenters):
        raise ValueError("input is no image or the size has not two sides")
    return (x.shape[0], *map(int, size.values), x.shape[3])


def _pad(inputs, options):
    x, padding = inputs
    if padding.shape != (len(x.shape), 2) or not ((0 <= padding.values) & (padding.values < _LARGEST)).all():
        raise ValueError("padding does not fit the input")
    return tuple(side + int(p.sum()) for side, p in zip(x.shape, padding.values))


def _reshape(inputs, options):
    x, *shape = inputs
    if shape and len(shape[0].shape) != 1 or not shape and (options is None or options.newShape is None):
        raise ValueError("no shape to take")
    sides = [int(side) for side in (shape[0].values if shape else options.newShape)]
    if sides.count(-1) == 1:
        rest = math.prod(side for side in sides if side != -1)
        sides[sides.index(-1)] = math.prod(x.shape) // rest if rest > 0 else 0
    if any(side < 1 for side in sides) or math.prod(sides) != math.prod(x.shape):
        raise ValueError("shape of another size")
    return tuple(sides)


_UNARY, _BINARY, _INDEXED = "F>F|B>B", "FF>F|BB>B", "FI>F|BI>B"

RULES = {
    Op.ADD: Rule(_BINARY, (Opt.AddOptions,), (), _broadcast),
    Op.SUB: Rule(_BINARY, (Opt.SubOptions,), (), _broadcast),
    Op.MUL: Rule(_BINARY, (Opt.MulOptions,), (), _broadcast),
    Op.MAXIMUM: Rule(_BINARY, (Opt.NONE, Opt.MaximumMinimumOptions), (), _broadcast),
    Op.MINIMUM: Rule(_BINARY, (Opt.NONE, Opt.MaximumMinimumOptions), (), _broadcast),
    Op.GREATER_EQUAL: Rule("FF>T|BB>T", (Opt.NONE, Opt.GreaterEqualOptions), (), _broadcast),
    Op.SELECT_V2: Rule("TFF>F|TBB>B", (Opt.NONE, Opt.SelectV2Options), (), _broadcast),
    Op.CONCATENATION: Rule("F+>F|B+>B", (Opt.ConcatenationOptions,), (), _concatenation),
    Op.CONV_2D: Rule("FFF?>F|BBI?>B", (Opt.Conv2DOptions,), (1, 2), _conv),
    Op.DEPTHWISE_CONV_2D: Rule("FFF?>F|BBI?>B", (Opt.DepthwiseConv2DOptions,), (1, 2), _depthwise),
    Op.FULLY_CONNECTED: Rule("FFF?>F|BBI?>B", (Opt.FullyConnectedOptions,), (1, 2), _fully_connected),
    Op.MAX_POOL_2D: Rule(_UNARY, (Opt.Pool2DOptions,), (), _pool),
    Op.AVERAGE_POOL_2D: Rule(_UNARY, (Opt.Pool2DOptions,), (), _pool),
    Op.MEAN: Rule(_INDEXED, (Opt.ReducerOptions,), (1,), _reduce),
    Op.REDUCE_MAX: Rule(_INDEXED, (Opt.ReducerOptions,), (1,), _reduce),
    Op.REDUCE_MIN: Rule(_INDEXED, (Opt.ReducerOptions,), (1,), _reduce),
    Op.RESIZE_BILINEAR: Rule(_INDEXED, (Opt.ResizeBilinearOptions,), (1,), _resize),
    Op.PAD: Rule(_INDEXED, (Opt.NONE, Opt.PadOptions), (1,), _pad),
    Op.RESHAPE: Rule("FI?>F|BI?>B", (Opt.NONE, Opt.ReshapeOptions), (1,), _reshape),
    Op.LOGISTIC: Rule(_UNARY, (Opt.NONE,), (), _same),
    Op.RELU: Rule(_UNARY, (Opt.NONE,), (), _same),
    Op.RELU6: Rule(_UNARY, (Opt.NONE,), (), _same),
    Op.RSQRT: Rule(_UNARY, (Opt.NONE,), (), _same),
    Op.SOFTMAX: Rule(_UNARY, (Opt.SoftmaxOptions,), (), _same),
    Op.QUANTIZE: Rule("U>B|B>B|F>B", (Opt.NONE, Opt.QuantizeOptions), (), _same),
    Op.DEQUANTIZE: Rule("B>F", (Opt.NONE, Opt.DequantizeOptions), (), _same),
    Op.CAST: Rule("U>F", (Opt.NONE, Opt.CastOptions), (), _same),
}

# Which of the kernel's axes is that of the output's channels.
KERNEL_AXIS = {Op.CONV_2D: 0, Op.DEPTHWISE_CONV_2D: 3, Op.FULLY_CONNECTED: 0}
