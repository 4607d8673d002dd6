"""The delete fuse: more deletes of a route in an hour than its `max_deletes` are held, not done."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable

from bucketrelay.errors import DeletesHeld

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

    def check(self, route: str, most: int) -> None:
        """Count one more delete, or raise DeletesHeld."""
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
