"""Latency, multiply-accumulate operations and memory of .tflite files."""

import pathlib
import time

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tqdm import tqdm

from sdkd_tf.deploy.flatbuffer import read
from sdkd_tf.deploy.runtime import open_interpreter

_WARM_UP = 10


def latencies(paths, threads, runs):
    """Times calls on noise, the files taking turns.

    Args:
      paths: .tflite files.
      threads: CPU threads.
      runs: calls a file that count.

    Returns:
      Milliseconds, `[files, runs]`.
    """
    interpreters = [open_interpreter(path, threads) for path in paths]
    rng = np.random.default_rng(0)
    for interpreter in interpreters:
        for detail in interpreter.get_input_details():
            noise = (
                rng.integers(0, 256, detail["shape"]) if detail["dtype"] != np.float32 else rng.random(detail["shape"])
            )
            interpreter.set_tensor(detail["index"], noise.astype(detail["dtype"]))
    seconds = np.zeros((len(paths), _WARM_UP + runs))
    for run in tqdm(range(_WARM_UP + runs), desc=f"{threads} thread(s)", unit="round"):
        for file, interpreter in enumerate(interpreters):
            start = time.perf_counter()
            interpreter.invoke()
            seconds[file, run] = time.perf_counter() - start
    return 1000 * seconds[:, _WARM_UP:]


def cost(path):
    """Counts a file's work and memory.

    Args:
      path: a .tflite file.

    Returns:
      (multiply-accumulate operations of convolutions and fully connected layers, bytes of the activations that are alive at
      once at most: what an arena needs at least).

    Raises:
      UserError: see `flatbuffer.read`.
    """
    _, model = read(path)
    graph, ops = model.subgraphs[0], schema.BuiltinOperator
    constant = [model.buffers[tensor.buffer].data is not None for tensor in graph.tensors]
    item_bytes = {schema.TensorType.FLOAT32: 4, schema.TensorType.INT32: 4, schema.TensorType.INT64: 8}
    macs, last_use = 0, {index: len(graph.operators) for index in graph.outputs}
    for step, operator in reversed(list(enumerate(graph.operators))):
        for index in operator.inputs:
            last_use.setdefault(index, step)
        code = model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        if kind in (ops.CONV_2D, ops.DEPTHWISE_CONV_2D, ops.FULLY_CONNECTED):
            weights, output = (graph.tensors[i].shape for i in (operator.inputs[1], operator.outputs[0]))
            # Of a depthwise kernel [1, h, w, c] each output value reads h * w weights; otherwise [outputs, ...] all behind the first.
            reads = weights[1] * weights[2] if kind == ops.DEPTHWISE_CONV_2D else np.prod(weights[1:])
            macs += int(np.prod(output) * reads)

    def size(index):
        tensor = graph.tensors[index]
        return int(np.prod(tensor.shape)) * item_bytes.get(tensor.type, 1)

    alive = {index for index in graph.inputs if not constant[index]}
    peak = 0
    for step, operator in enumerate(graph.operators):
        alive |= {index for index in operator.outputs if index >= 0 and not constant[index]}
        peak = max(peak, sum(map(size, alive)))
        alive = {index for index in alive if last_use.get(index, -1) > step}
    return macs, peak


def table(paths, threads, runs):
    """The measurements of some files as a Markdown table.

    Args:
      paths: .tflite files; times are told against the first one's, too.
      threads: a list of numbers of threads to time with.
      runs: timed runs of each file and number of threads.

    Returns:
      A row for each file: size in MB, MACs in millions, memory of activations in MB, latencies in ms.
    """
    timings = {number: latencies(paths, number, runs) for number in threads}
    head = ["file", "size", "MACs", "activations"] + [f"{n} thread(s): median (10 to 90 %), ratio" for n in threads]
    rows = []
    for file, path in enumerate(paths):
        macs, peak = cost(path)
        row = [pathlib.Path(path).name, f"{pathlib.Path(path).stat().st_size / 1e6:.2f} MB", f"{macs / 1e6:.0f} M"]
        row.append(f"{peak / 1e6:.2f} MB")
        for milliseconds in timings.values():
            low, median, high = np.percentile(milliseconds[file], (10, 50, 90))
            row.append(f"{median:.2f} ({low:.2f} to {high:.2f}) ms, {median / np.median(milliseconds[0]):.2f}")
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))
