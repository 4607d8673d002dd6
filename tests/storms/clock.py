"""Things to be done at their time, in one thread."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Clock:
    """A context manager; what it calls must be quick."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._ready = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def at(self, due: float, do: Callable[[], object]) -> None:
        """Have it done at *due*, on the monotonic clock."""
        with self._ready:
            heapq.heappush(self._heap, (due, next(self._numbers), do))
            self._ready.notify()

    def __enter__(self) -> "Clock":  # noqa: PYI034  # typing has Self from Python 3.11 only
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._ready:
            self._open = False
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while (do := self._next()) is not None:
            do()

    def _next(self) -> Callable[[], object] | None:
        with self._ready:
            while self._open:
                left = self._heap[0][0] - time.monotonic() if self._heap else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._heap)[2]
                self._ready.wait(left)
            return None
