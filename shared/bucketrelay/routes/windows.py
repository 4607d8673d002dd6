"""When a route may work, and how fast: `[routes.windows]`. Pure.

A time of a window is written `20:00-06:00`, `sat-sun`, or `mon-fri 20:00-06:00`, always in UTC. One that ends before it
begins ends on the next day; the day that is written is the one on which it begins.
"""

import re
from datetime import datetime, timedelta, timezone

from bucketrelay.values import dataclass

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60  # minutes
_WEEK = 7 * _DAY
_WRITTEN = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?)? ?(?:(?P<from>[0-9]{2}:[0-9]{2})-(?P<to>[0-9]{2}:[0-9]{2}))?"
)


class BadWindow(ValueError):
    """A text that is no time of a window; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes of a week, from Monday 00:00 UTC; *end* may lie in the next week, and is itself outside."""

    start: int
    end: int

    def holds(self, minute: int) -> bool:
        """Whether *minute*, from 0 to 10,079, is within."""
        return self.start <= minute < self.end or self.start <= minute + _WEEK < self.end


@dataclass(frozen=True, slots=True)
class Windows:
    """The times at which a route works (none: at all times), and the bytes a second of one process (None: no limit)."""

    spans: tuple[Span, ...] = ()
    bandwidth: int | None = None

    def are_open(self, at: datetime) -> bool:
        """Whether the route works at the moment *at*, timezone-aware."""
        return not self.spans or any(span.holds(_minute(at)) for span in self.spans)

    def next_opening(self, at: datetime) -> datetime:
        """The first moment after *at* at which a window begins; *at* itself where there are none."""
        waits = [(span.start - _minute(at) - 1) % _WEEK + 1 for span in self.spans]
        whole = at.astimezone(timezone.utc).replace(second=0, microsecond=0)
        return whole + timedelta(minutes=min(waits)) if waits else at


def spans(text: str) -> tuple[Span, ...]:
    """The times that *text* means, one for each day.

    Raises:
        BadWindow: it is no time of a window.
    """
    parts = _WRITTEN.fullmatch(text.lower())
    if not parts or not (parts["first"] or parts["from"]):
        raise BadWindow(_remedy(text))
    first = _day(parts["first"], text) if parts["first"] else 0
    last = _day(parts["last"], text) if parts["last"] else first if parts["first"] else len(_DAYS) - 1
    start, end = (_time(parts["from"], text), _time(parts["to"], text)) if parts["from"] else (0, _DAY)
    if start in (end, _DAY):
        raise BadWindow(f"{text!r} begins when it ends: write 00:00-24:00 for a whole day")
    length = (end - start) % _DAY or _DAY
    days = range(first, last + 1 if last >= first else last + 1 + len(_DAYS))
    return tuple(Span(day % 7 * _DAY + start, day % 7 * _DAY + start + length) for day in days)


def _minute(at: datetime) -> int:
    utc = at.astimezone(timezone.utc)
    return utc.weekday() * _DAY + utc.hour * 60 + utc.minute


def _day(word: str, text: str) -> int:
    if word not in _DAYS:
        raise BadWindow(_remedy(text))
    return _DAYS.index(word)


def _time(word: str, text: str) -> int:
    hours, minutes = int(word[:2]), int(word[3:])
    if minutes > 59 or hours * 60 + minutes > _DAY:
        raise BadWindow(_remedy(text))
    return hours * 60 + minutes


def _remedy(text: str) -> str:
    return f'{text[:60]!r} is no time of a window: write "20:00-06:00", "sat-sun" or "mon-fri 20:00-06:00", in UTC'
