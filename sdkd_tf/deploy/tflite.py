"""Reads untrusted TFLite files safely, and runs them with LiteRT, as a phone does."""

import collections
import hashlib
import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from sdkd_tf.deploy import child
from sdkd_tf.errors import UserError, one_line
from sdkd_tf.files import PathLike

Prediction = collections.namedtuple("Prediction", "probabilities saliency embedding", defaults=(None, None))
SIGNATURE = "serving_default"
_IDENTIFIER, _LARGEST = b"TFL3", (1 << 31) - 1  # bytes of a FlatBuffer
_TRIAL, _SECONDS = "sdkd_tf.deploy.tflite_trial", 60  # time limit for one file
_tried: set[bytes] = set()  # SHA-256 of files that passed the trial


def read(path: PathLike) -> bytes:
    """Reads a .tflite file of unknown origin, after parsing and running it once in a child process.

    Memory and time of the child are limited, so a damaged file crashes the child instead of this process. Content that
    has passed once in this process is not tried again.

    Args:
      path: the file.

    Returns:
      The same bytes that the child read.

    Raises:
      UserError: the file does not exist or is larger than 2 GB, or the child failed.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(f"model {path}: no such file; expected a .tflite file")
    if path.stat().st_size > _LARGEST:
        raise UserError(f"model {path}: is larger than 2 GB; expected a file written by convert.py")
    content = path.read_bytes()
    digest = hashlib.sha256(content).digest()
    if digest not in _tried:
        reason = refusal(content)
        if reason:
            expected = "expected one written by convert.py"
            raise UserError(f"model {path}: is not a usable TFLite file ({reason}); {expected}")
        _tried.add(digest)
    return content


def refusal(content: bytes) -> str | None:
    """Tries the bytes of a .tflite file in a child process. Returns None, or why they are unusable, in one line."""
    if content[4:8] != _IDENTIFIER:
        return f"has no identifier {_IDENTIFIER.decode()}"
    return child.failure(_TRIAL, content, _SECONDS)


def open_interpreter(path: PathLike, threads: int = 1, kernels: OpResolverType = OpResolverType.AUTO) -> Interpreter:
    """Opens a .tflite file with LiteRT and allocates its tensors.

    Args:
      path: the file.
      threads: CPU threads of the interpreter.
      kernels: which kernels to use: by default XNNPACK's where available, otherwise TFLite's own or the reference.

    Raises:
      UserError: see `read`.
    """
    content = read(path)
    try:
        interpreter = Interpreter(model_content=content, num_threads=threads, experimental_op_resolver_type=kernels)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise UserError(f"model {path}: LiteRT cannot read it ({one_line(error)})") from error
    return interpreter


class Classifier:
    """A converted network: maps uint8 pixels to probabilities and, unless the file omits them, map and embedding."""

    def __init__(self, path: PathLike, threads: int = 1, kernels: OpResolverType = OpResolverType.AUTO):
        """Args:
        path: a file written by convert.py.
        threads: CPU threads of the interpreter.
        kernels: see `open_interpreter`.

        Raises:
          UserError: the file does not exist or does not hold a network of this package.
        """
        self._path, self._interpreter = path, open_interpreter(path, threads, kernels)
        try:
            self._runner = self._interpreter.get_signature_runner(SIGNATURE)
        except ValueError as error:
            raise UserError(f"model {path}: has no signature {SIGNATURE}; expected a file of convert.py") from error
        inputs, outputs = (
            {name: (detail["dtype"], tuple(map(int, detail["shape"]))) for name, detail in details.items()}
            for details in (self._runner.get_input_details(), self._runner.get_output_details())
        )
        image, probabilities = inputs.get("image"), outputs.get("probabilities", (None, ()))
        self.input_size = image[1][1] if image and len(image[1]) == 4 else 0
        self.num_classes = probabilities[1][-1] if len(probabilities[1]) == 2 else 0
        self.embedding_size = outputs.get("embedding", (None, (1, 0)))[1][-1]  # 0 without this output
        dtype, shape = outputs.get("saliency", (np.float32, (1, 1, 1, 1)))
        if (
            inputs != {"image": (np.uint8, (1, self.input_size, self.input_size, 3))}
            or probabilities != (np.float32, (1, self.num_classes))
            or (dtype, len(shape), shape[:1], shape[-1:]) != (np.float32, 4, (1,), (1,))
            or outputs.get("embedding", (np.float32, (1, 0))) != (np.float32, (1, self.embedding_size))
            or not set(outputs) <= set(Prediction._fields)
        ):
            raise UserError(
                f"model {path}: does not have the input `image` and the outputs {', '.join(Prediction._fields)};"
                " expected one written by convert.py"
            )
        self.has_saliency = "saliency" in outputs

    def __call__(self, image: np.ndarray) -> Prediction:
        """Classifies one image.

        Args:
          image: uint8 `[input_size, input_size, 3]`, RGB.

        Returns:
          A Prediction: probabilities float32 `[classes]`; the saliency map float32 `[h, w]` in [0, 1], or None; the
          embedding float32 `[size]`, or None.

        Raises:
          UserError: LiteRT fails, which is not expected for files written by convert.py.
        """
        try:
            outputs = self._runner(image=image[None])
        except (ValueError, RuntimeError) as error:
            raise UserError(f"model {self._path}: LiteRT cannot run it ({one_line(error)})") from error
        saliency = outputs["saliency"][0, :, :, 0] if self.has_saliency else None
        embedding = outputs["embedding"][0] if "embedding" in outputs else None
        return Prediction(outputs["probabilities"][0], saliency, embedding)


def read_labels(model_path: PathLike, num_classes: int) -> list[str]:
    """Reads the `labels.txt` next to a model. Raises UserError if it is missing, not text or of the wrong length."""
    path = pathlib.Path(model_path).with_name("labels.txt")
    if not path.is_file():
        raise UserError(f"labels {path}: no such file; expected the labels that convert.py wrote next to the model")
    try:
        labels = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"labels {path}: cannot be read ({error}); expected text in UTF-8") from error
    if len(labels) != num_classes:
        raise UserError(f"labels {path}: has {len(labels)} lines; expected {num_classes}, one per class of the model")
    return labels


def unpack(content: bytes) -> schema.ModelT:
    """Parses the bytes of a .tflite file into an editable object."""
    return schema.ModelT.InitFromPackedBuf(content, 0)


def pack(model: schema.ModelT) -> bytes:
    """Serializes an object from `unpack` to the bytes of a .tflite file."""
    builder = _SharingBuilder(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal numeric vectors only once, which FlatBuffers allows.

    Most of the repeated vectors are zero points of channels, all of them 64-bit zeros, which would take up a tenth of
    the file.
    """

    def __init__(self, size: int):
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]


def float_operators(path: PathLike) -> list[str]:
    """Lists the operators of a .tflite file that compute in float, except QUANTIZE and DEQUANTIZE.

    Returns:
      A sorted list like `["MUL x1", "SUB x2"]`.

    Raises:
      UserError: see `read`.
    """
    return float_operators_of(unpack(read(path)))


def float_operators_of(model: schema.ModelT) -> list[str]:
    """Like `float_operators`, for a parsed file.

    Args:
      model: result of `unpack`.

    Raises:
      ValueError: the model has no operators. A damaged model may raise other errors.
    """
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    if not model.subgraphs or not model.subgraphs[0].operators:
        raise ValueError("has no operators")
    graph = model.subgraphs[0]
    counts: collections.Counter[str] = collections.Counter()
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
        is_float = any(tensor.type == schema.TensorType.FLOAT32 for tensor in tensors)
        if is_float and names.get(kind) not in ("QUANTIZE", "DEQUANTIZE"):
            counts[names.get(kind, str(kind))] += 1
    return [f"{name} x{count}" for name, count in sorted(counts.items())]
