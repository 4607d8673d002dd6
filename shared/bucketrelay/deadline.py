"""How much of this invocation is left. The clock is a parameter."""

import math
import time
from collections.abc import Callable
from contextvars import ContextVar

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

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._now())

    def within(self, seconds: float) -> "Deadline":
        """One that ends after *seconds*, and no later than this one."""
        if type(self) is Deadline:
            return Deadline(min(seconds, self.remaining()), now=self._now)
        return _Within(self, Deadline(seconds, now=self._now))  # who may end earlier than he says now

    def check(self, need: float = 0.0) -> None:
        """Raise OutOfTime unless more than *need* seconds are left."""
        if self.remaining() <= need:
            raise OutOfTime("the invocation's time is used up; the same task goes on in the next one")


class _Within(Deadline):
    """The end of whichever of two comes first."""

    __slots__ = ("_of", "_own")

    def __init__(self, of: Deadline, own: Deadline) -> None:
        super().__init__()
        self._of, self._own = of, own

    def remaining(self) -> float:
        """See Deadline."""
        return min(self._of.remaining(), self._own.remaining())


_current: ContextVar[Deadline] = ContextVar("deadline", default=Deadline())  # noqa: B039 — it does not change


def current() -> Deadline:
    """The deadline that this thread works under; an endless one if nobody has set any.

    For what lies below the verbs of a store, whose arguments are about objects: repetitions, waiting for one's turn.
    """
    return _current.get()


class _Under:
    """What `under` gives; a generator's would take three times as long, with every task."""

    __slots__ = ("_deadline", "_token")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        self._token = _current.set(self._deadline)

    def __exit__(self, *exc: object) -> None:
        _current.reset(self._token)


def under(deadline: Deadline) -> _Under:
    """Work under *deadline* within the block, in this thread."""
    return _Under(deadline)
