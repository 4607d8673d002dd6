"""Routes that rest: somebody has paused them, or their windows are closed. Nothing of them is done, nothing is lost.

`marks/paused/<route>` in the log store says that a route is paused, to all processes; a process looks for it at most
every two seconds. What comes meanwhile fails, to come again: it is in the failed list, and a worker leaves it in the
queue.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from bucketrelay.core.results import Ending, Results
from bucketrelay.core.run import Deliver
from bucketrelay.deadline import Deadline, current, under
from bucketrelay.errors import RelayError
from bucketrelay.model import Meta, Outcome, Result, Task
from bucketrelay.store import Store
from bucketrelay.values import dataclass

if TYPE_CHECKING:
    from bucketrelay.routes.windows import Windows

FOLDER = "marks/paused/"
FRESH = 2.0  # seconds for which the log store's answer is believed: with a worker's own pause, less than five
# Seconds after which a log store that does not answer counts as one that cannot be asked: where its last word is known,
# and where it has none yet, as a cold process's first request takes its time and no word means that nothing is paused.
PATIENCE, FIRST = 2.0, 10.0
_PLAIN = Meta(content_type="text/plain")

Why = Callable[[str], str]
"""`why(route)`: why nothing of *route* is to be done now; "" where nothing is in the way."""


class Pauses:
    """The marks of paused routes.

    Args:
        log: the log store.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, log: Callable[[], Store], clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._known: dict[str, tuple[float, datetime | None, bool]] = {}  # until when, since when, whether paused
        self._asking: dict[str, threading.Lock] = {}  # held by whoever asks about the route
        self._vain = -math.inf  # until when nobody asks, of whatever route: the log store has not answered

    def pause(self, route: str) -> None:
        """Put the mark; a route that is paused stays so, since then."""
        if not self.is_paused(route):
            self._log().put(FOLDER + route, b"", _PLAIN)

    def resume(self, route: str) -> bool:
        """Take the mark away; whether there was one."""
        was = self.is_paused(route)
        self._log().delete(FOLDER + route)
        return was

    def is_paused(self, route: str) -> bool:
        """Whether the mark is there, asked now. Raises what the log store raises."""
        return self._log().look(FOLDER + route) is not None

    def why(self, route: str) -> str:
        """See `Why`. Where the log store cannot be asked, what it said last is believed: the lists will fail aloud.

        One that hangs costs one thread at a time, and no longer than `PATIENCE`: the others go on with what it said
        last. Where it has said nothing yet they wait, no longer than the one who asks (`FIRST`).
        """
        if self._is_due(route):
            asking = self._asking.setdefault(route, threading.Lock())
            if asking.acquire(timeout=0.0 if route in self._known else min(FIRST, current().remaining())):
                try:
                    self._ask(route)
                finally:
                    asking.release()
        _, since, paused = self._known.get(route, (0.0, None, False))
        if not paused:
            return ""
        when = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        return f"the route is paused{when}: bucketrelay resume {route}"

    def _is_due(self, route: str) -> bool:
        now, known = self._clock(), self._known.get(route)
        return now >= self._vain and (known is None or now >= known[0])

    def _ask(self, route: str) -> None:
        """Believe what the log store says now, unless somebody has asked meanwhile. Raises OutOfTime."""
        if not self._is_due(route):
            return
        mine = current()
        try:
            with under(Deadline(min(PATIENCE if route in self._known else FIRST, mine.remaining()))):
                # Not `look`: a HEAD that finds nothing does not say if it is the key or the bucket, and a GET follows.
                mark = self._log().fetch(FOLDER + route, 1, size=0)
        except RelayError:
            mine.check()  # what ended is not the invocation
            self._vain = self._clock() + FRESH
        else:
            since, paused = (mark.info.modified, True) if mark else (None, False)
            self._known[route] = self._clock() + FRESH, since, paused


def why_at_rest(windows: "Mapping[str, Windows]", now: Callable[[], datetime], route: str) -> str:
    """See `Why`; of routes that have windows."""
    mine = windows.get(route)
    if not mine or mine.are_open(now()):
        return ""
    return f"the route's windows are closed until {mine.next_opening(now()):%Y-%m-%d %H:%M} UTC"


def resting(
    names: Sequence[str], pauses: Pauses | None, windows: "Mapping[str, Windows]", now: Callable[[], datetime]
) -> Why:
    """Why a route rests: a mark, or its windows. *names*: of all routes; whatever is of none of them never rests."""
    known = frozenset(names)
    reasons: list[Why] = [partial(why_at_rest, windows, now)] if windows else []
    reasons += [pauses.why] if pauses else []

    def why(route: str) -> str:
        return next((word for reason in reasons if (word := reason(route))), "") if route in known else ""

    return why


@dataclass(frozen=True, slots=True)
class Gate:
    """Delivers what is of routes that do not rest; of the others, says why nothing was done."""

    deliver: Deliver
    why: Why
    results: Results

    def together(self, task: Task) -> int:
        """See Deliver."""
        return self.deliver.together(task)

    def brief(self, task: Task) -> bool:
        """See Deliver."""
        return self.deliver.brief(task)

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> Sequence[Result]:
        """See Deliver."""
        if len(tasks) == 1:
            why = self.why(tasks[0].route)
            return [self._rests(tasks[0], why)] if why else self.deliver(tasks, deadline)
        rests = {route: self.why(route) for route in dict.fromkeys(task.route for task in tasks)}
        awake = [task for task in tasks if not rests[task.route]]
        done = iter(self.deliver(awake, deadline) if awake else ())
        return [self._rests(task, rests[task.route]) if rests[task.route] else next(done) for task in tasks]

    def _rests(self, task: Task, why: str) -> Result:
        return self.results.of(task, Ending(Outcome.FAILED, error=why, retryable=True))
