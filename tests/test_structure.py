"""The package stays small enough to be read: limits on its size, and no import cycles."""

import ast
import graphlib
import pathlib

import sdkd_tf

PACKAGE = pathlib.Path(sdkd_tf.__file__).parent
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def docstring_lines(tree):
    """The line numbers of all docstrings."""
    documented = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS))]
    strings = [node.body[0] for node in documented if ast.get_docstring(node, clean=False) is not None]
    return {number for string in strings for number in range(string.lineno, string.end_lineno + 1)}


def code_lines(source):
    """Number of lines that are neither blank nor a comment nor part of a docstring."""
    left_out = docstring_lines(ast.parse(source))
    lines = enumerate(map(str.strip, source.splitlines()), 1)
    return sum(bool(line) and not line.startswith("#") and number not in left_out for number, line in lines)


def test_lines_of_code_are_counted():
    assert (
        code_lines(
            '"""Two\nlines."""\n\nx = 1  # one\n\n\ndef f():\n    """Doc."""\n    # why\n    return (\n        x\n    )\n'
        )
        == 5
    )


def test_the_package_is_small():
    assert sum(map(code_lines, SOURCES.values())) <= 6500
    assert len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]) <= 18


def test_files_and_functions_are_short():
    assert [path for path, source in SOURCES.items() if len(source.splitlines()) > 300] == []
    functions = [
        (node.end_lineno - node.lineno + 1, f"{path}: {node.name}")
        for path, source in SOURCES.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, FUNCTIONS)
    ]
    assert [name for lines, name in functions if lines > 60] == []


def test_no_import_cycles():
    modules = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in SOURCES}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    imports = {}
    for name, path in modules.items():
        nodes = [node for node in ast.walk(ast.parse(SOURCES[path])) if isinstance(node, ast.ImportFrom)]
        found = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names} | {n.module for n in nodes}
        # A package's own modules import it by being imported, which is no cycle.
        imports[name] = {other for other in found & set(modules) if not name.startswith(f"{other}.") and other != name}
    assert len(imports["sdkd_tf.training"]) > 10
    tuple(graphlib.TopologicalSorter(imports).static_order())  # raises CycleError
