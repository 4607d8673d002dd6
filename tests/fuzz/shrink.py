"""An input that fails, made smaller while it fails in the same way."""

from collections.abc import Callable, Iterator
from typing import Any

from fuzz.mutate import at, dropped, nodes, replaced

_TRIES = 4000


def smaller(value: Any, fails: Callable[[Any], bool]) -> Any:
    """The smallest that a few thousand tries find."""
    tries = 0
    progress = True
    while progress:
        progress = False
        for candidate in _candidates(value):
            tries += 1
            if tries > _TRIES:
                return value
            if fails(candidate):
                value, progress = candidate, True
                break
    return value


def _candidates(value: Any) -> Iterator[Any]:
    """Simpler ones, the boldest first."""
    for path in nodes(value):
        found = at(value, path)
        if path and not isinstance(at(value, path[:-1]), tuple | str):
            yield dropped(value, path)
        if isinstance(found, str | bytes) and found:
            for cut in _cuts(found):
                yield replaced(value, path, cut)
        elif isinstance(found, list) and len(found) > 1:
            yield replaced(value, path, found[: len(found) // 2])
        elif isinstance(found, int) and not isinstance(found, bool) and abs(found) > 1:
            yield replaced(value, path, found // 2 if found > 0 else -(-found // 2))


def _cuts(found: Any) -> Iterator[Any]:
    size = len(found)
    while size:
        for start in range(0, len(found), size):
            yield found[:start] + found[start + size :]
        size //= 2
