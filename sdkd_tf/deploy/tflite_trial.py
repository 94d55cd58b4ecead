"""Opens, allocates and runs a .tflite file of unknown origin once: `python -m sdkd_tf.deploy.tflite_trial < FILE`.

To be run in a child process, see `tflite.read`: whatever the file does, it does it there first.
"""

import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from sdkd_tf.child import limit_memory

_MEMORY = 2 << 30  # bytes beyond what the interpreter needs to start


def try_model(content: bytes) -> None:
    """Parses the bytes as the package does, then runs the model on zeros. Raises all sorts of errors, or crashes."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if not model.subgraphs or not model.subgraphs[0].operators:
        raise ValueError("has no graph")
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    for detail in interpreter.get_output_details():
        interpreter.get_tensor(detail["index"])


if __name__ == "__main__":
    limit_memory(_MEMORY)
    try:
        try_model(sys.stdin.buffer.read())
    except BaseException as error:
        print(" ".join(str(error).split()) or type(error).__name__)
        sys.exit(1)
