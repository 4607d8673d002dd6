"""Tasks for somebody else: told in as few requests as he takes, each with a result of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, OutOfTime, RelayError
from bucketrelay.forward import Forward, Notice, Verdict
from bucketrelay.model import Address, Change, Deletes, Outcome, Result, Task


@dataclass(frozen=True, slots=True)
class Tell:
    """Tells forwards of tasks; a function from tasks to results, with what it needs.

    Args:
        forwards: by name.
        address: where the store is that a task names as its source.
        name: source and target URL of a task.
        now: the time of day, timezone-aware.
    """

    forwards: Mapping[str, Forward]
    address: Callable[[str], Address]
    name: Callable[[Task], tuple[str, str]]
    now: Callable[[], datetime]

    def together(self, forward: str) -> int:
        """How many keys the forward takes in one request."""
        return self.forwards[forward].together if forward in self.forwards else 1

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result]:
        """One result for each of *tasks*, which are all for the same forward. Never raises but for a defect.

        A removal on a route that keeps is told to nobody: whoever moves the object himself is told of keys only, and
        would look for one that is gone.
        """
        started = self.now()
        telling = [task for task in tasks if not _kept(task)]
        verdicts = iter(self._verdicts(telling, deadline) if telling else ())
        return [
            replace(self._result(task, None, started), outcome=Outcome.UNCHANGED, note=_KEPT)
            if _kept(task)
            else self._result(task, next(verdicts), started)
            for task in tasks
        ]

    def _verdicts(self, tasks: Sequence[Task], deadline: Deadline) -> list[Verdict]:
        name = tasks[0].forward
        if name not in self.forwards:
            lost = ConfigError([f"no forward is named {name!r}: was it renamed or removed from the configuration?"])
            return [lost] * len(tasks)
        noted = [self._notice(task) for task in tasks]
        told = iter(self.forwards[name].tell([n for n in noted if isinstance(n, Notice)], deadline))
        return [next(told) if isinstance(n, Notice) else n for n in noted]

    def _notice(self, task: Task) -> Notice | ConfigError:
        try:
            return Notice(task, self.address(task.source))
        except ConfigError as error:
            return error

    def _result(self, task: Task, verdict: Verdict, started: datetime) -> Result:
        source, target = self.name(task)
        ended = self.now()
        return Result(
            route=task.route,
            cause=task.cause,
            change=task.change.value,
            source=source,
            target=target,
            key=task.key,
            outcome=_outcome(verdict),
            time=ended,
            seconds=round((ended - started).total_seconds(), 6),
            error=str(verdict) if verdict else "",
            retryable=verdict.retryable if verdict else False,
        )


_KEPT = "removed at the source; the route keeps what is there, so nobody was told"


def _kept(task: Task) -> bool:
    return task.change is Change.REMOVED and task.deletes is Deletes.KEEP


def _outcome(verdict: RelayError | None) -> Outcome:
    if verdict is None:
        return Outcome.FORWARDED  # accepted, which is not copied: the other side's own lists tell of that
    return Outcome.UNFINISHED if isinstance(verdict, OutOfTime) else Outcome.FAILED
