"""How much of this invocation is left. The clock is a parameter."""

import math
import time
from collections.abc import Callable

from bucketrelay.errors import OutOfTime


class Deadline:
    """The end of the work we may do, in seconds on a monotonic clock.

    Args:
        seconds: what the platform says is left of this invocation; `math.inf` where nothing limits it.
        margin: seconds kept back for writing the lists and answering.
        now: a monotonic clock.
    """

    __slots__ = ("_end", "_now")

    def __init__(
        self, seconds: float = math.inf, *, margin: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._end = now() + seconds - margin

    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._now())

    def check(self, need: float = 0.0) -> None:
        """Raise OutOfTime unless more than *need* seconds are left."""
        if self.left() <= need:
            raise OutOfTime("the invocation's time is used up; the same task goes on in the next one")
