"""The wheel in an environment of its own, far from the source tree: every command on two tiny tasks."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import site
import subprocess
import sys
import time
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TINY = "--input_size=64 --decoder_channels=4 --epochs=1 --batch_size=4 --min_steps=1 --augmentation=light"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    # A copy, so that no build of an earlier state is mixed in.
    out, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "sdkd_tf", source / "sdkd_tf", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, source]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdkd(wheel, tmp_path_factory):
    """A function that runs the installed command in a folder that holds nothing else."""
    root = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv"], check=True)
    (packages,) = (root / "venv" / "lib").glob("*/site-packages")
    # The dependencies are those of this environment, without the package itself, which may be an editable install.
    (packages / "dependencies.pth").write_text("".join(f"{path}\n" for path in site.getsitepackages()))
    python = root / "venv" / "bin" / "python"
    command = [sys.executable, "-m", "pip", f"--python={python}", "install", "-q", "--no-deps", wheel]
    subprocess.run(command, check=True, capture_output=True)
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"HOME": str(root / "home")}

    def run(*arguments, wait=True):
        command = [root / "venv" / "bin" / "sdkd", *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, cwd=elsewhere, env=environment, **streams)
        if not wait:
            return process
        output, errors = process.communicate()
        return process.returncode, output, errors

    run.home = root / "home"
    return run


@pytest.fixture(scope="module")
def trained(sdkd, write_sequence):
    """The run in `~/run`, trained on `~/data`, which the commands find by `~`."""
    write_sequence(sdkd.home / "data")
    code, output, errors = sdkd("train", *TINY.split(), "--data_dir=~/data", "--run_dir=~/run")
    assert code == 0, errors
    return output, errors


def test_the_wheel_holds_the_package_and_its_data_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"sdkd_tf/data/rendered.zip", "sdkd_tf/weights/mobilenet_v2_1.0_224_no_top.npz"} <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert len(tops) == 2 and "sdkd_tf" in tops and wheel.stat().st_size < 60e6


def test_train(sdkd, trained):
    output, errors = trained
    assert "| task2 |" in output and (sdkd.home / "run" / "weights.npz").is_file()
    lines = [
        line
        for line in errors.replace("\r", "\n").splitlines()
        if line.strip() and not re.search(r"/s\]|s/\w+\]|\?it", line)
    ]
    assert not lines  # but for progress bars


def test_report_evaluate_and_inspect(sdkd, trained):
    code, output, errors = sdkd("report", "~/run", "--out_dir=~/plots")
    assert code == 0 and "strategy sdkd, seed 0" in output, errors
    assert (sdkd.home / "plots" / "run" / "accuracy_matrix.png").is_file()
    assert (sdkd.home / "plots" / "run" / "report.html").is_file() and (sdkd.home / "run" / "report.html").is_file()
    code, output, errors = sdkd("evaluate", "~/run", "~/data")
    assert code == 0 and output.splitlines()[2].startswith("| task1 | 4 |"), errors
    code, output, errors = sdkd("inspect", "~/data", "--tasks=task2")
    assert code == 0 and output.splitlines()[-1] == "problems: none", errors


def test_convert_verify_and_predict(sdkd, trained):
    code, output, errors = sdkd("convert", "--run_dir=~/run", "--quantization=ptq")
    assert code == 0 and "| file | sdkd_int8_ptq.tflite |" in output, errors
    files = sdkd.home / "run" / "tflite"
    code, output, errors = sdkd("verify", f"{files}/sdkd_int8_ptq.tflite", "~/run/tflite/golden_ptq")
    assert code == 0 and output.splitlines()[1] == "probabilities: largest difference 0.0000", errors
    image = "~/data/test/task1/thing_01/000.jpg"
    code, output, errors = sdkd("predict", f"--model={files}/sdkd_int8_ptq.tflite", image, "--out_dir=~/out")
    assert code == 0 and "thing_0" in output, errors
    assert (sdkd.home / "out" / "predictions.png").is_file()


def test_compare(sdkd, trained):
    (sdkd.home / "base.flags").write_text("\n".join([*TINY.split(), "--data_dir=~/data"]))
    arms = ["--arm=a: --strategy=finetune", "--cell=0: --seed=0 --max_tasks=1"]
    code, output, errors = sdkd("compare", "--base=~/base.flags", "--out_dir=~/comparison", *arms)
    assert code == 0 and "| a |" in output, errors
    assert (sdkd.home / "comparison" / "runs.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize(
    "command", ["train", "convert", "predict", "evaluate", "inspect", "compare", "report", "verify"]
)
def test_help(sdkd, command):
    code, output, errors = sdkd(command, "--help")
    assert f"usage: sdkd {command}" in output and not errors and code in (0, 1)


def test_commands_are_listed_and_others_refused(sdkd):
    code, output, _ = sdkd()
    assert code == 0 and all(f"  {name} " in output for name in ("train", "convert", "predict", "verify"))
    code, _, errors = sdkd("fly")
    assert code == 1 and errors.startswith("error: sdkd has no command 'fly'; expected one of train, convert")


def test_errors_are_one_line(sdkd):
    for arguments, message in (
        (("train",), "error: --run_dir is missing; expected a directory to write to"),
        (("train", "--run_dir=x", "--epochs=-1"), "error: --epochs=-1: expected int >= 0"),
        (("report", "nowhere"), "error: nowhere/results.json: no such file; expected the directory of a finished run"),
    ):
        code, output, errors = sdkd(*arguments)
        assert code == 1 and errors.startswith(message) and errors.count("\n") == 1 and not output


def test_ctrl_c_ends_with_one_line_that_says_how_to_resume(sdkd, trained):
    # With so many epochs, the run is not finished if only a later interrupt arrives.
    options = [*TINY.split(), "--epochs=1000", "--data_dir=~/data", "--run_dir=~/interrupted"]
    process = sdkd("train", *options, wait=False)
    deadline = time.monotonic() + 120
    while not (sdkd.home / "interrupted" / "flags.flags").is_file() and time.monotonic() < deadline:
        time.sleep(0.2)
    for _ in range(3):  # Python ignores an interrupt that arrives while an object is deleted
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
            break
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in errors
    assert errors.strip().splitlines()[-1] == "interrupted; run the same command again to resume"
