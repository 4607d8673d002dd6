"""What an invocation could not finish goes on in another: handed over as tasks, or left to the platform."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bucketrelay.errors import RelayError
from bucketrelay.events.deferral import payloads
from bucketrelay.events.payload import Deferral
from bucketrelay.model import Outcome, Result, Task

# Each had a whole invocation of its own: parts of 8 MiB, a few seconds each, are some terabytes by then.
MOST = 1000
Defer = Callable[[bytes], None]  # invokes this function again with a payload, asynchronously, or raises a RelayError


@dataclass(frozen=True, slots=True)
class Asked:
    """A task of this invocation, and how many invocations have had it before."""

    task: Task
    attempt: int = 0


def hand_over(
    asked: Sequence[Asked], results: Sequence[Result], defer: Defer | None
) -> tuple[list[Result], frozenset[Result]]:
    """Have the unfinished tasks go on elsewhere.

    A task that `MOST` invocations could not finish has failed.

    Args:
        asked: the tasks.
        results: what became of each.
        defer: None leaves them to the platform.

    Returns:
        The results, with what there is to say of the handing over; and those of tasks that another invocation has
        now, so that the platform need not bring them again.
    """
    ended = [
        _given_up(result) if _hopeless(each, result) else result for each, result in zip(asked, results, strict=True)
    ]
    late = [number for number, result in enumerate(ended) if result.outcome is Outcome.UNFINISHED]
    if defer is None or not late:
        return ended, frozenset()
    handed: list[Result] = []
    rest = iter(late)
    for count, payload in payloads(_deferral(asked[number]) for number in late):
        mine = list(islice(rest, count))
        try:
            defer(payload)
        except (RelayError, ImportError) as error:  # ImportError: an archive that was packed without the SDK
            # The next would cost as long again, of the little time that is left for the lists.
            _explain(ended, [*mine, *rest], error)
            break
        handed += [ended[number] for number in mine]
    return ended, frozenset(handed)


def _hopeless(each: Asked, result: Result) -> bool:
    return result.outcome is Outcome.UNFINISHED and each.attempt + 1 >= MOST


def _given_up(result: Result) -> Result:
    words = f"{MOST:,} invocations could not finish it: give the function more time or memory, then replay"
    return replace(result, outcome=Outcome.FAILED, error=words, retryable=False)


def _explain(ended: list[Result], numbers: Sequence[int], error: Exception) -> None:
    for number in numbers:
        words = f"{ended[number].error}; this function could not hand it over to itself: {error}"
        ended[number] = replace(ended[number], error=words.removeprefix("; "))


def _deferral(asked: Asked) -> Deferral:
    task = asked.task
    return Deferral(
        route=task.route,
        key=task.key,
        target=task.target,
        source=task.source if "://" in task.source else "",
        change=task.change,
        cause=task.cause,
        time=task.time,
        size=task.size,
        attempt=asked.attempt + 1,
    )
