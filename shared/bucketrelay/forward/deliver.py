"""Tasks for somebody else: told in as few requests as he takes, each with a result of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from bucketrelay.core.results import Ending, Results
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError
from bucketrelay.forward import Forward, Notice, Verdict
from bucketrelay.model import Address, Change, Deletes, Outcome, Result, Task
from bucketrelay.values import dataclass

# Whoever moves the object himself is told of keys only, and would look for one that is gone.
_KEPT = Ending(Outcome.UNCHANGED, note="removed at the source; the route keeps what is there, so nobody was told")


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Tells forwards of tasks: delivers tasks that have a forward.

    Args:
        forwards: by name.
        address: where the store is that a task names as its source.
        results: makes the tasks' results.
    """

    forwards: Mapping[str, Forward]
    address: Callable[[str], Address]
    results: Results

    def together(self, task: Task) -> int:
        """How many keys the task's forward takes in one request."""
        return self.forwards[task.forward].together if task.forward in self.forwards else 1

    def brief(self, task: Task) -> bool:
        """Not at all: how long somebody else takes is his own affair."""
        del task
        return False

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result]:
        """One result for each of *tasks*, which are all for the same forward. Never raises but for a defect.

        A removal on a route that keeps is told to nobody.
        """
        started = self.results.now()
        telling = [task for task in tasks if not _kept(task)]
        verdicts = iter(self._verdicts(telling, deadline) if telling else ())
        late = not deadline.remaining()
        return [self.results.of(task, _ending(task, verdicts, late=late), started) for task in tasks]

    def _verdicts(self, tasks: Sequence[Task], deadline: Deadline) -> list[Verdict]:
        name = tasks[0].forward
        if name not in self.forwards:
            lost = ConfigError([f"no forward is named {name!r}: was it renamed or removed from the configuration?"])
            return [lost] * len(tasks)
        notices = [self._notice(task) for task in tasks]
        answers = iter(self.forwards[name].tell([n for n in notices if isinstance(n, Notice)], deadline))
        return [next(answers) if isinstance(n, Notice) else n for n in notices]

    def _notice(self, task: Task) -> Notice | ConfigError:
        try:
            return Notice(task, self.address(task.source))
        except ConfigError as error:
            return error


def _kept(task: Task) -> bool:
    return task.change is Change.REMOVED and task.deletes is Deletes.KEEP


def _ending(task: Task, verdicts: Iterator[Verdict], *, late: bool) -> Ending:
    if _kept(task):
        return _KEPT
    verdict = next(verdicts)
    # Accepted is not copied: the other side's own lists tell of that.
    return Ending.by(verdict, late=late) if verdict else Ending(Outcome.FORWARDED)
