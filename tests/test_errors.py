"""What ends a command ends it with one line."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf

from sdkd_tf.errors import UserError, one_line_errors


def told(action, resumable=False):
    """The exit code or message of a command in which `action` fails."""
    with pytest.raises(SystemExit) as end, one_line_errors(resumable):
        action()
    return end.value.code


def test_a_file_where_a_folder_should_be(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    cases = {
        file: "File exists",
        file / "x": "Not a directory",
        file / "x" / "y": "Not a directory",
        tmp_path / ("a" * 300): "File name too long",
    }
    for path, reason in cases.items():
        line = told(lambda path=path: path.mkdir(parents=True, exist_ok=True))
        assert line.startswith(f"error: {file if 'Not' in reason else path}") and line.endswith(
            f"cannot be read or written ({reason}); expected another path"
        )
    assert told(lambda: tmp_path.write_text("")).startswith(
        f"error: {tmp_path}: cannot be read or written (Is a directory)"
    )


def test_no_permission(tmp_path):
    def refuse():
        raise PermissionError(13, os.strerror(13), str(tmp_path))

    expected = "cannot be read or written (Permission denied); expected a path with permission"
    assert told(refuse) == f"error: {tmp_path}: {expected}"


def test_user_errors_and_others():
    def bad():
        raise UserError("it is bad")

    assert told(bad) == "error: it is bad"

    def bad_in_the_pipeline():
        dataset = tf.data.Dataset.range(1).map(lambda x: tf.numpy_function(lambda _: bad(), [x], tf.int64))
        next(iter(dataset))

    assert told(bad_in_the_pipeline) == "error: it is bad"
    with pytest.raises(ZeroDivisionError), one_line_errors():
        1 / 0  # noqa: B018


@pytest.mark.parametrize("resumable", [True, False])
def test_only_what_can_be_resumed_says_so(resumable, capsys):
    def interrupt():
        raise KeyboardInterrupt

    def fill():
        raise OSError(28, os.strerror(28))

    again = "run the same command again to resume" if resumable else "run the same command again"
    assert told(interrupt, resumable) == 130
    assert capsys.readouterr().err == ("\ninterrupted; " + again + "\n" if resumable else "\ninterrupted\n")
    assert told(fill, resumable) == f"error: the disk is full; free some space and {again}"


def test_output_that_nobody_reads_ends_without_a_trace(tmp_path):
    code = "from sdkd_tf.errors import one_line_errors\nwith one_line_errors():\n    print('x' * 100_000)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 1
    process.stderr.close()
