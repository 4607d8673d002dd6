"""Failed lists, run again: lines back into tasks, and lists that are handled out of the way.

A list is handled when every line of it that is wanted has a new result in a new list, and every other one is, as it
was, in a list of the same time beside it, its rest; then it moves to `replayed_object/`, or, where something in it is
no line of ours, to `damaged_object/`. A process that dies before that leaves it where it is, and running it twice is
harmless: a task looks before it acts.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timezone

from bucketrelay import routes
from bucketrelay.core.delete_fuse import UNLIMITED
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.errors import BadEvent, ObjectGone, RelayError, StoreRefused
from bucketrelay.model import Change, Meta, Result, Task
from bucketrelay.reports import lists
from bucketrelay.routes import Route
from bucketrelay.store import MiB, Store
from bucketrelay.values import dataclass, replace

DAMAGED = "damaged_object/"
_LARGEST = 256 * MiB  # of one list, which is read whole to be moved
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)  # for lines of early releases, without `written`


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a failed list: what it said, and the task that it asks for, or why there is none any more."""

    result: Result
    task: Task | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class FailedList:
    """A failed list as far as it can be read; `damage` says what in it is no line of ours."""

    name: str
    lines: tuple[Line, ...]
    damage: str = ""


@dataclass(frozen=True, slots=True)
class RerunTotals:
    """What became of some failed lists."""

    results: tuple[Result, ...] = ()
    lost: tuple[Line, ...] = ()  # lines that no route wants any more; they stay
    forgotten: int = 0  # such lines that are in no failed list any more
    problems: tuple[str, ...] = ()  # what a person should know, a line each


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines are to be run, and how.

    Args:
        line: whether a line is wanted.
        forget: have the wanted lines that are no task any more end here.
        unlimited: the delete fuse does not hold these tasks; a person has said go.
        deadline: under which the tasks run.
    """

    line: Callable[[Line], bool]
    forget: bool = False
    unlimited: bool = False
    deadline: Deadline = Deadline()  # endless, and does not change


@dataclass(frozen=True, slots=True)
class Rerun:
    """What running failed lists again needs of the world."""

    log: Store
    routes: tuple[Route, ...]
    runner: Runner
    now: Callable[[], datetime]

    def names(self, since: datetime | None = None) -> Iterator[str]:
        """The failed lists, the oldest first; those written before *since* left out."""
        for info in self.log.list(lists.FAILED):
            time = lists.time_of(info.key, lists.FAILED)
            if since is None or time is None or time >= since.replace(microsecond=0):
                yield info.key

    def read(self, name: str) -> FailedList:
        """What a failed list asks for.

        Raises:
            RelayError: it cannot be read now, is gone, or too large to be one of ours.
        """
        info = self.log.look(name)
        if info and info.size > _LARGEST:
            raise StoreRefused(f"{self.log.address.of(name)}: too large to be a list of ours: look at it, or remove it")
        lines, damage = [], ""
        for each in lists.readable(self.log, name):
            if isinstance(each, BadEvent):
                damage = damage or str(each)
            else:
                lines.append(self._line(each))
        return FailedList(name, tuple(lines), damage)

    def run(
        self, failures: Sequence[FailedList], wanted: Selection, invocation: str, *, time: datetime | None = None
    ) -> RerunTotals:
        """Run the wanted lines, each task once, write their lists, and move the handled lists away.

        Args:
            time: under which the new list is kept; now, if it is not given.

        Raises:
            RelayError: the new lists could not be written: nothing has moved, and all may be run again.
        """
        lines = [line for each in failures for line in each.lines if wanted.line(line)]
        handled = [each for each in failures if each.damage or any(_handles(line, wanted) for line in each.lines)]
        results = self._results([line.task for line in lines if line.task], wanted)
        # Nobody has counted the results of a damaged list: its readable lines go into a new one, and are counted.
        damaged = [line for each in handled if each.damage for line in each.lines]
        anew = [line.result for line in damaged if not _handles(line, wanted)]
        if results or anew:
            lists.write(self.log, [*results, *anew], invocation=invocation, now=time or self.now())
        for each in handled:
            if not each.damage:
                self._keep_rest(each, wanted, invocation)
        lost = [line for line in lines if not line.task]
        problems = [problem for each in handled for problem in self._move_aside(each)]
        stay = () if wanted.forget else tuple(lost)
        return RerunTotals(tuple(results), stay, len(lost) - len(stay), tuple(problems))

    def _keep_rest(self, each: FailedList, wanted: Selection, invocation: str) -> None:
        kept = [not _handles(line, wanted) for line in each.lines]
        if any(kept):
            with suppress(ObjectGone):  # another replay has moved it, and has written before what is left
                lists.write_rest(self.log, each.name, kept, invocation=invocation)

    def _results(self, tasks: Iterable[Task], wanted: Selection) -> list[Result]:
        # Of a key's events the newest counts, whichever list was written last: whom it is told to knows no other.
        ordered = sorted(tasks, key=lambda task: task.time or _LONG_AGO)
        once = {(task.route, task.source, task.key, task.target, task.forward): task for task in ordered}
        chosen = [replace(task, max_deletes=UNLIMITED) if wanted.unlimited else task for task in once.values()]
        return self.runner.run(chosen, wanted.deadline)

    def _line(self, result: Result) -> Line:
        try:
            return Line(result, self._task(result))
        except RelayError as error:
            return Line(result, None, str(error))

    def _task(self, result: Result) -> Task:
        if not result.route:
            raise routes.NotPlanned(f"{result.error}; if a route has the bucket now, let its events come again")
        if result.change not in (Change.CREATED.value, Change.REMOVED.value):
            raise routes.NotPlanned(f"{result.change[:60]!a} is no change of an object: it is not one of our lines")
        known = next((route for route in self.routes if route.name == result.route), None)
        source = result.source.removesuffix(f"/{result.key}")
        for target in known.targets or ("",) if known else ("",):
            task = routes.replan(
                result.route, result.key, target, self.routes, change=Change(result.change), source=source
            )
            if target == "" or self.runner.results.urls(task)[1] == result.target:
                return replace(task, cause=result.cause, time=result.written)
        store = result.target.removesuffix(f"/{known.target_key(result.key)}") if known else result.target
        raise routes.NotPlanned(f"the route {result.route} has no target {store} any more")

    def _move_aside(self, each: FailedList) -> Iterator[str]:
        """Move a handled list away; what went wrong, and what was damaged."""
        try:
            self._move(each)
        except RelayError as error:
            yield f"{error}: it is handled, and comes again all the same"
        else:
            if each.damage:
                yield f"{each.damage}: what could be read was run, the list is in {DAMAGED} now"

    def _move(self, each: FailedList) -> None:
        fetched = self.log.fetch(each.name, _LARGEST)
        if fetched is None or fetched.body is None:
            return  # another replay has moved it
        if len(fetched.body) < fetched.info.size:
            raise StoreRefused(f"{self.log.address.of(each.name)}: too large to be moved: move it by hand")
        to = (DAMAGED if each.damage else lists.REPLAYED) + each.name.removeprefix(lists.FAILED)
        self.log.put(to, fetched.body, Meta(content_type=lists.CONTENT_TYPE))
        self.log.delete(each.name, expect=fetched.info)


def _handles(line: Line, wanted: Selection) -> bool:
    """Whether the line need not be kept: its task has run, or it is to be forgotten."""
    return wanted.line(line) and (line.task is not None or wanted.forget)
