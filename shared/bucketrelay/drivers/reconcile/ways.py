"""What becomes of the tasks that a reconciliation finds: run here, or handed to somebody else."""

from collections.abc import Callable, Sequence

from bucketrelay.deadline import Deadline
from bucketrelay.events.deferral import payloads
from bucketrelay.events.payload import Deferral
from bucketrelay.jobs.queue import Enqueuer, NewJob
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.reports import lists
from bucketrelay.reports import log_line as observe
from bucketrelay.system import System
from bucketrelay.values import dataclass


@dataclass(slots=True)
class RunAtOnce:
    """Runs tasks as events' tasks are run, and writes their lists. What is unfinished is in no list: it goes on."""

    system: System
    invocation: str
    again: int = 0  # how many tasks failed that may do later

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result | None]:
        """A result for each task. Raises RelayError where the lists cannot be written."""
        results = self.system.runner.run(tasks, deadline)
        done = [result for result in results if result.outcome is not Outcome.UNFINISHED]
        self.again += sum(result.outcome is Outcome.FAILED and result.retryable for result in done)
        for result in done:
            self.system.emit(observe.log_line(result, metrics=self.system.metrics))
        if done:
            lists.write(self.system.log(), done, invocation=self.invocation, now=self.system.now())
        return list(results)


_TASKS = 100  # in one message: a function gets through them, and one that fails brings few again
_BYTES = 24_000  # of one message, so that ten of them fit into one request of 256 KiB


@dataclass(frozen=True, slots=True)
class SendOn:
    """Hands tasks to functions, as the payload by which an invocation hands on what it could not finish.

    Args:
        send: takes the texts of messages, and returns when all of them are durable.
    """

    send: Callable[[Sequence[bytes]], None]

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result | None]:
        """None for each task: somebody else has it now. Raises RelayError where not all of them were taken."""
        deadline.check()
        texts: list[bytes] = []
        for start in range(0, len(tasks), _TASKS):
            chunk = [_deferral(task) for task in tasks[start : start + _TASKS]]
            texts += [text for _, text in payloads(chunk, limit=_BYTES)]
        self.send(texts)
        return [None] * len(tasks)


def _deferral(task: Task) -> Deferral:
    return Deferral(
        route=task.route, key=task.key, target=task.target, change=task.change, size=task.size, differs=task.differs
    )


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Puts tasks into the job queue, for a fleet of workers.

    Args:
        job: a task as a job.
    """

    queue: Enqueuer
    job: Callable[[Task], NewJob]

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result | None]:
        """None for each task: its job is durable. Raises RelayError where the queue did not take all of them."""
        deadline.check()
        self.queue.enqueue([self.job(task) for task in tasks])
        return [None] * len(tasks)


def write_down(tasks: Sequence[Task], deadline: Deadline) -> list[Result | None]:
    """None for each task: it is in the manifest that the run writes, and nobody has it before somebody reads that."""
    deadline.check()
    return [None] * len(tasks)
