"""Work for several destinations, handed out so that one that hangs holds up its own share of the threads alone."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

Work = TypeVar("Work")


class Fair(Generic[Work]):
    """Pieces of work by destination: each destination's in order, the destination with least at work next.

    Args:
        work: (destination, piece) in order.
        threads: how many work at once, over all destinations.
    """

    def __init__(self, work: Sequence[tuple[str, Work]], threads: int) -> None:
        self._waiting: dict[str, deque[Work]] = {}
        self._running: dict[str, int] = {}
        # Of all destinations, also of those that are done: threads given away to one that hangs do not come back.
        self.places = frozenset(place for place, _ in work)
        self._share = max(1, -(-threads // max(1, len(self.places))))
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._sleepers = 0  # threads that wait in `take`
        for place, piece in work:
            self._waiting.setdefault(place, deque()).append(piece)
            self._running[place] = 0

    def take(self) -> tuple[str, Work] | None:
        """The next piece, to be followed by `finish`; None at the end.

        Waits while every destination that has pieces left has its share of the threads already.
        """
        with self._lock:
            while places := [place for place, left in self._waiting.items() if left]:
                place = places[0] if len(places) == 1 else min(places, key=lambda p: self._running[p])
                if self._running[place] < self._share:
                    self._running[place] += 1
                    return place, self._waiting[place].popleft()
                self._sleepers += 1
                self._changed.wait()
                self._sleepers -= 1
            return None

    def finish(self, place: str) -> None:
        """A piece for *place* has come to its end."""
        with self._lock:
            self._running[place] -= 1
            self._wake()

    def stop(self) -> None:
        """Hand out nothing more: `take` gives None."""
        with self._lock:
            self._waiting.clear()
            self._wake()

    def _wake(self) -> None:
        if self._sleepers:
            self._changed.notify_all()
