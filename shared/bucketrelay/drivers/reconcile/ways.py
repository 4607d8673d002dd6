"""What becomes of the tasks that a reconciliation finds: run here, or handed to somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass

from bucketrelay.deadline import Deadline
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.reports import lists
from bucketrelay.reports import log_line as observe
from bucketrelay.system import System


@dataclass(slots=True)
class RunHere:
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
