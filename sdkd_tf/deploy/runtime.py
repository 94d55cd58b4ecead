"""Runs a .tflite file with LiteRT, as a phone would."""

import collections

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from sdkd_tf.deploy.flatbuffer import read
from sdkd_tf.errors import UserError

Prediction = collections.namedtuple("Prediction", "probabilities saliency")


def open_interpreter(path, threads=1):
    """Opens a .tflite file with LiteRT, ready to run.

    Args:
      path: the file; from anywhere, since it is verified before LiteRT sees it.
      threads: CPU threads of the interpreter.

    Raises:
      UserError: there is no such file or it is no TFLite file of the kind that convert.py writes.
    """
    content, _ = read(path)
    try:
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise UserError(f"model {path}: LiteRT cannot read it ({' '.join(str(error).split())})") from error
    return interpreter


class Classifier:
    """A converted network: uint8 pixels in, probabilities and, unless the file leaves it out, the saliency map out."""

    def __init__(self, path, threads=1):
        """Args:
        path: a file written by convert.py.
        threads: CPU threads of the interpreter.

        Raises:
          UserError: there is no such file or it is no network of this package.
        """
        self._path, self._interpreter = path, open_interpreter(path, threads)
        try:
            self._runner = self._interpreter.get_signature_runner("serving_default")
        except ValueError as error:
            raise UserError(f"model {path}: has no signature serving_default; expected convert.py's") from error
        inputs, outputs = (
            {name: (detail["dtype"], tuple(map(int, detail["shape"]))) for name, detail in details.items()}
            for details in (self._runner.get_input_details(), self._runner.get_output_details())
        )
        image, probabilities = inputs.get("image"), outputs.get("probabilities", (None, ()))
        self.input_size = image[1][1] if image and len(image[1]) == 4 else 0
        self.num_classes = probabilities[1][-1] if len(probabilities[1]) == 2 else 0
        dtype, shape = outputs.get("saliency", (np.float32, (1, 1, 1, 1)))
        if (
            inputs != {"image": (np.uint8, (1, self.input_size, self.input_size, 3))}
            or probabilities != (np.float32, (1, self.num_classes))
            or (dtype, len(shape), shape[:1], shape[-1:]) != (np.float32, 4, (1,), (1,))
            or not set(outputs) <= set(Prediction._fields)
        ):
            raise UserError(
                f"model {path}: has no input `image` and outputs `probabilities`, `saliency`; expected convert.py's"
            )
        self.has_saliency = "saliency" in outputs

    def __call__(self, image):
        """Classifies one image.

        Args:
          image: uint8 `[input_size, input_size, 3]`, RGB.

        Returns:
          A Prediction: probabilities float32 `[classes]`, and the saliency map float32 `[h, w]` in [0, 1] or None.

        Raises:
          UserError: the file computes what cannot be computed, which convert.py's do not.
        """
        try:
            outputs = self._runner(image=image[None])
        except RuntimeError as error:
            raise UserError(f"model {self._path}: LiteRT cannot run it ({' '.join(str(error).split())})") from error
        saliency = outputs["saliency"][0, :, :, 0] if self.has_saliency else None
        return Prediction(outputs["probabilities"][0], saliency)


def float_operators(path):
    """Lists the operators of a .tflite file that compute in float, without those that only (de)quantize.

    Args:
      path: the file.

    Returns:
      A sorted list like `["MUL x1", "SUB x2"]`.

    Raises:
      UserError: see `flatbuffer.read`.
    """
    _, model = read(path)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    graph = model.subgraphs[0]
    counts = collections.Counter()
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
        if name not in ("QUANTIZE", "DEQUANTIZE") and any(t.type == schema.TensorType.FLOAT32 for t in tensors):
            counts[name] += 1
    return [f"{name} x{count}" for name, count in sorted(counts.items())]
