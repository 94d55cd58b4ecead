"""JSON files from anywhere: what is read has the form that the reader expects, or the file is refused."""

import json
import pathlib

from sdkd_tf.errors import UserError

_LARGEST = 1e300  # beyond, numbers do not fit into floating point
_NAMES = {float: "a number", int: "a whole number", str: "text", bool: "true or false", dict: "an object", None: "null"}


def read_json(path, form, writer):
    """Reads a JSON file.

    Args:
      path: the file.
      form: what it must hold: `float` (any finite number), `int`, `str`, `bool`, `dict` (any object) or None; `[form]`, a list;
        `{"name": form, ...}`, an object with at least these, of which None may be missing; `{str: form}`, one with any names;
        `(form, form)`, either.
      writer: what writes such files, for the message.

    Returns:
      What it holds.

    Raises:
      UserError: the file cannot be read, is no JSON, or holds something else.
    """
    try:
        value = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: is no JSON ({error}); expected a file written by {writer}") from error
    problem = _problem(value, form, "")
    if problem:
        raise UserError(f"{path}: {problem}, as in a file written by {writer}")
    return value


def _problem(value, form, place):
    """None, or what is wrong first and what was expected."""
    if isinstance(form, tuple):
        problems = [_problem(value, choice, place) for choice in form]
        return None if None in problems else problems[0]
    if isinstance(form, list):
        if not isinstance(value, list):
            return f"{_where(place)} is {_shown(value)}; expected a list"
        parts = [(item, form[0], f"{place}[{index}]") for index, item in enumerate(value)]
    elif isinstance(form, dict):
        if not isinstance(value, dict):
            return f"{_where(place)} is {_shown(value)}; expected an object"
        if str in form:
            parts = [(item, form[str], f"{place}.{name}") for name, item in value.items()]
        else:
            parts = [(value.get(name), part, f"{place}.{name}") for name, part in form.items()]
    else:
        return None if _is(value, form) else f"{_where(place)} is {_shown(value)}; expected {_NAMES[form]}"
    return next((problem for problem in (_problem(*part) for part in parts) if problem), None)


def _is(value, form):
    if form is None:
        return value is None
    if form in (int, float):
        fits = isinstance(value, int) or (form is float and isinstance(value, float))
        return fits and not isinstance(value, bool) and -_LARGEST < value < _LARGEST
    return isinstance(value, form)


def _where(place):
    return ascii(place.removeprefix("."))[1:-1] if place else "the whole"


def _shown(value):
    text = "missing or null" if value is None else ascii(value)
    return text if len(text) < 40 else f"{text[:40]}..."
