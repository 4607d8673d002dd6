"""The delete fuse: more deletes of a route in an hour than its `max_deletes` are held, not done."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bucketrelay.errors import DeletesHeld, OutcomeUnknown

HOUR = 3600.0


class Fuse:
    """Counts each route's deletes of the last hour, in this process.

    Args:
        now: a monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._deletes: defaultdict[str, deque[float]] = defaultdict(deque)

    @contextmanager
    def counted(self, route: str, most: int) -> Iterator[None]:
        """Count the delete in the block, unless it surely does not happen; raises DeletesHeld instead of the block."""
        self._count(route, most)
        try:
            yield
        except OutcomeUnknown:
            raise
        except BaseException:
            with self._lock, suppress(IndexError):
                self._deletes[route].pop()
            raise

    def _count(self, route: str, most: int) -> None:
        with self._lock:
            times, now = self._deletes[route], self._now()
            while times and times[0] <= now - HOUR:
                times.popleft()
            if len(times) >= most:
                raise DeletesHeld(
                    f"route {route}: {most} deletes in one hour is all that max_deletes allows; the object was kept. "
                    "Check the source, then raise max_deletes and replay"
                )
            times.append(now)
