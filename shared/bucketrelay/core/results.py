"""How a task ended, and the Result that is made of it: in one place, for all that deliver."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from bucketrelay.errors import OutOfTime, RelayError
from bucketrelay.model import Change, Outcome, Result, Task
from bucketrelay.values import dataclass

WRITES = frozenset({Outcome.COPIED, Outcome.DELETED})
_LATE = frozenset({Outcome.FAILED, Outcome.UNFINISHED})


@dataclass(frozen=True, slots=True)
class Ending:
    """What a task came to."""

    outcome: Outcome
    bytes: int = 0
    degraded: tuple[str, ...] = ()
    note: str = ""
    error: str = ""
    retryable: bool = False
    by_hand: bool = False
    lingers: bool = False
    written: datetime | None = None  # of what was copied, where that is later than what the event told of

    @classmethod
    def by(cls, error: RelayError, *, late: bool = False) -> "Ending":
        """A task that ended with *error*; *late*: when its time was used up, which may be all that was wrong."""
        late = late and error.retryable
        outcome = Outcome.UNFINISHED if late or isinstance(error, OutOfTime) else Outcome.FAILED
        return cls(
            outcome,
            error=str(error),
            retryable=error.retryable,
            by_hand=error.by_hand,
            lingers=error.lingers,
        )


class Hint(Protocol):
    """What says that something is to be done: an event, a deferred task, a job."""

    @property
    def key(self) -> str:
        """Of the object."""
        ...

    @property
    def change(self) -> Change:
        """What became of it."""
        ...

    @property
    def cause(self) -> str:
        """The id of what said so."""
        ...

    @property
    def time(self) -> datetime | None:
        """When it happened."""
        ...


def refusal(
    hint: Hint, error: str, time: datetime, *, route: str = "", source: str = "", retryable: bool = False
) -> Result:
    """The failure of what never became a task: for which target it was, and mostly from which source, nobody knows."""
    return Result(
        route=route,
        cause=hint.cause,
        change=hint.change.value,
        source=source,
        target="",
        key=hint.key,
        outcome=Outcome.FAILED,
        time=time,
        error=error,
        retryable=retryable,
        written=hint.time,
    )


@dataclass(frozen=True, slots=True)
class Results:
    """Makes the Result of a task.

    Args:
        urls: of the task's source and target; a store that is no longer configured keeps its name.
        now: the time of day, timezone-aware.
    """

    urls: Callable[[Task], tuple[str, str]]
    now: Callable[[], datetime]

    def of(self, task: Task, ending: Ending, started: datetime | None = None) -> Result:
        """The task's result; without *started* it never began."""
        source, target = self.urls(task)
        ended = self.now()
        since = _since(task, ending)
        lag = (ended - since).total_seconds() if since else None
        return Result(
            route=task.route,
            cause=task.cause,
            change=task.change.value,
            source=source,
            target=target,
            key=task.key,
            outcome=ending.outcome,
            time=ended,
            bytes=ending.bytes,
            seconds=round((ended - started).total_seconds(), 6) if started else 0.0,
            lag=None if lag is None else round(lag, 6),
            degraded=ending.degraded,
            note=ending.note,
            error=ending.error,
            retryable=ending.retryable,
            written=task.time if ending.outcome in _LATE else None,
            by_hand=ending.by_hand,
            lingers=ending.lingers,
        )

    def all(self, tasks: Sequence[Task], ending: Ending) -> list[Result]:
        """The same ending for each of *tasks*."""
        return [self.of(task, ending) for task in tasks]


def _since(task: Task, ending: Ending) -> datetime | None:
    """From when on the lag of what was done counts; None where nobody knows, or nothing was done.

    When a source was deleted only the event of that tells, and not an older one that comes once more.
    """
    if task.time is None or ending.outcome not in WRITES:
        return None
    if ending.outcome is Outcome.DELETED and task.change is not Change.REMOVED:
        return None
    return ending.written or task.time
