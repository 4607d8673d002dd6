"""Failed lists, run again: nothing but tasks from another place.

A list is handled when every line of it has a new result in a new list; then it moves to `replayed_object/`. A process
that dies before that leaves it where it is, and replaying twice is harmless: a task looks before it acts.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from bucketrelay import routes
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError, StoreRefused
from bucketrelay.model import Change, Meta, Result, Task
from bucketrelay.reports import lists
from bucketrelay.routes import Route
from bucketrelay.store import MiB, Store

REPLAYED = "replayed_object/"
_LARGEST = 256 * MiB  # of one list, which is read whole to be moved
_NAME = re.compile(r"failed_object/(\d{4})/(\d\d)/(\d\d)/(\d\d)(\d\d)(\d\d)")
_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a failed list: what it said, and the task that it asks for, or why there is none any more."""

    result: Result
    task: Task | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """What replaying needs of the world."""

    log: Store
    routes: tuple[Route, ...]
    runner: Runner
    now: Callable[[], datetime]

    def names(self, since: datetime | None = None) -> Iterator[str]:
        """The failed lists, the oldest first; those written before *since* left out."""
        for info in self.log.list(lists.FAILED):
            written = _written(info.key)
            if since is None or written is None or written >= since.replace(microsecond=0):
                yield info.key

    def lines(self, name: str) -> list[Line]:
        """What a failed list asks for. Raises StoreRefused where it is too large to be one of ours."""
        found = self.log.look(name)
        if found and found.size > _LARGEST:
            raise StoreRefused(f"{self.log.address.of(name)}: too large to be a list of ours: look at it, or remove it")
        return [self._line(result) for result in lists.read(self.log, name)]

    def run(self, name: str, route: str, invocation: str) -> list[Result]:
        """Run a list's tasks again (of *route* only, if given), write their lists, and move the list away.

        Raises:
            RelayError: a list could not be read, written or moved; nothing is lost, and it may be replayed again.
        """
        lines = self.lines(name)
        mine = [line for line in lines if route in ("", line.result.route)]
        if not mine:
            return []
        ended = iter(self.runner.run([line.task for line in mine if line.task], Deadline()))
        results = [next(ended) if line.task else self._lost(line) for line in mine]
        rest = [line.result for line in lines if route not in ("", line.result.route)]
        lists.write(self.log, [*results, *rest], invocation=invocation, now=self.now())
        self._move(name)
        return results

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
        found = next((route for route in self.routes if route.name == result.route), None)
        source = result.source.removesuffix(f"/{result.key}")
        for target in found.targets or ("",) if found else ("",):
            task = routes.replan(
                result.route, result.key, target, self.routes, change=Change(result.change), source=source
            )
            if target == "" or self.runner.name(task)[1] == result.target:
                return replace(task, cause=result.cause)
        raise routes.NotPlanned(f"the route {result.route} has no target {result.target} any more")

    def _lost(self, line: Line) -> Result:
        return replace(line.result, time=self.now(), error=line.error, retryable=False)

    def _move(self, name: str) -> None:
        found = self.log.fetch(name, _LARGEST)
        if found is None or found.body is None:
            return  # another replay has moved it
        if len(found.body) < found.info.size:
            raise StoreRefused(f"{self.log.address.of(name)}: too large to be moved; move it by hand, it is handled")
        self.log.put(REPLAYED + name.removeprefix(lists.FAILED), found.body, Meta(content_type=lists.CONTENT_TYPE))
        self.log.delete(name, expect=found.info)


def _written(name: str) -> datetime | None:
    """When a list was written, by its name; None where somebody else has named it."""
    found = _NAME.match(name)
    try:
        return datetime.strptime("".join(found.groups()) + "Z", "%Y%m%d%H%M%S%z") if found else None
    except ValueError:  # the 99th of a month
        return None


def moment(text: str, now: datetime) -> datetime:
    """When *text* means: `2026-11-21`, `2026-11-21T09:15:00Z`, or so long ago: `90s 15m 2h 7d`. Raises ValueError."""
    ago = _AGO.fullmatch(text)
    if ago:
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError as error:
            raise ValueError(f"{text[:60]!r} is longer ago than there are years") from error
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def tasks(lines: Sequence[Line], route: str) -> list[Task]:
    """The tasks of some lines, of one route if it is named."""
    return [line.task for line in lines if line.task and route in ("", line.result.route)]
