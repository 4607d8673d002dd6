"""Failed lists, run again because a person says so: nothing but tasks from another place."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from bucketrelay.errors import ObjectGone, RelayError
from bucketrelay.model import Task
from bucketrelay.reports.chosen import Chosen
from bucketrelay.reports.rerun import FailedList, Rerun, RerunTotals, Selection
from bucketrelay.reports.sums import cause_of
from bucketrelay.system import System
from bucketrelay.values import dataclass

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TOGETHER = 200  # lines of several lists that are run at once: a list of one line each would use one thread


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a replay would be about.

    Attributes:
        count: objects, each once for a route and target however often it failed.
        causes: of all the route's lines, in the words of `status`.
    """

    count: int
    causes: Counter[str]


@dataclass(frozen=True, slots=True)
class Replay:
    """What replaying needs of the world.

    Args:
        again: the failed lists.
        renew: begins a new hour of a route's delete fuse and takes the mark of a blown one away.
    """

    again: Rerun
    renew: Callable[[str], None]

    def ahead(self, since: datetime | None, route: str, *, cause: str = "") -> Ahead:
        """How much it would be; touches nothing. Of lists that cannot be read nothing is known."""
        objects: set[int] = set()
        causes: Counter[str] = Counter()
        chosen = Chosen(route, cause)
        for failures in self._read(since):
            for line in () if isinstance(failures, str) else failures.lines:
                result = line.result
                if route in ("", result.route):
                    causes[cause_of(result)] += 1
                if chosen.takes(result):
                    objects.add(hash((result.route, result.source, result.target)))
        return Ahead(len(objects), causes)

    def tasks(self, since: datetime | None, route: str, *, cause: str = "") -> Iterator[tuple[list[Task], RerunTotals]]:
        """The tasks of each list that there is, and what is wrong with it; touches nothing."""
        chosen = Chosen(route, cause)
        for failures in self._read(since):
            if isinstance(failures, str):
                yield [], RerunTotals(problems=(failures,))
                continue
            mine = [line for line in failures.lines if chosen.takes(line.result)]
            lost = tuple(line for line in mine if not line.task)
            ended = RerunTotals(lost=lost, problems=(failures.damage,) if failures.damage else ())
            yield [line.task for line in mine if line.task], ended

    def run(
        self, since: datetime | None, route: str, invocation: str, *, cause: str = "", forget: bool = False
    ) -> Iterator[RerunTotals]:
        """Run all lists again, *route*'s lines only if it is named; what is wrong with one costs the others nothing.

        Args:
            cause: only the lines that failed of it, in the words of `status`.
            forget: have the lines end here that no route wants any more.
        """
        chosen = Chosen(route, cause)
        yield from self._run(since, invocation, Selection(lambda line: chosen.takes(line.result), forget))

    def go(self, since: datetime | None, route: str, invocation: str, *, forget: bool = False) -> Iterator[RerunTotals]:
        """The same for the route of a blown fuse: what is held is done, however much it is; then a new hour begins."""
        whole, wanted = True, Selection(lambda line: route == line.result.route, forget, unlimited=True)
        for ended in self._run(since, invocation, wanted):
            whole = whole and not ended.problems
            yield ended
        if whole:  # else somebody has to look first, and say it again
            self.renew(route)

    def _run(self, since: datetime | None, invocation: str, wanted: Selection) -> Iterator[RerunTotals]:
        batch: list[FailedList] = []
        count = 0
        for failures in self._read(since):
            if isinstance(failures, str):
                yield RerunTotals(problems=(failures,))
                continue
            batch.append(failures)
            if sum(len(each.lines) for each in batch) >= _TOGETHER:
                count += 1
                yield self._batch(batch, wanted, f"{invocation}-{count}")
                batch = []
        yield self._batch(batch, wanted, invocation)

    def _batch(self, batch: list[FailedList], wanted: Selection, invocation: str) -> RerunTotals:
        try:
            return self.again.run(batch, wanted, invocation)
        except RelayError as error:
            return RerunTotals(
                problems=(f"{error}: nothing of {len(batch)} lists has moved, they may be replayed again",)
            )

    def _read(self, since: datetime | None) -> Iterator[FailedList | str]:
        """Each list, or why it cannot be read."""
        for name in list(self.again.names(since)):
            try:
                yield self.again.read(name)
            except ObjectGone:
                continue  # another replay has handled it
            except RelayError as error:
                yield str(error)


def replay_of(system: System) -> Replay:
    """The replay of a configured world."""
    return Replay(Rerun(system.log(), system.routes, system.runner, system.now), system.fuses.renew)


def moment(text: str, now: datetime) -> datetime:
    """When *text* means: `2026-11-21`, `2026-11-21T09:15:00Z`, or so long ago: `90s 15m 2h 7d`. Raises ValueError."""
    ago = _AGO.fullmatch(text)
    if ago:
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError as error:
            raise ValueError(f"{text[:60]!r} is longer ago than there are years") from error
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
