"""How many bytes a second one process moves for a route."""

import threading
import time
from collections.abc import Callable

from bucketrelay.deadline import Deadline
from bucketrelay.errors import OutOfTime


class Bandwidth:
    """A rate that all threads of a process share.

    Args:
        rate: bytes a second.
        clock: a monotonic clock, in seconds.
        sleep: waits so many seconds.
    """

    def __init__(
        self, rate: int, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._lock = threading.Lock()
        self._free = 0.0  # the moment up to which the rate is used up

    def spend(self, size: int, deadline: Deadline) -> None:
        """Wait until *size* bytes may begin to move.

        Raises:
            OutOfTime: that is not before the deadline; nothing was spent.
        """
        with self._lock:
            now = self._clock()
            wait = max(0.0, self._free - now)
            if wait and wait >= deadline.remaining():
                raise OutOfTime("the route's bandwidth is used up until after the deadline; the task comes again")
            self._free = max(self._free, now) + size / self._rate
        if wait:
            self._sleep(wait)
