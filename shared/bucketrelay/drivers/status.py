"""Is it behind, how far, since when, and why: one line for each route and target, from everything that knows."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from bucketrelay.model import Result
from bucketrelay.reports.books import begin_time, last_books
from bucketrelay.reports.heartbeats import Heartbeat, heartbeat
from bucketrelay.reports.reader import Reader
from bucketrelay.reports.status import Standing, Tally
from bucketrelay.reports.sums import Sums, slice_start
from bucketrelay.routes import Route
from bucketrelay.store import Store
from bucketrelay.values import dataclass

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on somebody should look; None: nothing of the kind raises an alarm. Times in seconds."""

    lag: float | None = None
    failed: int | None = None
    dead: int | None = None
    books: float | None = None
    probe: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the job queue has of a route and target."""

    jobs: int = 0
    dead: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One route and one of its targets, with the alarms that are up."""

    standing: Standing
    behind: float  # seconds since the oldest write that is known not to be at the target; 0.0 where there is none
    oldest: datetime | None
    waiting: int
    dead: int
    blown: bool  # the route's delete fuse
    books: Mapping[str, Any] | None
    alarms: tuple[str, ...]
    ever: Sums  # what was done since counting began: it only grows
    rests: str = ""  # why nothing of the route is done now
    probed: bool = False  # whether the route has heartbeats
    heartbeat: Heartbeat | None = None  # the last one that came through
    silence: float | None = None  # seconds since that was written; None where none ever came through

    @property
    def books_time(self) -> datetime | None:
        """When the last books were begun."""
        return begin_time(self.books) if self.books else None

    def members(self) -> dict[str, object]:
        """As `status --json` says it."""
        standing, lag = self.standing, self.standing.lag
        return {
            "route": standing.route,
            "target": standing.target,
            "copied": standing.copied,
            "deleted": standing.deleted,
            "unchanged": standing.unchanged,
            "forwarded": standing.forwarded,
            "failed": standing.failed,
            "causes": standing.causes,
            "bytes": standing.bytes,
            "lag": {"p50": lag.p50, "p99": lag.p99, "max": lag.max},
            "behind": round(self.behind, 3),
            "oldest": self.oldest.isoformat().replace("+00:00", "Z") if self.oldest else None,
            "waiting": self.waiting,
            "dead": self.dead,
            "fuse": "blown" if self.blown else "whole",
            "books": self.books,
            "alarms": list(self.alarms),
            **({"rests": self.rests} if self.rests else {}),
            **({"probe": self._probe()} if self.probed else {}),
        }

    def _probe(self) -> dict[str, object] | None:
        last, silence = self.heartbeat, self.silence
        if last is None or silence is None:
            return None
        time = last.time.isoformat().replace("+00:00", "Z")
        return {"time": time, "age": round(silence, 3), "created": last.created, "deleted": last.deleted}


class ListFigures(Protocol):
    """What the lists tell, read as they grow."""

    unreadable: list[str]  # a line for each list that could not be read

    def tally(self, since: datetime) -> Tally:
        """What they tell by now; what was done since can be counted in it."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What looking needs of the world.

    Args:
        routes: of the configuration.
        log: the log store.
        target: the name of the store, or of the forward, that a result was for; "" where none is configured.
        now: the time of day, timezone-aware.
        blown: whether a route's delete fuse has blown.
        queued: what the job queue has of a route and target.
        thresholds: of the alarms.
        rests: why nothing of a route is done now: it is paused, or its windows are closed.
        kept: what the lists have told since a time, where a database knows it: no list is read twice then.
    """

    routes: tuple[Route, ...]
    log: Store
    target: Callable[[Result], str]
    now: Callable[[], datetime]
    blown: Callable[[str], bool] = lambda _: False
    queued: Callable[[str, str], Waiting] = lambda _route, _target: Waiting()
    thresholds: Thresholds = Thresholds()
    rests: Callable[[str], str] = lambda _: ""
    kept: Callable[[datetime], ListFigures | None] = lambda _: None

    def lines(self, since: datetime, route: str = "") -> tuple[list[Line], list[str]]:
        """A line for each target of each route (of one, if named), and what could not be read.

        Args:
            since: what was done before the five minutes that this lies in is not counted. What failed before and was
                never tried again is not seen, unless a database remembers it.
        """
        watch = Watch(self, since)
        return watch.lines(route), watch.unreadable

    def pairs(self) -> list[tuple[str, str]]:
        """Each route with each of its targets, or with its forward."""
        return [(route.name, name) for route in self.routes for name in route.targets or (route.forward,)]

    def line(self, standing: Standing, tally: Tally) -> Line:
        """What all that knows says of one route and target."""
        now, queued = self.now(), self.queued(standing.route, standing.target)
        oldest = min(filter(None, (standing.oldest, queued.oldest)), default=None)
        behind = (now - oldest).total_seconds() if oldest else 0.0
        books = next(
            (row for row in last_books(self.log, standing.route) if row.get("target") == standing.target), None
        )
        failures = tally.failures(now - HOUR, (standing.route, standing.target))
        probed = standing.target in self._probe_targets(standing.route)
        last = heartbeat(self.log, standing.route, standing.target) if probed else None
        return Line(
            standing,
            behind=behind,
            oldest=oldest,
            # A key that failed may be in the lists and in the queue: the greater number, not both.
            waiting=max(standing.waiting, queued.jobs),
            dead=queued.dead,
            blown=self.blown(standing.route),
            books=books,
            alarms=(
                *self._alarms(behind, failures, queued.dead, books),
                *(["probe"] if probed and self._is_silent(last) else []),
            ),
            ever=tally.total((standing.route, standing.target)),
            rests=self.rests(standing.route),
            probed=probed,
            heartbeat=last,
            silence=(now - last.time).total_seconds() if last else None,
        )

    def _probe_targets(self, name: str) -> tuple[str, ...]:
        """The targets to which the route has heartbeats."""
        return next((route.targets for route in self.routes if route.name == name and route.probe), ())

    def _is_silent(self, last: Heartbeat | None) -> bool:
        limit = self.thresholds.probe
        since = last.since if last else None
        return limit is not None and (since is None or self.now() - since > timedelta(seconds=limit))

    def _alarms(self, behind: float, failures: int, dead: int, books: Mapping[str, Any] | None) -> Iterable[str]:
        limits = self.thresholds
        if limits.lag is not None and behind > limits.lag:
            yield "lag"
        if limits.failed is not None and failures >= limits.failed:
            yield "failed"
        if limits.dead is not None and dead >= limits.dead:
            yield "dead"
        if limits.books is not None and not self._closed_since(books, limits.books):
            yield "books"

    def _closed_since(self, books: Mapping[str, Any] | None, seconds: float) -> bool:
        began = begin_time(books) if books and books.get("complete") else None
        return began is not None and self.now() - began <= timedelta(seconds=seconds)


class Lists:
    """What the lists tell, read by this process alone, which remembers what it has read.

    Args:
        since: lists written before are passed over.
    """

    def __init__(self, survey: Survey, since: datetime) -> None:
        start = slice_start(min(since, survey.now() - HOUR))  # whatever is asked for, an alarm looks back an hour
        self._reader = Reader(survey.log, start, survey.now)
        self._tally = Tally(survey.target, start)
        self.unreadable = self._reader.unreadable

    def tally(self, since: datetime) -> Tally:
        """See `ListFigures`."""
        for result in self._reader.fresh():
            self._tally.add(result)
        self._tally.forget(since - HOUR)
        return self._tally


class Watch:
    """A survey that goes on: of the lists only what is new since the last time is read.

    Args:
        since: what was done before is not counted; or
        last: what was done longer ago than so.
    """

    def __init__(self, survey: Survey, since: datetime, last: timedelta | None = None) -> None:
        self.survey, self._since, self._last = survey, since, last
        self._told = survey.kept(since) or Lists(survey, since)
        self.tally = Tally(survey.target)

    @property
    def unreadable(self) -> list[str]:
        """A line for each list that could not be read."""
        return self._told.unreadable

    def lines(self, route: str = "") -> list[Line]:
        """A line for each target of each route (of one, if named), as things stand now."""
        since = self.survey.now() - self._last if self._last else self._since
        self.tally = self._told.tally(since)
        standings = self.tally.standings(self.survey.pairs(), since)
        return [self.survey.line(each, self.tally) for each in standings if each.route and route in ("", each.route)]
