"""Turns options, which are declared as fields of frozen dataclasses, into absl flags and flags into option values.

A field is annotated with `about(...)`: its help text and its range.
"""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from absl import flags
from msgspec import Meta

from sdkd_tf.errors import UserError
from sdkd_tf.files import read_text


def about(description: str, path: bool = False, research: bool = False, **limits: float) -> Meta:
    """Describes an option.

    Args:
      description: the help text.
      path: whether it is a path, in which `~` is expanded.
      research: whether it is meant for research, and thus left out of a command's short help.
      **limits: the range, as in `msgspec.Meta`.
    """
    return Meta(description=description, extra={"path": path, "research": research}, **limits)  # type: ignore[call-overload]


@dataclasses.dataclass(frozen=True)
class Option:
    """One option, as declared in its dataclass."""

    name: str
    kind: msgspec.inspect.Type
    default: Any
    help: str
    extra: dict[str, Any]


def declared_options(kind: type) -> list[Option]:
    """Lists the options that a dataclass declares or inherits."""
    options = []
    for field in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]
        inner = field.type.type
        if isinstance(inner, msgspec.inspect.UnionType):  # `type | None`
            inner = inner.types[0]
        text = field.type.extra_json_schema["description"]
        options.append(Option(field.name, inner, field.default, text, field.type.extra))
    return options


def define_option(option: Option, flag_values: flags.FlagValues, module: str) -> None:
    """Defines the flag of one option, registered for a module. Ranges are checked by `make_options`."""
    kind, inspect = option.kind, msgspec.inspect
    if isinstance(kind, inspect.BoolType):
        flags.DEFINE_flag(flags.BooleanFlag(option.name, option.default, option.help), flag_values, module)
        return
    parser: flags.ArgumentParser = flags.ArgumentParser()
    serializer: flags.ArgumentSerializer = flags.ArgumentSerializer()
    if isinstance(kind, inspect.LiteralType):
        parser = flags.EnumParser(list(kind.values))
    elif isinstance(kind, inspect.IntType):
        parser = flags.IntegerParser()
    elif isinstance(kind, inspect.FloatType):
        parser = flags.FloatParser()
    elif isinstance(kind, inspect.VarTupleType):
        parser, serializer = flags.ListParser(), flags.ListSerializer(",")
    default = list(option.default) if isinstance(option.default, tuple) else option.default
    flags.DEFINE(parser, option.name, default, option.help, flag_values, serializer, module)


def read_flagfiles(arguments: Sequence[str], above: Sequence[str] = ()) -> list[str]:
    """Replaces each `--flagfile=FILE` by the flags in the file.

    absl would read the file in the encoding of the locale, and fail at a byte order mark.

    Args:
      arguments: command line arguments.
      above: paths of the flagfiles that contain these arguments.

    Returns:
      The arguments without `--flagfile`.

    Raises:
      UserError: a flagfile cannot be read, or includes itself.
    """
    found: list[str] = []
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument in ("--flagfile", "-flagfile") and left:
            argument = f"{argument}={left.pop(0)}"
        match = re.fullmatch("--?flagfile=(.+)", argument)
        if argument == "--":  # no flags follow
            return [*found, argument, *left]
        if not match:
            found.append(argument)
            continue
        path = os.path.expanduser(match[1])
        if path in above:
            raise UserError(f"--flagfile={path}: includes itself; expected a file with other flags")
        try:
            lines = [line.strip() for line in read_text(path).splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(
                f"--flagfile={path}: cannot be read ({reason}); expected flags in UTF-8, one per line"
            ) from error
        flags_in_it = [line for line in lines if line and not line.startswith(("#", "//"))]
        found += read_flagfiles(flags_in_it, (*above, path))
    return found


def make_options(kind: type, given: Mapping[str, Any]) -> Any:
    """Makes an instance of an option class from given values.

    Args:
      kind: the option class.
      given: name -> value; None means the default. Names that the class does not declare are ignored.

    Raises:
      UserError: a value has the wrong type or is out of range.
    """
    values = {}
    for option in declared_options(kind):
        value = given.get(option.name)
        if value is None:
            continue
        if option.extra.get("path"):
            value = os.path.expanduser(str(value))
        try:
            converted: Any = msgspec.convert({option.name: value}, kind, strict=False)
        except msgspec.ValidationError as error:
            expected = str(error).split(" - at ")[0].replace("`", "").removeprefix("Expected ")
            if isinstance(option.kind, msgspec.inspect.LiteralType):
                expected = f"one of {', '.join(map(str, option.kind.values))}"
            raise UserError(f"--{option.name}={given[option.name]}: expected {expected}") from error
        values[option.name] = getattr(converted, option.name)
    return kind(**values)
