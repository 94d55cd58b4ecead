"""The generated tables in README and docs are current, and what the documents name exists."""

import pathlib
import re
from types import SimpleNamespace

import pytest

from tools import docs


@pytest.mark.parametrize("path", docs.FILES, ids=lambda path: path.name)
def test_generated_tables_are_current(path):
    text = path.read_text(encoding="utf-8")
    assert docs.filled_in(text) == text, "run: make docs"


def test_every_table_is_used():
    text = "".join(path.read_text(encoding="utf-8") for path in docs.FILES)
    assert set(re.findall(r"<!-- generated: (.+?) -->", text)) == set(docs.TABLES)


@pytest.mark.parametrize("path", [*docs.FILES, docs.ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    for target in targets:
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_readme_is_short_and_wrapped():
    text = pathlib.Path(docs.ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) < 900
    assert all(len(line) <= 120 or line.startswith(("|", "!")) for line in text.splitlines())


def test_columns_of_a_table():
    table = "|  | a | b |\n| --- | --- | --- |\n| x | 1 | 2 |\n| y | 3 | 4 ± 5 |"
    assert docs.columns(table, ("b",)) == "|  | b |\n| --- | --- |\n| x | 2 |\n| y | 4 ± 5 |"


def test_the_short_table_has_the_methods_of_all_cells():
    runs = [("a", "0"), ("b", "0"), ("a, no c", "0"), ("a", "1"), ("c", "1"), ("b", "1"), ("a, no c", "1")]
    made = [SimpleNamespace(arm=arm, cell=cell) for arm, cell in runs]
    found = [(record.arm, record.cell) for record in docs.methods_in_every_cell(made)]
    assert found == [("a", "0"), ("b", "0"), ("a", "1"), ("b", "1")]
