"""Prometheus is told the same numbers as `bucketrelay status` prints."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bucketrelay.drivers.metrics import METRICS, Status
from bucketrelay.drivers.status import Line
from bucketrelay.reports.heartbeats import Heartbeat
from bucketrelay.reports.status import Standing
from bucketrelay.reports.sums import Lag, Sums

STANDING = Standing("photos", "mirror", copied=3, failed=2, causes={"503: later": 2}, bytes=30, lag=Lag(1.0, 2.0, 3.0))
BOOKS = {"complete": True, "time": "20261121T091500.000000Z", "right": 9, "missing": 1}
TIME = datetime(2026, 11, 21, tzinfo=timezone.utc)
BEAT = Heartbeat(TIME, 1.5, 2.5)
EVER = Sums(Counter(copied=5, failed=4), Counter({"503: later": 4}), bytes=50)  # of the last day, and of all before
LINE = Line(STANDING, 60.0, TIME, 4, 1, True, BOOKS, ("lag",), EVER, probed=True, heartbeat=BEAT, silence=30.0)


def scraped(lines):
    registry = CollectorRegistry()
    registry.register(Status(lambda: lines))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (s.name, *(v for k, v in s.labels.items() if k not in ("route", "target"))): s.value
        for f in families
        for s in f.samples
    }


def test_every_number_of_a_line_is_a_sample():
    seen = scraped([LINE])

    assert seen["bucketrelay_tasks_total", "copied"] == 5
    assert seen["bucketrelay_tasks_total", "failed"] == 4
    assert seen["bucketrelay_failures_total", "503: later"] == 4
    assert seen["bucketrelay_copied_bytes_total",] == 50
    assert [seen["bucketrelay_lag_seconds", q] for q in ("0.5", "0.99", "1")] == [1, 2, 3]
    assert (seen["bucketrelay_behind_seconds",], seen["bucketrelay_waiting_objects",]) == (60, 4)
    assert (seen["bucketrelay_dead_jobs",], seen["bucketrelay_fuse_blown",]) == (1, 1)
    assert (seen["bucketrelay_books_complete",], seen["bucketrelay_books_objects", "missing"]) == (1, 1)
    assert seen["bucketrelay_books_time_seconds",] == datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc).timestamp()
    assert [seen["bucketrelay_probe_lag_seconds", change] for change in ("created", "deleted")] == [1.5, 2.5]
    assert seen["bucketrelay_probe_time_seconds",] == TIME.timestamp()
    assert (seen["bucketrelay_alarm", "lag"], seen["bucketrelay_alarm", "dead"]) == (1, 0)


def test_every_metric_of_the_table_is_told_and_no_other():
    assert {name for name, *_ in scraped([LINE])} == set(METRICS)


def test_where_nothing_was_copied_no_lag_is_made_up():
    seen = scraped([replace(LINE, standing=Standing("photos", "mirror"), books=None, heartbeat=None)])

    assert not [name for name in seen if "lag_seconds" in name[0] or "books" in name[0]]


def test_hostile_causes_stay_in_their_label():
    evil = 'x"} 1\nbucketrelay_alarm{alarm="lag'
    seen = scraped([replace(LINE, ever=Sums(causes=Counter({evil: 1})))])

    assert seen["bucketrelay_failures_total", evil] == 1


def test_two_scrapes_at_once_read_the_lists_once():
    reads = []
    status = Status(lambda: reads.append(1) or [LINE], now=iter([0.0, 4.9, 5.0, 5.0]).__next__)

    for _ in range(3):
        list(status.collect())

    assert len(reads) == 2
