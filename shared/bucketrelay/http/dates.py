"""Dates as HTTP says them. Pure."""

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime


def http_date(text: str | None) -> datetime | None:
    """What a header such as `Last-Modified` says, in UTC; None where it says nothing that is a date.

    `-0000` and no zone at all are UTC (RFC 5322, 3.3; RFC 9110, 5.6.7); Python takes both for this machine's own zone.
    Years 0 and 10000 and zones of days come from servers whose clock is broken: no reason not to copy their objects.
    """
    try:
        found = parsedate_to_datetime(text) if text else None
        return found and (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
