"""What an invocation could not finish goes on in another: handed over as tasks, or left to the platform."""

import math
from collections.abc import Sequence
from itertools import islice

from bucketrelay.deadline import current
from bucketrelay.errors import RelayError
from bucketrelay.events.deferral import payloads
from bucketrelay.events.payload import Deferral
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.system import Defer
from bucketrelay.values import dataclass, replace

# Each had a whole invocation of its own: parts of 8 MiB, a few seconds each, are some terabytes by then.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Attempt:
    """A task of this invocation, and how many invocations have had it before."""

    task: Task
    attempt: int = 0


def give_up(entries: Sequence[Attempt], results: Sequence[Result]) -> list[Result]:
    """The results, where a task that `MOST` invocations could not finish has failed."""
    return [
        _give_up_one(result) if _hopeless(each, result) else result
        for each, result in zip(entries, results, strict=True)
    ]


def hand_over(late: Sequence[tuple[Attempt, Result]], defer: Defer) -> tuple[frozenset[Result], str]:
    """Have unfinished tasks go on elsewhere.

    Returns:
        The results of the tasks that another invocation has now, so that the platform need not bring them again; and
        why the rest could not be handed over: no call is begun that may not end in time.
    """
    handed: list[Result] = []
    rest, longest = iter(late), 0.0
    for count, payload in payloads(_deferral(entry) for entry, _ in late):
        mine, left = list(islice(rest, count)), current().remaining()
        if left <= longest:
            return frozenset(
                handed
            ), f"no time was left to hand over {len(late) - len(handed):,} of {len(late):,} tasks"
        try:
            defer(payload)
        except (RelayError, ImportError) as error:  # ImportError: an archive that was packed without the SDK
            # The next would cost as long again, of the little time that is left.
            return frozenset(handed), f"this function could not hand it over to itself: {error}"
        handed += [result for _, result in mine]
        longest = max(longest, left - current().remaining()) if left < math.inf else longest
    return frozenset(handed), ""


def _hopeless(each: Attempt, result: Result) -> bool:
    return result.outcome is Outcome.UNFINISHED and each.attempt + 1 >= MOST


def _give_up_one(result: Result) -> Result:
    words = f"{MOST:,} invocations could not finish it: give the function more time or memory, then replay"
    return replace(result, outcome=Outcome.FAILED, error=words, retryable=False)


def _deferral(entry: Attempt) -> Deferral:
    task = entry.task
    return Deferral(
        route=task.route,
        key=task.key,
        target=task.target,
        source=task.source if "://" in task.source else "",
        change=task.change,
        cause=task.cause,
        time=task.time,
        size=task.size,
        attempt=entry.attempt + 1,
        differs=task.differs,
    )
