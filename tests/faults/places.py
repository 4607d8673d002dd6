"""Where in the code the interpreter may hold a value that has no name. When in doubt, it may."""

import ast
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType, FrameType

_COMPOUND = (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.FunctionDef)
_COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def statement(code: CodeType, line: int) -> int:
    """The first line of the statement that *line* of *code* is in."""
    return _where(code, line)[0]


def hides(frame: FrameType) -> bool:
    """Whether a value without a name may be alive in *frame*, for what can be seen from its place alone."""
    return _where(frame.f_code, frame.f_lineno)[1]


@lru_cache(maxsize=100_000)
def _where(code: CodeType, line: int) -> tuple[int, bool]:
    """The first line of the innermost statement at *line*, and whether something may hide there."""
    if code.co_name in ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"):
        return line, True  # the list so far
    way = [node for node in _statements(code.co_filename) if node.lineno <= line <= (node.end_lineno or line)]
    inside = [node for node in way if node.lineno >= code.co_firstlineno]  # a decorator's line is the function's first
    last = max(inside, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
    hidden = any(_holds(node, line) for node in inside) or _holds_more(last)
    return last.lineno, hidden


@cache
def _statements(file: str) -> tuple[ast.stmt, ...]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _holds(node: ast.stmt, line: int) -> bool:
    """Whether *node*, which has *line* inside, holds something for as long as it lasts."""
    if isinstance(node, ast.For):
        # The loop's variable tells where a range is; of any other iterator the rest is unknown.
        return not (
            isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range"
        )
    if isinstance(node, ast.With):
        unnamed = any(item.optional_vars is None for item in node.items)
        return unnamed or line < node.body[0].lineno  # entering or leaving, perhaps with a value to be returned
    if isinstance(node, ast.Try):
        return bool(node.finalbody) and line >= node.finalbody[0].lineno  # a value to be returned
    return isinstance(node, ast.AsyncFor | ast.AsyncWith | ast.Match)


def _holds_more(node: ast.stmt) -> bool:
    """Whether a simple statement has a comprehension: what it has gathered so far has no name."""
    return not isinstance(node, _COMPOUND) and any(isinstance(part, _COMPREHENSION) for part in ast.walk(node))
