"""A .tflite of unknown origin is read or refused in one line, whatever it does; what is packed is what was unpacked."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from sdkd_tf.deploy import tflite
from sdkd_tf.deploy.tflite import Classifier, float_operators, open_interpreter, pack, unpack
from sdkd_tf.errors import UserError


@pytest.fixture
def refusal(tmp_path):
    """A function of a file's bytes: the reason for which it is refused, within the message that users see."""

    def refuse(content):
        path = tmp_path / "foreign.tflite"
        path.write_bytes(content)
        with pytest.raises(UserError) as error:
            open_interpreter(path)
        before, after = (f"model {path}: is not a usable TFLite file (", "); expected one written by convert.py")
        text = str(error.value)
        assert text.startswith(before) and text.endswith(after) and text.isprintable()
        return text[len(before) : -len(after)]

    return refuse


def convert(function, *shape):
    """The bytes of a .tflite that was not made by this package."""
    function = tf.function(function, [tf.TensorSpec(shape, tf.float32, name="x")], autograph=False)
    return tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module()).convert()


def write(path, content):
    path.write_bytes(content)
    return path


def test_what_is_written_is_accepted(models):
    for name, outputs in (("net.tflite", 3), ("net_classifier.tflite", 1)):
        assert tflite.read(models / name) == (models / name).read_bytes()
        assert len(open_interpreter(models / name).get_output_details()) == outputs


def test_a_file_is_tried_once_and_its_bytes_decide(models, tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(tflite, "_tried", set())
    monkeypatch.setattr(tflite, "refusal", lambda content: tried.append(content))
    content = (models / "net.tflite").read_bytes()
    path = write(tmp_path / "model.tflite", content)
    assert tflite.read(path) == tflite.read(path) == tflite.read(models / "net.tflite") == content
    assert tried == [content]
    path.write_bytes(content + b"\0")
    tflite.read(path)
    assert tried == [content, content + b"\0"]


def test_a_file_that_was_refused_is_tried_again(tmp_path, monkeypatch):
    path = write(tmp_path / "model.tflite", b"content")
    for reason in ("bad luck", "bad luck again"):
        monkeypatch.setattr(tflite, "refusal", lambda content: reason)  # noqa: B023
        with pytest.raises(UserError, match=reason):
            tflite.read(path)


def test_missing(tmp_path):
    for path in (tmp_path / "none.tflite", tmp_path):
        with pytest.raises(UserError, match=f"^model {path}: no such file; expected a .tflite file$"):
            tflite.read(path)


def test_a_file_larger_than_any_flatbuffer_is_not_read(tmp_path):
    path = tmp_path / "huge.tflite"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole, which takes no space
    with pytest.raises(UserError, match=f"^model {path}: is larger than 2 GB; expected a file written by convert.py$"):
        tflite.read(path)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\3\4 and so on", bytes(100)])
def test_other_files(refusal, content):
    assert refusal(content) == "has no identifier TFL3"


def test_garbage_and_half_a_file(refusal, models):
    content = (models / "net.tflite").read_bytes()
    for size in (8, len(content) // 2, len(content) - 100):
        assert f"actual buffer size is {size}" in refusal(content[:size])
    assert "bad number" in refusal(content[:8] + np.random.default_rng(0).bytes(10_000))


@pytest.mark.parametrize("wish, reason", [("abort", "crashes: SIGABRT"), ("hang", "takes more than 1 s")])
def test_a_child_that_crashes_or_hangs(refusal, monkeypatch, wish, reason):
    monkeypatch.setattr(tflite, "_TRIAL", "tests.misbehaving_child")
    monkeypatch.setattr(tflite, "_SECONDS", 20 if wish == "abort" else 1)
    assert refusal(b"abcdTFL3" + wish.encode()) == reason


def test_a_model_that_never_ends(refusal, monkeypatch):
    monkeypatch.setattr(tflite, "_SECONDS", 2)
    forever = convert(lambda x: tf.while_loop(lambda y: y[0] > -1, lambda y: [y / 2], [tf.abs(x)])[0], 3)
    assert refusal(forever) == "takes more than 2 s"


def test_a_model_that_needs_endless_memory(refusal, tmp_path):
    def ones(rows):  # which LiteRT does not know before it runs the model
        return convert(lambda x: tf.fill(tf.cast(x, tf.int32) + [rows, 25_000], 1.0), 2)

    open_interpreter(write(tmp_path / "some.tflite", ones(1000)))  # 100 MB
    assert refusal(ones(100_000)) == "Node number 2 (FILL) failed to invoke."  # 10 GB


def test_a_graph_that_makes_no_sense(refusal, models):
    model = unpack((models / "net.tflite").read_bytes())
    model.subgraphs[0].operators[0].inputs = np.array([10**6], np.int32)
    assert "out of range" in refusal(pack(model))
    model.subgraphs[0].operators = []
    assert refusal(pack(model)) == "has no operators"


def test_a_signature_whose_outputs_are_not_kept(refusal, models):
    model = unpack((models / "net.tflite").read_bytes())
    model.subgraphs[0].outputs = np.zeros(0, np.int32)
    assert refusal(pack(model)).startswith("Tensor data is null.")


def test_of_several_signatures_the_one_in_use_is_tried(refusal, tmp_path):
    module, spec = tf.Module(), [tf.TensorSpec(3, tf.float32, name="x")]
    module.doubles = tf.function(lambda x: 2 * x, spec, autograph=False)
    module.fails = tf.function(lambda x: tf.gather(x, tf.cast(x, tf.int32) + 7), spec, autograph=False)
    signatures = {"doubles": module.doubles, "fails": module.fails}
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"), ["doubles", "fails"])
    model = unpack(converter.convert())
    keys = {signature.signatureKey: signature for signature in model.signatureDefs}
    assert (keys[b"doubles"].subgraphIndex, keys[b"fails"].subgraphIndex) == (0, 1)
    keys[b"doubles"].signatureKey = "serving_default"
    open_interpreter(write(tmp_path / "doubles.tflite", pack(model)))
    keys[b"doubles"].signatureKey, keys[b"fails"].signatureKey = "doubles", "serving_default"
    assert refusal(pack(model)).startswith("gather index out of bounds")


def test_another_model_is_run_but_is_no_classifier(tmp_path):
    path = write(tmp_path / "foreign.tflite", convert(lambda x: 2 * x, 3))
    interpreter = open_interpreter(path)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.array([1, 2, 3], np.float32))
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), [2, 4, 6])
    assert float_operators(path) == ["MUL x1"]
    with pytest.raises(UserError, match=f"^model {path}: does not have the input `image` and the outputs"):
        Classifier(path)


def test_a_batch_that_could_be_larger_is_accepted(models, tmp_path):
    model = unpack((models / "net.tflite").read_bytes())
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shapeSignature = np.array([-1, 64, 64, 3], np.int32)
    path = write(tmp_path / "batch.tflite", pack(model))
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    expected = Classifier(models / "net.tflite")(image).probabilities
    np.testing.assert_allclose(Classifier(path)(image).probabilities, expected, rtol=1e-6)


def test_without_a_signature(models, tmp_path):
    model = unpack((models / "net.tflite").read_bytes())
    model.signatureDefs = None
    path = write(tmp_path / "bare.tflite", pack(model))
    with pytest.raises(
        UserError, match=f"^model {path}: has no signature serving_default; expected a file of convert.py"
    ):
        Classifier(path)


def test_float_operators_are_counted_without_those_that_quantize(tmp_path):
    model = schema.ModelT()
    graph = schema.SubGraphT()
    model.subgraphs, graph.tensors, graph.operators, model.operatorCodes = [graph], [], [], []
    for kind in (schema.TensorType.FLOAT32, schema.TensorType.INT8):
        tensor = schema.TensorT()
        tensor.type = kind
        graph.tensors.append(tensor)
    operators = schema.BuiltinOperator
    for code in (operators.MUL, operators.QUANTIZE, operators.DEQUANTIZE, operators.SUB):
        entry = schema.OperatorCodeT()
        entry.builtinCode = code
        model.operatorCodes.append(entry)
    for index, inputs, outputs in ((0, [0, 0], [0]), (0, [1, 1], [1]), (1, [0], [1]), (2, [1], [0]), (3, [1, -1], [0])):
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = index, inputs, outputs
        graph.operators.append(operator)
    graph.operators.append(graph.operators[0])
    assert tflite.float_operators_of(model) == ["MUL x2", "SUB x1"]


def fields(value):
    """What an object holds, down to numbers, so that two can be compared."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [fields(item) for item in value]
    return {name: fields(part) for name, part in vars(value).items()} if hasattr(value, "__dict__") else value


def test_a_file_holds_what_it_held(models):
    content = (models / "net.tflite").read_bytes()
    assert fields(unpack(pack(unpack(content)))) == fields(unpack(content))


def model_with_tensors(count, channels):
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, graph.tensors = 3, [graph], []
    for index in range(count):
        tensor, quantization = schema.TensorT(), schema.QuantizationParametersT()
        quantization.scale = np.arange(channels, dtype=np.float32) + index
        quantization.zeroPoint = np.zeros(channels, np.int64)
        tensor.name, tensor.quantization = f"tensor{index}", quantization
        graph.tensors.append(tensor)
    return model


def test_equal_vectors_are_written_once():
    sizes = [len(pack(model_with_tensors(count, 1000))) for count in (1, 2)]
    assert 4000 <= sizes[1] - sizes[0] < 4200  # the second tensor's scales, and not its zero points of 8000 bytes
    zero_points = [t.quantization.zeroPoint for t in unpack(pack(model_with_tensors(2, 1000))).subgraphs[0].tensors]
    np.testing.assert_array_equal(zero_points, np.zeros((2, 1000)))
