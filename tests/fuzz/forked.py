"""Runs modules as `child.failure` does, each time in a fork of a process that has imported them: a start costs milliseconds."""

import importlib
import io
import multiprocessing
import os
import sys
import tempfile

from sdkd_tf.deploy import child

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["sdkd_tf.deploy.tflite_trial"])


def failure(module, content, seconds):
    """As `child.failure`, of a module with a function `main` that returns an exit code."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "output")
        process = _context.Process(target=_run, args=(module, content, output), daemon=True)
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            return f"takes more than {seconds:g} s"
        with open(output, "rb") as file:
            return child.reason(process.exitcode, file.read())


def _run(module, content, output):
    for target, path in ((1, output), (2, os.devnull)):  # the C++ part of LiteRT writes to them as well
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), target)
    sys.stdin = io.TextIOWrapper(io.BytesIO(content))
    sys.exit(importlib.import_module(module).main())
