"""Dates of headers: the usual form told and read at once, every other as the e-mail package reads it."""

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.http.dates import date_header, http_date

FIRST = datetime(1000, 1, 1)  # noqa: DTZ001 - hypothesis wants its bounds so
MOMENTS = st.datetimes(FIRST, timezones=st.just(timezone.utc)).map(lambda t: t.replace(microsecond=0))


@given(MOMENTS)
def test_a_moment_is_said_as_http_has_it_and_read_back(moment):
    assert date_header(moment) == format_datetime(moment, usegmt=True)
    assert http_date(date_header(moment)) == moment


@given(MOMENTS, st.integers(-12, 12))
def test_other_forms_are_read_too(moment, hours):
    if datetime(1001, 1, 1, tzinfo=timezone.utc) < moment < datetime(9998, 1, 1, tzinfo=timezone.utc):
        elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
        assert http_date(format_datetime(elsewhere)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "soon",
        "Sat, 31 Feb 2026 00:00:00 GMT",
        "Sat, 21 Nov 0000 00:00:00 GMT",
        "Sat, 21 Xxx 2026 00:00:00 GMT",
    ],
)
def test_what_is_no_date_is_none(text):
    assert http_date(text) is None


def test_the_usual_form_costs_no_import():
    code = (
        "import sys; from bucketrelay.http.dates import http_date; assert http_date('Sat, 21 Nov 2026 09:15:00 GMT');"
        "assert 'email.utils' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
