"""What ends a command ends it with one line."""

import os

import pytest

from sdkd_tf.errors import UserError, one_line_errors


def told(action):
    """The line that a command ends with when `action` fails in it."""
    with pytest.raises(SystemExit) as end, one_line_errors():
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
    with pytest.raises(ZeroDivisionError), one_line_errors():
        1 / 0  # noqa: B018
