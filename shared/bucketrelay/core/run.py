"""Tasks to results: bounded threads, one task's failure nobody else's, done in time or said to be unfinished."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from bucketrelay.core.budget import Budget
from bucketrelay.deadline import Deadline
from bucketrelay.model import Outcome, Result, Task

Deliver = Callable[[Task, Deadline], Result]


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs tasks within a budget of threads.

    Args:
        deliver: what is done with a task: converge, or tell somebody else.
        name: source and target URL of a task, for results of tasks that never came to an end of their own.
        budget: threads, shared with the parts of large objects.
        now: the time of day, timezone-aware.
    """

    deliver: Deliver
    name: Callable[[Task], tuple[str, str]]
    budget: Budget
    now: Callable[[], datetime]

    def run(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result]:
        """One result for each task, in their order. Tasks for the same target key follow one another.

        A request that hangs past the deadline is left behind, and its task reported unfinished: the lists are written
        and the platform is told while there is time to.
        """
        groups = _by_target(tasks)
        results: dict[int, Result] = {}
        pool = ThreadPoolExecutor(max(1, min(self.budget.threads, len(groups))), thread_name_prefix="relay")
        futures = [pool.submit(self._group, group, deadline, results) for group in groups]
        left = deadline.left()
        wait(futures, timeout=None if left == float("inf") else left)
        pool.shutdown(wait=False, cancel_futures=True)
        _raise_defects(futures)
        return [results.get(number) or self._late(task) for number, task in enumerate(tasks)]

    def _group(self, group: list[tuple[int, Task]], deadline: Deadline, results: dict[int, Result]) -> None:
        with self.budget.thread():
            for number, task in group:
                results[number] = self._one(task, deadline)

    def _one(self, task: Task, deadline: Deadline) -> Result:
        try:
            return self.deliver(task, deadline)
        except Exception as error:  # noqa: BLE001 — one task's defect must not cost the others their results
            return self._ended(task, Outcome.FAILED, f"{type(error).__name__}: {error}")

    def _late(self, task: Task) -> Result:
        return self._ended(task, Outcome.UNFINISHED, "the invocation's time is used up; the task comes again")

    def _ended(self, task: Task, outcome: Outcome, error: str) -> Result:
        source, target = self.name(task)
        return Result(
            route=task.route,
            cause=task.cause,
            change=task.change.value,
            source=source,
            target=target,
            key=task.key,
            outcome=outcome,
            time=self.now(),
            error=error,
            retryable=True,
        )


def _by_target(tasks: Iterable[Task]) -> list[list[tuple[int, Task]]]:
    groups: dict[tuple[str, str, str], list[tuple[int, Task]]] = {}
    for number, task in enumerate(tasks):
        key = task.target_key if task.target else task.key
        groups.setdefault((task.target, task.forward, key), []).append((number, task))
    return list(groups.values())


def _raise_defects(futures: "list[Future[None]]") -> None:
    for future in futures:
        if future.done() and not future.cancelled():
            future.result()
