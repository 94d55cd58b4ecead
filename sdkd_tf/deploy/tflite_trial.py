"""Reads and runs a .tflite file of unknown origin once: `python -m sdkd_tf.deploy.tflite_trial < FILE`.

To be run in a child process, see `tflite.read`: whatever the file does, it does it there first.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from sdkd_tf.child import limit_memory
from sdkd_tf.deploy import tflite

_MEMORY = 2 << 30  # bytes beyond what the interpreter and the file need to start


def try_model(content: bytes) -> None:
    """Does with a file's bytes all that the package does with them. Raises all sorts of errors, or crashes."""
    tflite.float_operators_of(tflite.unpack(content))
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    for detail in interpreter.get_output_details():
        interpreter.get_tensor(detail["index"])
    for name in interpreter.get_signature_list():  # LiteRT finds the tensors of a signature in another way
        runner = interpreter.get_signature_runner(name)
        details = runner.get_input_details()
        runner(**{name: np.zeros(detail["shape"], detail["dtype"]) for name, detail in details.items()})
        runner.get_output_details()


def main() -> int:
    """Tries what standard input holds; prints why it cannot be used and returns 1 if so."""
    content = sys.stdin.buffer.read()
    limit_memory(_MEMORY)
    try:
        try_model(content)
    except BaseException as error:
        print(ascii(" ".join(str(error).split()))[1:-1] or type(error).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
