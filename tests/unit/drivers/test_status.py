"""Is it behind, how far, since when: one line for each route and target, with its alarms."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.drivers.status import Survey, Thresholds, Waiting
from bucketrelay.model import Address, Meta, Outcome, Result
from bucketrelay.reports import lists
from bucketrelay.routes import Route
from bucketrelay.testing.memory import MemoryStore

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
DAY = NOW - timedelta(days=1)
ROUTE = Route("photos", Address("s3", "a"), "a", ("b", "c"))
OK = Result("photos", "e", "created", "s3://a/k", "obs://b/k", "k", Outcome.COPIED, NOW, bytes=10, lag=1.0)
BAD = replace(OK, outcome=Outcome.FAILED, bytes=0, lag=None, error="obs://b/k: 503 (SlowDown): it may work later")


def survey(log, **more):
    return Survey((ROUTE,), log, lambda result: result.target[6], lambda: NOW, **more)


def wrote(log, results, ago):
    now = NOW - ago
    lists.write(log, [replace(result, time=now) for result in results], invocation="i", now=now)


def line(log, target="b", **more):
    lines, unreadable = survey(log, **more).lines(DAY)
    assert unreadable == []
    return next(line for line in lines if line.standing.target == target)


def test_every_target_of_every_route_has_a_line_also_where_nothing_happened():
    lines, _ = survey(MemoryStore()).lines(DAY)

    assert [(line.standing.route, line.standing.target, line.behind) for line in lines] == [
        ("photos", "b", 0.0),
        ("photos", "c", 0.0),
    ]


def test_the_oldest_write_that_is_not_at_a_target_says_how_far_it_is_behind():
    log = MemoryStore()
    wrote(log, [BAD], timedelta(hours=2))
    wrote(log, [BAD], timedelta(hours=1))

    seen = line(log)

    assert (seen.behind, seen.oldest, seen.waiting) == (7200.0, NOW - timedelta(hours=2), 1)


def test_a_write_that_arrives_ends_its_lag():
    log = MemoryStore()
    wrote(log, [BAD], timedelta(hours=2))
    wrote(log, [OK], timedelta(minutes=1))

    assert line(log, thresholds=Thresholds(lag=60)).alarms == ()


def test_what_waits_in_the_queue_is_behind_too():
    oldest = NOW - timedelta(minutes=30)
    seen = line(MemoryStore(), queued=lambda route, target: Waiting(7, 2, oldest))

    assert (seen.waiting, seen.dead, seen.behind) == (7, 2, 1800.0)


@pytest.mark.parametrize(
    ("thresholds", "alarms"),
    [
        (Thresholds(), ()),
        (Thresholds(lag=899), ("lag",)),
        (Thresholds(lag=900), ()),
        (Thresholds(failed=2), ("failed",)),
        (Thresholds(failed=3), ()),
        (Thresholds(dead=1), ("dead",)),
        (Thresholds(dead=2), ()),
        (Thresholds(books=3600), ("books",)),
        (Thresholds(lag=1, failed=1, dead=1, books=1), ("lag", "failed", "dead", "books")),
    ],
)
def test_an_alarm_is_up_past_its_threshold(thresholds, alarms):
    log = MemoryStore()
    wrote(log, [BAD, replace(BAD, key="l")], timedelta(minutes=15))

    assert line(log, thresholds=thresholds, queued=lambda *_: Waiting(0, 1)).alarms == alarms


def test_failures_of_more_than_an_hour_ago_raise_no_alarm():
    log = MemoryStore()
    wrote(log, [BAD], timedelta(minutes=61))

    assert line(log, thresholds=Thresholds(failed=1)).alarms == ()


def books(log, time, **row):
    body = json.dumps([{"route": "photos", "target": "b", "complete": True, "time": time, **row}]).encode()
    log.put(f"reconcile/photos/{time}/books.json", body, Meta())


@pytest.mark.parametrize(
    ("time", "row", "alarms"),
    [
        ("20261121T090000.000000Z", {}, ()),
        ("20261121T080000.000000Z", {}, ("books",)),
        ("20261121T090000.000000Z", {"complete": False}, ("books",)),
        ("yesterday", {}, ("books",)),
    ],
)
def test_books_that_are_old_or_not_complete_raise_an_alarm(time, row, alarms):
    log = MemoryStore()
    books(log, time, **row)

    assert line(log, thresholds=Thresholds(books=3600)).alarms == alarms


def test_the_last_books_of_a_target_are_shown():
    log = MemoryStore()
    books(log, "20261120T030000.000000Z", missing=5)
    books(log, "20261121T030000.000000Z", missing=0)

    assert line(log).books["missing"] == 0
    assert line(log, "c").books is None


def test_books_that_cannot_be_read_are_none():
    log = MemoryStore()
    log.put("reconcile/photos/20261121T030000.000000Z/books.json", b"[", Meta())

    assert line(log).books is None


def test_a_line_says_in_json_what_the_contract_promises():
    log = MemoryStore()
    wrote(log, [BAD], timedelta(hours=1))
    wrote(log, [replace(OK, key="l")], timedelta(minutes=1))

    assert line(log, blown=lambda route: route == "photos", thresholds=Thresholds(lag=1)).members() == {
        "route": "photos",
        "target": "b",
        "copied": 1,
        "deleted": 0,
        "unchanged": 0,
        "forwarded": 0,
        "failed": 1,
        "causes": {"503 (SlowDown): it may work later": 1},
        "bytes": 10,
        "lag": {"p50": 1.0, "p99": 1.0, "max": 1.0},
        "behind": 3600.0,
        "oldest": "2026-11-21T08:15:00Z",
        "waiting": 1,
        "dead": 0,
        "fuse": "blown",
        "books": None,
        "alarms": ["lag"],
    }
