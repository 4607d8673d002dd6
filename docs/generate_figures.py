# ruff: noqa: INP001 - a script, no package
"""Prints the figures of docs/decisions/0016-the-house.md: lines, files, functions and classes of the product.

python docs/generate_figures.py

Duplicates are not among them: pairs of places that share six lines or more are found by hand.
"""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "shared" / "bucketrelay"
VALUES = {"model.py", "store.py", "errors.py", "abilities.py", "bodies.py"}
APART = {"rclone", "crypt4gh"}  # which the first figures did not count


def _reading() -> object:
    spec = importlib.util.spec_from_file_location("test_reading", ROOT / "tests" / "house" / "test_reading.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


READING = _reading()


def of(files: Iterable[Path]) -> list[str]:
    """The figures of some files, in the order of the table's rows."""
    texts = [path.read_text(encoding="utf-8") for path in files]
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    lines = sum(map(READING.code_lines, texts))
    lengths = sorted(length(node) for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    middle, most = lengths[len(lengths) // 2], lengths[len(lengths) * 9 // 10]
    silenced = sum(len(re.findall(r"# noqa|# type: ignore", text)) for text in texts)
    return [
        f"{lines:,}",
        f"{len(texts)}",
        f"{middle}, {most}, {lengths[-1]}",
        f"{sum(isinstance(node, ast.ClassDef) for node in nodes)}",
        f"{1000 * silenced / lines:.1f}",
    ]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without its docstring."""
    words = function.body[0] if ast.get_docstring(function) else None
    return function.end_lineno - function.lineno + 1 - (words.end_lineno - words.lineno + 1 if words else 0)


def lines() -> Iterator[str]:
    """The page's rows."""
    every = sorted(PACKAGE.rglob("*.py"))
    rooms = {path: path.relative_to(PACKAGE).parts for path in every}
    clouds = [path for path in every if rooms[path][0] in {"clouds", "http"} and APART.isdisjoint(rooms[path])]
    core = [path for path in every if rooms[path][0] == "core" or (len(rooms[path]) == 1 and path.name in VALUES)]
    names = ("lines of code", "files", "functions: median, 90 of 100, longest", "classes", "silenced, of 1,000 lines")
    yield "| | all | clouds and HTTP | the core and its values |"
    yield "|---|--:|--:|--:|"
    yield from (f"| {' | '.join(row)} |" for row in zip(names, of(every), of(clouds), of(core), strict=True))
    path_lines = sum(READING.code_lines((PACKAGE / path).read_text(encoding="utf-8")) for path in READING.PATH)
    yield f"| the reading path | {path_lines} | | |"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in lines()))
