"""An import inside a function says why it is there: most spare a cold start, or an extra that is not installed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LATE = re.compile(r"^(?!import |from ).*\bimport\b", re.MULTILINE)  # no import inside a function is without such a line


def silent(source: str) -> Iterator[int]:
    """The lines at which a function begins to import, without a comment there or right above."""
    lines = source.splitlines()
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for run in runs(function):
                about = lines[run[0].lineno - 2 : run[-1].end_lineno]
                if not any("#" in line for line in about):
                    yield run[0].lineno


def runs(function: ast.AST) -> Iterator[list[ast.stmt]]:
    """Imports that stand together in the function, one below the other."""
    run: list[ast.stmt] = []
    imports = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in sorted(imports, key=lambda node: node.lineno):
        if run and node.lineno != (run[-1].end_lineno or 0) + 1:
            yield run
            run = []
        run.append(node)
    if run:
        yield run


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f():\n    import ssl\n", [2]),
        ("def f():\n    import ssl  # 20 ms\n", []),
        ("def f():\n    # 20 ms, both\n    import ssl\n    import json\n", []),
        ("def f():\n    import ssl  # 20 ms\n    import json\n", []),
        ("def f():\n    import ssl  # 20 ms\n    if f:\n        import json\n", [4]),
        ("import ssl\n", []),
    ],
)
def test_a_late_import_without_a_reason_is_noticed(source, lines):
    assert list(silent(source)) == lines
    assert LATE.search(source) or not lines


def test_every_late_import_says_why():
    assert [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("shared", "functions", "deploy")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "testing/contract" not in path.as_posix()  # tests
        for source in [path.read_text(encoding="utf-8")]
        if LATE.search(source)  # parsing all that has no such line takes longer than all else
        for line in silent(source)
    ] == []
