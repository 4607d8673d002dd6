"""How many threads move the parts of one object: more for as long as more make it faster. Pure."""

import time
from collections.abc import Callable

FIRST = 4  # threads that every object in parts may have: to a store nearby they are as fast as more, and cost less
_PAYS = 1.2  # times as fast: less is no reason to have twice as many


class Width:
    """Of one object; its caller keeps threads apart.

    Each thread more costs CPU, as they have one interpreter, and only where each waits for its server do more of them
    bring anything. So their number is doubled, and halved again where that has not made it a fifth faster: no second
    try is made then. Bytes a second are counted over as many parts as there are threads.
    """

    __slots__ = ("_before", "_bytes", "_done", "_growing", "_most", "_now", "_since", "threads")

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        """Args: most: threads that there could be at all."""
        self.threads, self._most, self._now = min(FIRST, most), most, now
        self._growing = self.threads < most
        self._before = 0.0  # bytes a second of half as many threads
        self.begin()

    def begin(self) -> None:
        """The parts begin, or those that all of `threads` move."""
        self._since, self._done, self._bytes = self._now(), 0, 0

    def note(self, size: int) -> None:
        """A part of *size* bytes has arrived: `threads` says how many there should be from now on."""
        if not self._growing:
            return
        self._done, self._bytes = self._done + 1, self._bytes + size
        if self._done < self.threads:
            return
        rate = self._bytes / max(self._now() - self._since, 1e-6)
        if rate < _PAYS * self._before:
            self.threads, self._growing = max(FIRST, self.threads // 2), False
            return
        self.threads, self._growing = min(2 * self.threads, self._most), 2 * self.threads <= self._most
        self._before = rate
        self.begin()
