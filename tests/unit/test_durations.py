"""Lengths of time and moments, as people write them."""

import contextlib
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay import durations

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("15m", 900), ("24h", 86400), ("7d", 604800), ("0s", 0)])
def test_a_length_of_time_has_one_unit(text, seconds):
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "1.5h", "-3m", "2 h", "5w", "1h30m", "\u0663h", "9999999999d"])
def test_what_is_no_length_of_time_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="write 30s, 15m, 24h or 7d"):
        durations.seconds(text)


@given(st.integers(0, 10**9 - 1))
def test_a_length_of_time_is_read_as_it_was_written(seconds):
    assert durations.seconds(durations.as_text(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=timezone.utc)),
        ("2026-11-21T09:15:00Z", NOW),
        ("2026-11-21T10:15:00+01:00", NOW),
        ("2026-11-21T09:15:00", NOW),
    ],
)
def test_a_moment_is_a_date_or_so_long_ago(text, moment):
    assert durations.moment(text, NOW) == moment


@given(st.text())
def test_any_other_text_is_a_value_error_and_nothing_else(text):
    with contextlib.suppress(ValueError):
        assert durations.moment(text, NOW).tzinfo
