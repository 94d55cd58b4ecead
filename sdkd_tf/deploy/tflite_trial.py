"""Parses and runs a .tflite file of unknown origin once: `python -m sdkd_tf.deploy.tflite_trial < FILE`.

Meant for a child process, see `tflite.read`, so that a harmful file does its damage there.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from sdkd_tf.deploy import tflite
from sdkd_tf.deploy.child import limit_memory
from sdkd_tf.errors import one_line

_MEMORY = 2 << 30  # bytes beyond what the interpreter and the file need to start


def try_model(content: bytes) -> None:
    """Performs every operation that the package performs on a file. May raise any error or crash."""
    tflite.float_operators_of(tflite.unpack(content))
    interpreter = _opened(content)
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    for detail in interpreter.get_output_details():
        interpreter.get_tensor(detail["index"])
    interpreter = _opened(content)  # LiteRT looks up the tensors of a signature differently
    if tflite.SIGNATURE in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(tflite.SIGNATURE)
        details = runner.get_input_details()
        runner.get_output_details()
        runner(**{name: np.zeros(detail["shape"], detail["dtype"]) for name, detail in details.items()})


def _opened(content: bytes) -> Interpreter:
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def main() -> int:
    """Tries the file on standard input. If it is unusable, prints the reason and returns 1."""
    content = sys.stdin.buffer.read()
    limit_memory(_MEMORY)
    try:
        try_model(content)
    except BaseException as error:
        print(ascii(one_line(error))[1:-1] or type(error).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
