"""Compiles Kotlin and runs it on the Java VM, with compiler and libraries from PyPI's kotlin-jupyter-kernel."""

import pathlib
import subprocess

import run_kotlin_kernel

JARS = pathlib.Path(run_kotlin_kernel.__path__[0]) / "jars"
LIBRARIES = [str(path) for name in ("kotlin-stdlib", "kotlinx-serialization") for path in JARS.glob(f"{name}-*.jar")]


def compile_kotlin(out, *sources):
    """Compiles files and folders to the folder `out`. Returns what the compiler says."""
    compiler = ["java", "-cp", f"{JARS}/*", "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib", "-no-reflect"]
    options = ["-jvm-target", "17", "-Werror", "-cp", ":".join(LIBRARIES), "-d", str(out)]
    done = subprocess.run([*compiler, *options, *map(str, sources)], capture_output=True, text=True)
    assert bool(done.returncode) == ("error:" in done.stderr), done.stderr
    return done.stderr


def run_java(classes, main, content):
    """Runs the class `main` of a folder on bytes as standard input. Returns standard output."""
    command = ["java", "-cp", ":".join([str(classes), *LIBRARIES]), main]
    return subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True).stdout
