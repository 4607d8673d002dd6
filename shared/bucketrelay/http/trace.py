"""What is asked and answered, for whoever wants to watch: `-v` of the command line.

A line has the method, the address without its query's values, the status and the length of the answer; no header, as
signatures and session tokens are headers, and no body.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[str], None]] = []


@contextmanager
def watch(listener: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, *listener* is given a line for each request of the process, from whichever thread made it."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def listened() -> bool:
    """Whether anybody wants to be told."""
    return bool(_listeners)


def tell(method: str, origin: str, target: str, outcome: str, seconds: float) -> None:
    """Say that a request has ended.

    Args:
        target: path and query, percent-encoded. The query's values are left out: a signature may be one of them.
        outcome: the status and the length of the answer, or why there was none.
    """
    if not _listeners:
        return
    path, separator, query = target.partition("?")
    names = "&".join(part.partition("=")[0] for part in query.split("&"))
    line = f"{method} {origin}{path}{separator}{names} → {outcome} in {seconds:.3f} s"
    for listener in tuple(_listeners):
        listener(line)
