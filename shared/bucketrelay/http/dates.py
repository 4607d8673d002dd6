"""Dates as HTTP says them. Pure."""

import re
from datetime import datetime, timezone
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_USUAL = re.compile(r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT")


@lru_cache(maxsize=256)  # an object's is read at each look at it, and those of one batch are often the same
def http_date(text: str | None) -> datetime | None:
    """What a header such as `Last-Modified` says, in UTC; None where it says nothing that is a date.

    `-0000` and no zone at all are UTC (RFC 5322, 3.3; RFC 9110, 5.6.7); Python takes both for this machine's own zone.
    Years 0 and 10000 and zones of days come from servers whose clock is broken: no reason not to copy their objects.
    """
    try:
        moment = (_usual(text) or _unusual(text)) if text else None
        return moment and (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def date_header(moment: datetime) -> str:
    """A time in UTC as the header `Date` says it: `Sat, 21 Nov 2026 09:15:00 GMT`, whatever the locale."""
    date = f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment.year:04}"
    return f"{date} {moment.hour:02}:{moment.minute:02}:{moment.second:02} GMT"  # strftime takes ten times as long


def _usual(text: str) -> datetime | None:
    """The form that RFC 9110 prescribes, in a tenth of the time that all forms take."""
    match = _USUAL.fullmatch(text)
    if not match or match[2] not in _MONTHS:
        return None
    day, hour, minute, second = int(match[1]), int(match[4]), int(match[5]), int(match[6])
    return datetime(int(match[3]), _MONTHS.index(match[2]) + 1, day, hour, minute, second, tzinfo=timezone.utc)


def _unusual(text: str) -> datetime:
    from email.utils import parsedate_to_datetime  # 10 ms, for servers of old habits alone

    return parsedate_to_datetime(text)
