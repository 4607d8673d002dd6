"""Which modules of ours a handler can come to import: from what it imports, what they do, and so on.

Not a list of what to leave out: each command that is added for people at a terminal would have to be put on it.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

OURS = "bucketrelay"


def reach(handler: Path, shared: Path, wanted: Callable[[str], bool]) -> set[Path]:
    """The files below *shared* that *handler* can import, but for modules that are not *wanted*."""
    found: set[str] = set()
    pending = [*_imports(handler)]
    while pending:
        module = pending.pop()
        if module in found or not wanted(module) or not (path := _file(module, shared)):
            continue
        found.add(module)
        if "." in module:
            pending.append(module.rpartition(".")[0])  # importing a module imports the package that it is in
        pending += _imports(path)
    return {path for module in found if (path := _file(module, shared))}


def _imports(path: Path) -> tuple[str, ...]:
    """Our modules that *path* imports. Of `from a import b` both `a` and `a.b`: b may be a module, or a name in a."""
    return _modules(path.read_bytes(), path.name)


@cache  # who builds several archives parses the core once
def _modules(source: bytes, name: str) -> tuple[str, ...]:
    return tuple(_names(ast.parse(source, name)))


def _names(tree: ast.AST) -> Iterator[str]:
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.partition(".")[0] == OURS)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == OURS:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        pending += ast.iter_child_nodes(node)


def _file(module: str, shared: Path) -> Path | None:
    place = shared.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)
