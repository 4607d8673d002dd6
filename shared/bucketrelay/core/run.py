"""Tasks to results: bounded threads, one task's failure nobody else's, done in time or said to be unfinished."""

import time
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Protocol

from bucketrelay import cores
from bucketrelay.core import crew
from bucketrelay.core.budget import Budget
from bucketrelay.core.fair_queue import Fair
from bucketrelay.core.results import Ending, Results
from bucketrelay.core.writes import PERIOD, SLOW, Writes
from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.values import dataclass, field

_ROOM = 60.0  # seconds that an invocation has left where its own thread does a task: to find an address may take half
_AGAIN = 60.0  # seconds after which a way that took too long is tried so again

Numbered = tuple[int, Task]  # a task and its place among those that were given
Step = list[Numbered]  # what one delivery does: one task, or all that go into one request


class Deliver(Protocol):
    """What is done with tasks: the waist that converging and forwarding pass through."""

    def together(self, task: Task) -> int:
        """How many keys with the same destination as *task* are delivered at once."""

    def brief(self, task: Task) -> bool:
        """Whether *task* takes a moment, and nothing in it can hang for much longer than its deadline."""

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> Sequence[Result]:
        """One result for each of *tasks*, which have one destination. Never raises but for a defect."""


@dataclass(frozen=True, slots=True)
class ByDestination:
    """Delivers what has a target by one way, and what has a forward by another."""

    converge: Deliver
    forward: Deliver

    def together(self, task: Task) -> int:
        """See Deliver."""
        return self._of(task).together(task)

    def brief(self, task: Task) -> bool:
        """See Deliver."""
        return self._of(task).brief(task)

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> Sequence[Result]:
        """See Deliver."""
        return self._of(tasks[0])(tasks, deadline)

    def _of(self, task: Task) -> Deliver:
        return self.forward if task.forward else self.converge


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs tasks within a budget of threads.

    Args:
        deliver: what is done with tasks.
        budget: threads, shared with the parts of large objects.
        results: makes the results of tasks that never came to an end of their own.
    """

    deliver: Deliver
    budget: Budget
    results: Results
    writes: Writes = field(default_factory=Writes)  # those under way: noted before they can outlive their task
    _hurried: dict[str, float] = field(default_factory=dict)  # ways for which a moment was too short, and until when

    def run(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result]:
        """One result for each task, in their order. Tasks for the same target key follow one another.

        Tasks of a forward go into as few requests as it takes; those for one key go together, or follow one another.
        A destination that hangs keeps no more than its share of the threads from the others. A request that hangs past
        the deadline is left behind, and its task reported unfinished: the lists are written and the platform is told
        while there is time to.
        """
        if not tasks:
            return []
        if len(tasks) == 1 and (only := self._at_once(tasks[0], deadline)):
            return [only]
        groups, place = self._groups(tasks), cores.current()
        place.begin()
        results: dict[int, Result] = {}
        begun: set[int] = set()
        # The places are kept from one group to the next: parts of large objects take what is left over, and what those
        # leave that find no group any more.
        with self.budget.places(min(self.budget.threads, len(groups))) as places:
            fair = Fair([(_destination(group), group) for group in groups], places.taken)

            def work() -> None:
                self._work(fair, deadline, results, begun, place)
                places.give_back()

            with self.budget.share(fair.places):
                hands = crew.begin(work, places.taken)
                try:
                    self._wait(hands, deadline, place)
                except KeyboardInterrupt:
                    fair.stop()  # what has been begun ends and gets into the lists, the rest is said to be unfinished
                    crew.wait(hands)
            fair.stop()
        crew.raise_defects(hands)
        ended = [results.get(number) or self._late(task, number in begun) for number, task in enumerate(tasks)]
        return [self.writes.note(task, result, deadline) for task, result in zip(tasks, ended, strict=True)]

    def _at_once(self, task: Task, deadline: Deadline) -> Result | None:
        """The result of a task that takes a moment, done by the calling thread itself; None: do it as any other.

        Another thread, and waiting for it, takes a twentieth of what a small object costs. But this thread cannot be
        left behind: so it gets no longer than what a write may take before it is noted. What did not come to its end in
        that time, or was refused for now, begins anew with all the time there is, as if its event came once more; and
        for a while its way is not tried so again.
        """
        hurried = self._hurried and self._hurried.get(task.way, 0.0) > time.monotonic()
        if hurried or deadline.remaining() < _ROOM or not self.deliver.brief(task):
            return None
        with self.budget.places(1) as _, self.budget.share([task.way]) as _:
            try:
                (ended,) = self._step([task], deadline.within(SLOW))
            except KeyboardInterrupt:
                return self.writes.note(task, self._late(task, begun=True), deadline)
        noted = self.writes.note(task, ended, deadline)
        # What could not be noted comes again by its event: begun anew here, it would be done, and nobody would look.
        if noted is not ended or ended.ok or not ended.retryable:
            return noted
        self._hurried[task.way] = time.monotonic() + _AGAIN
        return None

    def _wait(self, hands: Sequence[crew.Hand], deadline: Deadline, place: cores.Place) -> None:
        """Until all have ended or the time is up. Meanwhile this thread, idle else, looks after the writes."""
        end = time.monotonic() + deadline.remaining()
        while (left := end - time.monotonic()) > 0 and not crew.wait(hands, min(left, PERIOD)):
            self.writes.note_slow(deadline)
            place.move()

    def _groups(self, tasks: Sequence[Task]) -> list[list[Step]]:
        """Groups run side by side; the steps of a group follow one another."""
        by_forward: dict[str, list[Step]] = {}
        for same in _by_key(tasks):
            by_forward.setdefault(same[0][1].forward, []).append(same)
        groups: list[list[Step]] = []
        for keys in by_forward.values():
            most = self.deliver.together(keys[0][0][1])
            groups += [[[each] for each in same] for same in keys] if most == 1 else _gather(keys, most)
        if len(groups) == 1:
            return groups
        return sorted(groups, key=lambda group: not any(task.urgent for step in group for _, task in step))

    def _work(
        self,
        fair: Fair[list[Step]],
        deadline: Deadline,
        results: dict[int, Result],
        begun: set[int],
        place: cores.Place,
    ) -> None:
        while taken := fair.take():
            destination, steps = taken
            place.settle()
            try:
                for step in steps:
                    begun.update(number for number, _ in step)
                    ended = self._step([task for _, task in step], deadline)
                    results.update(zip([number for number, _ in step], ended, strict=True))
            finally:
                fair.finish(destination)

    def _step(self, tasks: list[Task], deadline: Deadline) -> Sequence[Result]:
        try:
            return self.deliver(tasks, deadline)
        except RelayError as error:
            return self.results.all(tasks, Ending.by(error))
        except Exception as error:  # noqa: BLE001 — one task's defect must not cost the others their results
            text = f"{type(error).__name__}: {error}"
            return self.results.all(tasks, Ending(Outcome.FAILED, error=text, retryable=True))

    def _late(self, task: Task, begun: bool) -> Result:
        error = "the invocation's time is used up; the task comes again"
        return self.results.of(task, Ending(Outcome.UNFINISHED, error=error, retryable=True, lingers=begun))


def _by_key(tasks: Iterable[Task]) -> list[Step]:
    groups: dict[tuple[str, str, str, str], Step] = {}
    for number, task in enumerate(tasks):
        place = (task.target, "", task.target_key) if task.target else ("", task.source, task.key)
        groups.setdefault((task.forward, *place), []).append((number, task))
    return [_in_order(group) if forward else group for (forward, *_), group in groups.items()]


def _in_order(same: Step) -> Step:
    """The tasks of one key, the newest event last where all tell their time: whoever is told has no other order."""
    told = [(task.time, place) for place, (_, task) in enumerate(same) if task.time]
    return [same[place] for _, place in sorted(told)] if len(told) == len(same) else same


def _destination(group: list[Step]) -> str:
    task = group[0][0][1]
    return f"forward {task.forward}" if task.forward else task.way


def _gather(keys: list[Step], most: int) -> list[list[Step]]:
    """Groups of one step each, with the tasks of at most *most* keys."""
    return [[list(chain(*keys[start : start + most]))] for start in range(0, len(keys), most)]
