"""Alarms are told when they are raised and when they end, and not in between."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from bucketrelay.drivers.alarms import MARK, Alarm, announce
from bucketrelay.drivers.status import Line
from bucketrelay.errors import Damaged, StoreUnavailable
from bucketrelay.model import Meta
from bucketrelay.reports.status import Standing
from bucketrelay.reports.sums import Sums
from bucketrelay.testing.memory import MemoryStore

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
WELL = Line(Standing("photos", "mirror"), 0.0, None, 0, 0, False, None, (), Sums())
LATE = replace(WELL, behind=1000.0, alarms=("lag",))
LAG = Alarm("photos", "mirror", "lag")


@pytest.fixture
def told():
    return []


def test_an_alarm_is_told_once_while_it_is_up_and_once_when_it_ends(told):
    log = MemoryStore()

    assert announce([LATE], log, told.append, NOW) == [(LAG, True)]
    assert announce([LATE], log, told.append, NOW) == []
    assert announce([WELL], log, told.append, NOW) == [(LAG, False)]
    assert announce([WELL], log, told.append, NOW) == []
    assert [(event["type"], event["subject"]) for event in told] == [
        ("io.bucketrelay.alarm.raised", "photos/mirror"),
        ("io.bucketrelay.alarm.ended", "photos/mirror"),
    ]


def test_what_is_told_is_a_cloud_event_with_the_route_s_state(told):
    announce([LATE], MemoryStore(), told.append, NOW)

    assert told[0]["specversion"] == "1.0"
    assert told[0]["time"] == "2026-11-21T09:15:00Z"
    assert told[0]["data"]["alarm"] == "lag"
    assert told[0]["data"]["status"]["behind"] == 1000.0


def test_where_all_is_well_nothing_is_written():
    log = MemoryStore()

    assert announce([WELL], log, print, NOW) == []
    assert log.keys() == []


def test_news_that_nobody_took_are_told_again(told):
    log = MemoryStore()

    def refuse(event):
        raise StoreUnavailable("503")

    with pytest.raises(StoreUnavailable):
        announce([LATE], log, refuse, NOW)
    assert announce([LATE], log, told.append, NOW) == [(LAG, True)]


def test_an_alarm_of_a_route_that_is_gone_ends(told):
    log = MemoryStore()
    announce([LATE], log, told.append, NOW)

    assert announce([], log, told.append, NOW) == [(LAG, False)]


def test_a_damaged_mark_is_named():
    log = MemoryStore()
    log.put(MARK, b"[[1,2", Meta())

    with pytest.raises(Damaged, match="remove it"):
        announce([LATE], log, print, NOW)
