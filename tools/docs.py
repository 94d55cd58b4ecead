"""Updates the generated tables in README.md and docs/: python -m tools.docs

A table is placed between `<!-- generated: NAME -->` and `<!-- end -->`; NAME is a key of `TABLES`.
"""

import pathlib
import re
from collections.abc import Callable

import msgspec

from sdkd_tf.config import option_classes
from sdkd_tf.options import Option, declared_options
from sdkd_tf.reporting.compare import read_records
from sdkd_tf.reporting.comparison_tables import Record, by_cell, paired_table, scores_table
from sdkd_tf.reporting.tables import markdown
from sdkd_tf.strategies import STRATEGIES

ROOT = pathlib.Path(__file__).parents[1]
FILES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def records(experiment: str) -> list[Record]:
    """Reads the recorded runs of `experiments/<experiment>`."""
    return list(read_records(ROOT / "experiments" / experiment / "runs.jsonl").values())


def flags_table() -> str:
    """All options by class: type, range, default, help."""
    parts = []
    known: set[tuple[str, str]] = set()
    for kind in option_classes():
        new = [option for option in declared_options(kind) if (option.name, str(option.default)) not in known]
        known |= {(option.name, str(option.default)) for option in new}
        if new:
            rows = [[f"`--{option.name}`", _type(option), _default(option), option.help] for option in new]
            parts.append(
                f"{(kind.__doc__ or '').strip().splitlines()[0]}\n\n" + markdown(["flag", "type", "default", ""], rows)
            )
    return "\n\n".join(parts)


def strategies_table() -> str:
    """All strategies: class, first line of the docstring, options."""
    rows = []
    shared = {option.name for option in declared_options(STRATEGIES["finetune"].Options)}
    for name, strategy in STRATEGIES.items():
        what = (strategy.__doc__ or "").strip().splitlines()[0]
        options = [f"`{o.name}`" for o in declared_options(strategy.Options) if o.name not in shared]
        module = strategy.__module__.rpartition(".")[2]
        rows.append([f"`{name}`", f"`{module}.{strategy.__name__}`", what, ", ".join(options) or "–"])
    return markdown(["`--strategy=`", "class", "", "options"], rows)


def _type(option: Option) -> str:
    kind, inspect = option.kind, msgspec.inspect
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(f"`{value}`" for value in kind.values)
    if isinstance(kind, inspect.VarTupleType):
        return "list"
    names = {inspect.BoolType: "true or false", inspect.IntType: "integer", inspect.FloatType: "number"}
    text = next((name for of, name in names.items() if isinstance(kind, of)), "text")
    limits = {"ge": "≥", "gt": ">", "le": "≤"}
    bounds = [
        f"{sign} {getattr(kind, name):.10g}" for name, sign in limits.items() if getattr(kind, name, None) is not None
    ]
    return ", ".join([text, *bounds])


def _default(option: Option) -> str:
    if option.default in (None, "", ()):
        return ""
    return f"`{str(option.default).lower() if isinstance(option.default, bool) else option.default}`"


def columns(table: str, names: tuple[str, ...]) -> str:
    """Some columns of a Markdown table, after its first one."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    kept = [0, *(rows[0].index(name) for name in names)]
    chosen = [[row[place] for place in kept] for row in rows]
    return markdown(chosen[0], chosen[2:])


def methods_in_every_cell(records: list[Record]) -> list[Record]:
    """The records of the arms that were trained in all cells, without variants of the first one: `SDKD, no masks`."""
    found = by_cell(records, lambda record: record)
    cells, variant = {record.cell for record in records}, f"{records[0].arm}, "
    return [r for r in records if found[r.arm].keys() == cells and not r.arm.startswith(variant)]


TABLES: dict[str, Callable[[], str]] = {
    "main": lambda: scores_table(records("main")),
    "main, short": lambda: columns(
        scores_table(methods_in_every_cell(records("main"))), ("accuracy", "forgetting", "kept, MB", "CPU time")
    ),
    "main, differences": lambda: paired_table(records("main"), "test"),
    "defaults": lambda: scores_table(records("default")),
    "styles": lambda: scores_table(records("styles")),
    "decoders": lambda: scores_table(records("decoders")),
    "new objects": lambda: scores_table(records("new_objects")),
    "flags": flags_table,
    "strategies": strategies_table,
}


def filled_in(text: str) -> str:
    """Returns a document with updated tables."""

    def renew(match: re.Match) -> str:
        return f"<!-- generated: {match[1]} -->\n{TABLES[match[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- generated: (.+?) -->\n.*?<!-- end -->", renew, text, flags=re.DOTALL)


def main() -> None:
    """Updates the tables in all documents."""
    for path in FILES:
        path.write_text(filled_in(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
