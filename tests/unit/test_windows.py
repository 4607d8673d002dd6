"""Times at which a route works, as they are written."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.routes.windows import BadWindow, Windows, spans

MONDAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
minutes = st.integers(0, 7 * 24 * 60 - 1)
clocks = st.integers(0, 24 * 60 - 1)


def windows(*texts):
    return Windows(tuple(span for text in texts for span in spans(text)))


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("20:00-06:00", ["mon 20:00", "tue 05:59", "mon 00:00", "sun 23:59"], ["mon 06:00", "tue 19:59"]),
        ("08:00-12:00", ["mon 08:00", "sun 11:59"], ["mon 12:00", "mon 07:59"]),
        ("sat-sun", ["sat 00:00", "sun 23:59"], ["fri 23:59", "mon 00:00"]),
        ("fri", ["fri 12:00"], ["thu 23:59", "sat 00:00"]),
        ("mon-fri 20:00-06:00", ["fri 20:00", "sat 05:59", "tue 00:00"], ["sat 20:00", "mon 05:00", "sat 06:00"]),
        ("sat-mon 10:00-11:00", ["sat 10:00", "sun 10:30", "mon 10:59"], ["fri 10:30", "tue 10:30"]),
        ("sun 22:00-02:00", ["sun 22:00", "mon 01:59"], ["mon 02:00", "sun 01:00"]),
        ("00:00-24:00", ["mon 00:00", "sun 23:59"], []),
        ("20:00-24:00", ["mon 23:59"], ["mon 19:59", "tue 00:00"]),
        ("MON-FRI 08:00-12:00", ["mon 08:00"], ["sat 08:00"]),
    ],
)
def test_a_window_is_open_between_its_times_in_utc(text, inside, outside):
    made = windows(text)

    assert [when for when in inside if not made.are_open(moment(when))] == []
    assert [when for when in outside if made.are_open(moment(when))] == []


def moment(text):
    day, time = text.split()
    return MONDAY + timedelta(days=DAYS.index(day), hours=int(time[:2]), minutes=int(time[3:]))


@pytest.mark.parametrize(
    "text",
    ["", " ", "20:00", "8:00-9:00", "25:00-26:00", "24:01-03:00", "08:60-09:00", "08:00-08:00", "24:00-08:00", "mo-fr",
     "mon-", "monday", "mon 08:00", "always", "08:00-12:00 mon", "mon  08:00-12:00"],
)  # fmt: skip
def test_what_is_no_time_of_a_window_is_refused_with_an_example(text):
    with pytest.raises(BadWindow, match=r"write .*\d\d:\d\d-\d\d:\d\d"):
        spans(text)


@given(st.text(max_size=30))
def test_any_text_is_a_window_or_refused(text):
    try:
        made = spans(text)
    except BadWindow:
        return
    assert made
    assert all(0 <= span.start < span.end <= span.start + 24 * 60 for span in made)


@given(clocks, clocks, minutes)
def test_a_time_and_its_reverse_share_out_the_day(start, end, at):
    if start == end:
        return
    when = MONDAY + timedelta(minutes=at)

    one, other = windows(f"{clock(start)}-{clock(end)}"), windows(f"{clock(end)}-{clock(start)}")

    assert one.are_open(when) != other.are_open(when)


@given(st.sampled_from(DAYS), clocks, clocks, minutes)
def test_the_next_opening_is_the_first_moment_that_is_open_behind_one_that_is_closed(day, start, end, at):
    if start == end:
        return
    made, now = windows(f"{day} {clock(start)}-{clock(end)}"), MONDAY + timedelta(minutes=at)
    if made.are_open(now):
        return

    opens = made.next_opening(now)

    assert now < opens <= now + timedelta(days=7)
    assert made.are_open(opens)
    assert not made.are_open(opens - timedelta(minutes=1))
    assert not any(made.are_open(now + (opens - now) * part / 16) for part in range(16))


def test_the_time_of_another_zone_is_read_in_utc():
    zone = timezone(timedelta(hours=8))

    assert windows("08:00-12:00").are_open(datetime(2026, 11, 23, 17, tzinfo=zone))
    assert not windows("08:00-12:00").are_open(datetime(2026, 11, 23, 9, tzinfo=zone))


def test_without_a_time_the_windows_are_always_open():
    assert Windows().are_open(MONDAY)
