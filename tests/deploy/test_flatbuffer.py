import numpy as np
from ai_edge_litert import schema_py_generated as schema
from sdkd_tf.deploy.flatbuffer import pack, unpack


def fields(value):
    """What an object holds, down to numbers, so that two can be compared."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [fields(item) for item in value]
    return {name: fields(part) for name, part in vars(value).items()} if hasattr(value, "__dict__") else value


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


def test_a_file_holds_what_it_held(models):
    content = (models / "net.tflite").read_bytes()
    assert fields(unpack(pack(unpack(content)))) == fields(unpack(content))


def test_equal_vectors_are_written_once():
    sizes = [len(pack(model_with_tensors(count, 1000))) for count in (1, 2)]
    assert 4000 <= sizes[1] - sizes[0] < 4200  # the second tensor's scales, and not its zero points of 8000 bytes
    zero_points = [t.quantization.zeroPoint for t in unpack(pack(model_with_tensors(2, 1000))).subgraphs[0].tensors]
    np.testing.assert_array_equal(zero_points, np.zeros((2, 1000)))
