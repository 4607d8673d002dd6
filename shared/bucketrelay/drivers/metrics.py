"""Where replication stands, in Prometheus's words: the same numbers as `bucketrelay status`.

Names follow prometheus.io/docs/practices/naming: a unit in the name, `_total` for what only grows. `METRICS` is the
table that docs/metrics.md is made from.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bucketrelay.drivers.status import Line


class Words(NamedTuple):
    """One metric: its kind, its labels beside route and target, and what it says."""

    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    help: str


METRICS: Mapping[str, Words] = MappingProxyType(
    {
        "bucketrelay_tasks_total": Words("counter", ("outcome",), "Tasks by how they ended."),
        "bucketrelay_copied_bytes_total": Words("counter", (), "Bytes of the objects that were copied."),
        "bucketrelay_failures_total": Words("counter", ("cause",), "Failed tasks by their cause."),
        "bucketrelay_lag_seconds": Words(
            "gauge",
            ("quantile",),
            "Seconds from an object's event to its verified copy: 0.5, 0.99 and 1 (the greatest).",
        ),
        "bucketrelay_behind_seconds": Words(
            "gauge", (), "Age of the oldest write that is known not to be at the target; 0 where there is none."
        ),
        "bucketrelay_waiting_objects": Words("gauge", (), "Objects that are not right at the target yet."),
        "bucketrelay_dead_jobs": Words("gauge", (), "Jobs that have used up their attempts."),
        "bucketrelay_fuse_blown": Words("gauge", (), "1 where the route's deletes are held."),
        "bucketrelay_resting": Words("gauge", (), "1 where the route is paused, or its windows are closed."),
        "bucketrelay_probe_time_seconds": Words(
            "gauge", (), "When the last heartbeat that came through was written, in seconds since 1970."
        ),
        "bucketrelay_probe_lag_seconds": Words(
            "gauge", ("change",), "Seconds that it took to be at the target, and to be gone there: created, deleted."
        ),
        "bucketrelay_books_time_seconds": Words("gauge", (), "When the last books were begun, in seconds since 1970."),
        "bucketrelay_books_complete": Words("gauge", (), "1 where the last books are complete."),
        "bucketrelay_books_objects": Words(
            "gauge", ("kind",), "Objects in the last books: right, missing, different …"
        ),
        "bucketrelay_alarm": Words("gauge", ("alarm",), "1 where the alarm is up."),
    }
)
OUTCOMES = ("copied", "deleted", "unchanged", "forwarded", "failed")
ALARMS = ("lag", "failed", "dead", "books", "probe")
BOOKS = (
    "source_objects",
    "target_objects",
    "right",
    "missing",
    "different",
    "surplus",
    "kept",
    "unclear",
    "failed",
    "undeleted",
    "excluded",
)
_FRESH = 5.0  # seconds that an answer holds: two scrapers, and the page, read the lists once


class Status(Collector):
    """Collects what *lines* says, once in some seconds."""

    def __init__(self, lines: Callable[[], Sequence[Line]], now: Callable[[], float] = time.monotonic) -> None:
        self._lines, self._now = lines, now
        self._last: tuple[float, Sequence[Line]] | None = None

    def describe(self) -> Iterator[Metric]:
        """Nothing: no list is read before somebody wants to know."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every metric of the table, with a sample for each route and target."""
        families = {name: _family(name) for name in METRICS}
        for line in self.lines():
            for name, labels, value in samples(line):
                families[name].add_metric([line.standing.route, line.standing.target, *labels], value)
        yield from families.values()

    def lines(self) -> Sequence[Line]:
        """The lines of now, or of some seconds ago."""
        if self._last is None or self._now() - self._last[0] >= _FRESH:
            self._last = self._now(), self._lines()
        return self._last[1]


def samples(line: Line) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Each number of a line: the metric's name, its labels beside route and target, the value."""
    ever, lag = line.ever, line.standing.lag
    for outcome in OUTCOMES:
        yield "bucketrelay_tasks_total", (outcome,), float(ever.outcomes[outcome])
    yield "bucketrelay_copied_bytes_total", (), float(ever.bytes)
    for cause, count in ever.causes.items():
        yield "bucketrelay_failures_total", (cause,), float(count)
    for quantile, seconds in (("0.5", lag.p50), ("0.99", lag.p99), ("1", lag.max)):
        if seconds is not None:
            yield "bucketrelay_lag_seconds", (quantile,), seconds
    yield "bucketrelay_behind_seconds", (), line.behind
    yield "bucketrelay_waiting_objects", (), float(line.waiting)
    yield "bucketrelay_dead_jobs", (), float(line.dead)
    yield "bucketrelay_fuse_blown", (), float(line.blown)
    yield "bucketrelay_resting", (), float(bool(line.rests))
    yield from _heartbeat(line)
    yield from _books(line)
    for alarm in ALARMS:
        yield "bucketrelay_alarm", (alarm,), float(alarm in line.alarms)


def _heartbeat(line: Line) -> Iterator[tuple[str, tuple[str, ...], float]]:
    if (last := line.heartbeat) is None:
        return
    yield "bucketrelay_probe_time_seconds", (), last.time.timestamp()
    yield "bucketrelay_probe_lag_seconds", ("created",), last.created
    if last.deleted is not None:
        yield "bucketrelay_probe_lag_seconds", ("deleted",), last.deleted


def _books(line: Line) -> Iterator[tuple[str, tuple[str, ...], float]]:
    if line.books is None:
        return
    if began := line.books_time:
        yield "bucketrelay_books_time_seconds", (), began.timestamp()
    yield "bucketrelay_books_complete", (), float(bool(line.books.get("complete")))
    for kind in BOOKS:
        count = line.books.get(kind)
        if isinstance(count, int):
            yield "bucketrelay_books_objects", (kind,), float(count)


def _family(name: str) -> CounterMetricFamily | GaugeMetricFamily:
    words = METRICS[name]
    make = CounterMetricFamily if words.kind == "counter" else GaugeMetricFamily
    return make(name, words.help, labels=["route", "target", *words.labels])
