"""Which lines of the product an input reaches, and from which: what is new is worth keeping."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fuzz.target import PRODUCT, ROOT


class Coverage:
    """Edges between lines, by `sys.settrace`: slow, and there on every Python that we support."""

    def __init__(self) -> None:
        self.edges: set[tuple[CodeType, int, int]] = set()
        self._last = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what is reached meanwhile, in this thread."""
        before = sys.gettrace()
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)

    def _called(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PRODUCT):
            return None
        return self._traced

    def _traced(self, frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            self.edges.add((frame.f_code, self._last, frame.f_lineno))
            self._last = frame.f_lineno
        return self._traced

    def lines(self) -> dict[str, set[int]]:
        """The lines that were reached, by file."""
        found: dict[str, set[int]] = {}
        for code, _, line in self.edges:
            found.setdefault(code.co_filename, set()).add(line)
        return found


def page(reached: dict[str, set[int]]) -> Iterator[str]:
    """For each file how many of the lines inside of its functions were reached."""
    for name in sorted(reached):
        possible = set(_inside(compile(Path(name).read_text(), name, "exec")))
        met = len(reached[name] & possible)
        shown = Path(name).relative_to(ROOT / "shared")
        yield f"{met * 100 // max(1, len(possible)):4} %  {met:4} of {len(possible):4}  {shown}"


def _inside(code: CodeType) -> Iterator[int]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            # The first line of a function is its `def`, and of a class its body, which runs at import.
            if inner.co_flags & 2:  # CO_NEWLOCALS: a function
                yield from (line for *_, line in inner.co_lines() if line and line != inner.co_firstlineno)
            yield from _inside(inner)
