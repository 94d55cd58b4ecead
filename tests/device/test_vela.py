"""Arm's compiler for Ethos-U accepts the integer file: nothing is left to the processor but the outputs' floats."""

import collections
import subprocess
import sys

import pytest
from ai_edge_litert import schema_py_generated as schema


def operators(path):
    """How often each operator is in a .tflite file."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes]
    return collections.Counter(codes[operator.opcodeIndex] for operator in model.subgraphs[0].operators)


@pytest.fixture(scope="module")
def compiled(converted, tmp_path_factory):
    out = tmp_path_factory.mktemp("vela")
    command = "from ethosu.vela.vela import main; import sys; main(sys.argv[1:])"
    arguments = [converted / "sdkd_int8.tflite", "--accelerator-config=ethos-u55-256", f"--output-dir={out}"]
    done = subprocess.run([sys.executable, "-c", command, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return operators(out / "sdkd_int8_vela.tflite")


def test_what_stays_on_the_processor(compiled, converted):
    before = operators(converted / "sdkd_int8.tflite")
    assert before["CONV_2D"] > 50 and before["DEPTHWISE_CONV_2D"] > 10
    on_processor = {name: count for name, count in compiled.items() if name != "CUSTOM"}
    assert on_processor == {"DEQUANTIZE": 3}  # the floats of the declared outputs
