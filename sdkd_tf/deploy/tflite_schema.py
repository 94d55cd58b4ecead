"""The part of TFLite's schema (schema.fbs, version 3) that convert.py writes, as `flatbuffer_verifier` describes it.

Left out, and thereby refused: data outside of the FlatBuffer, sparse tensors, variables, custom operators, StableHLO.
"""

from ai_edge_litert.schema_py_generated import BuiltinOptions

from sdkd_tf.deploy.flatbuffer_verifier import STRING

_OPTIONS = {
    BuiltinOptions.Conv2DOptions: ("b", "i", "i", "b", "i", "i", "b"),
    BuiltinOptions.DepthwiseConv2DOptions: ("b", "i", "i", "i", "b", "i", "i"),
    BuiltinOptions.Pool2DOptions: ("b", "i", "i", "i", "i", "b"),
    BuiltinOptions.FullyConnectedOptions: ("b", "b", "b", "b", "b"),
    BuiltinOptions.SoftmaxOptions: ("f",),
    BuiltinOptions.ConcatenationOptions: ("i", "b"),
    BuiltinOptions.AddOptions: ("b", "b"),
    BuiltinOptions.SubOptions: ("b", "b"),
    BuiltinOptions.MulOptions: ("b",),
    BuiltinOptions.ResizeBilinearOptions: (None, None, "b", "b"),
    BuiltinOptions.ReshapeOptions: (["i"],),
    BuiltinOptions.ReducerOptions: ("b",),
    BuiltinOptions.CastOptions: ("b", "b"),
    BuiltinOptions.PadOptions: (),
    BuiltinOptions.MaximumMinimumOptions: (),
    BuiltinOptions.GreaterEqualOptions: (),
    BuiltinOptions.SelectV2Options: (),
    BuiltinOptions.QuantizeOptions: (),
    BuiltinOptions.DequantizeOptions: (),
}
_OPERATOR_CODE = ("b", STRING, "i", "i")
_QUANTIZATION = (["f"], ["f"], ["f"], ["q"], None, None, "i")  # min, max, scale, zero point, -, -, dimension
_TENSOR = (["i"], "b", "I", STRING, _QUANTIZATION, None, None, ["i"], "b")  # shape, type, buffer, name, ..., signature
_OPERATOR = ("I", ["i"], ["i"], "B", _OPTIONS)  # code, inputs, outputs, options
_SUBGRAPH = ([_TENSOR], ["i"], ["i"], [_OPERATOR], STRING)
_BUFFER = (["B"],)
_METADATA = (STRING, "I")
_TENSOR_MAP = (STRING, "I")
_SIGNATURE = ([_TENSOR_MAP], [_TENSOR_MAP], STRING, None, "I")
MODEL = ("I", [_OPERATOR_CODE], [_SUBGRAPH], STRING, [_BUFFER], ["i"], [_METADATA], [_SIGNATURE])
