"""Compares latency, size, multiply-accumulate operations and memory of .tflite files.

python -m benchmarks.latency FILE.tflite... [--runs=50]
python -m benchmarks.latency --untrained=DIR

The files take turns, one call each. Ratios are relative to the first file. --untrained first writes files to measure:
the MobileNetV2 1.0 of keras.applications, and this package's network with each decoder.
"""

import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import app, flags
from ai_edge_litert import schema_py_generated as schema

from sdkd_tf.deploy.measurement import latencies
from sdkd_tf.deploy.tflite import open_interpreter, read, unpack
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.files import PathLike
from sdkd_tf.reporting.tables import markdown


def define_flags() -> None:
    """Defines the flags; not on import, since two benchmarks may share a flag's name."""
    flags.DEFINE_integer(
        "runs", 50, "Timed calls per file and number of threads, after 10 calls to warm up.", lower_bound=2
    )
    flags.DEFINE_list("threads", ["1", "2"], "Numbers of CPU threads.")
    flags.DEFINE_string("untrained", None, "Folder to write untrained files to; they are measured first.")
    flags.DEFINE_integer("input_size", 224, "Side of the square input of untrained files, in pixels.")
    flags.DEFINE_integer("classes", 20, "Number of classes of untrained files.", lower_bound=2)


def write_untrained(out: pathlib.Path, input_size: int, classes: int) -> list[pathlib.Path]:
    """Writes untrained int8 files: mobilenet_v2, sdkd_full and sdkd_lite.

    Args:
      out: folder to write to; created if it is missing.
      input_size: side of the square input in pixels.
      classes: number of classes.

    Returns:
      The paths of the files.

    Raises:
      UserError: the network does not support the input size.
    """
    import tf_keras as keras

    from sdkd_tf.deploy.conversion import to_tflite, write_models
    from sdkd_tf.deploy.quantization import calibrate, quantization_aware
    from sdkd_tf.model.network import NetworkOptions, build_network
    from sdkd_tf.options import make_options

    options = make_options(NetworkOptions, {"input_size": input_size})
    shape = (input_size, input_size, 3)
    noise = [{"image": np.random.default_rng(0).uniform(-1, 1, (1, *shape)).astype(np.float32)}]
    mobilenet = keras.applications.MobileNetV2(shape, weights=None, classes=classes)
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / "mobilenet_v2.tflite"]
    paths[0].write_bytes(to_tflite(mobilenet, noise))
    for decoder in ("full", "lite"):
        network = build_network(classes, dataclasses.replace(options, decoder=decoder))
        student, deployed = quantization_aware(network)
        calibrate(student, network, noise)
        student(noise[0]["image"], training=True)  # sets the ranges of the weights
        write_models(out, f"sdkd_{decoder}", deployed, [f"class {i}" for i in range(classes)])
        paths.append(out / f"sdkd_{decoder}.tflite")
    return paths


def cost(path: PathLike) -> tuple[int, int]:
    """Counts operations and memory of a file.

    Args:
      path: a .tflite file.

    Returns:
      (number of multiply-accumulate operations in convolutions and fully connected layers; maximum size in bytes of the
      activations alive at the same time, a lower bound for the size of the arena).

    Raises:
      UserError: see `tflite.read`.
    """
    model = unpack(read(path))
    graph, ops = model.subgraphs[0], schema.BuiltinOperator
    constant = [model.buffers[tensor.buffer].data is not None for tensor in graph.tensors]
    shapes = [() if tensor.shape is None else tuple(map(int, tensor.shape)) for tensor in graph.tensors]
    item_bytes = {schema.TensorType.FLOAT32: 4, schema.TensorType.INT32: 4, schema.TensorType.INT64: 8}
    sizes = [math.prod(shape) * item_bytes.get(tensor.type, 1) for shape, tensor in zip(shapes, graph.tensors)]
    inputs, outputs = (() if part is None else part for part in (graph.inputs, graph.outputs))
    macs, last_use = 0, {index: len(graph.operators) for index in outputs}
    for step, operator in reversed(list(enumerate(graph.operators))):
        for index in operator.inputs:
            last_use.setdefault(index, step)
        code = model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        if kind in (ops.CONV_2D, ops.DEPTHWISE_CONV_2D, ops.FULLY_CONNECTED):
            weights, output = shapes[operator.inputs[1]], shapes[operator.outputs[0]]
            # Weights per output value: h * w in a depthwise kernel [1, h, w, c], else all dimensions after the first.
            macs += math.prod(output) * math.prod(weights[1:3] if kind == ops.DEPTHWISE_CONV_2D else weights[1:])
    alive = {index for index in inputs if not constant[index]}
    peak = 0
    for step, operator in enumerate(graph.operators):
        alive |= {index for index in operator.outputs if index >= 0 and not constant[index]}
        peak = max(peak, sum(sizes[index] for index in alive))
        alive = {index for index in alive if last_use.get(index, -1) > step}
    return macs, peak


def partitions(path: PathLike) -> int:
    """The number of parts of a file that XNNPACK runs in one piece; between them, other kernels run. Errors: see `read`."""
    operators = open_interpreter(path)._get_ops_details()  # LiteRT has no public function for this
    return sum(operator["op_name"] == "DELEGATE" for operator in operators)


def table(paths: Sequence[PathLike], threads: Sequence[int], runs: int) -> str:
    """Measures files and returns a Markdown table.

    Args:
      paths: .tflite files; time ratios are relative to the first one.
      threads: numbers of threads to measure with.
      runs: timed calls per file and number of threads.

    Returns:
      A table with a row for each file: size in MB, MACs in millions, memory of activations in MB, partitions of XNNPACK,
      latencies in ms.
    """
    timings = {number: latencies(paths, number, runs) for number in threads}
    head = ["file", "size", "MACs", "activations", "partitions"] + [
        f"{n} thread(s): median (10 to 90 %), ratio" for n in threads
    ]
    rows = []
    for file, path in enumerate(map(pathlib.Path, paths)):
        macs, peak = cost(path)
        row = [path.name, f"{path.stat().st_size / 1e6:.2f} MB", f"{macs / 1e6:.0f} M", f"{peak / 1e6:.2f} MB"]
        row.append(f"{partitions(path)}")
        for milliseconds in timings.values():
            low, median, high = np.percentile(milliseconds[file], (10, 50, 90))
            row.append(f"{median:.2f} ({low:.2f} to {high:.2f}) ms, {median / np.median(milliseconds[0]):.2f}")
        rows.append(row)
    return markdown(head, rows)


def main(argv: list[str]) -> None:
    """Prints the table."""
    with one_line_errors():
        paths, values = list(map(pathlib.Path, argv[1:])), flags.FLAGS
        if values.untrained:
            paths = [*write_untrained(pathlib.Path(values.untrained), values.input_size, values.classes), *paths]
        if not paths:
            raise UserError("no file given; expected one or more .tflite files, or --untrained")
        if not all(number.isdigit() and int(number) for number in values.threads):
            raise UserError(f"--threads is {','.join(values.threads)}; expected numbers from 1, as in --threads=1,2")
        print(table(paths, [int(number) for number in values.threads], values.runs))


if __name__ == "__main__":
    define_flags()
    app.run(main)
