"""Lengths of time and moments as people write them: `30s 15m 24h 7d`, `2026-11-21T09:15:00Z`. Pure."""

import re
from datetime import datetime, timedelta, timezone

_DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """How many seconds *text* means: `30s`, `15m`, `24h`, `7d`. Raises ValueError."""
    parts = _DURATION.fullmatch(text)
    if not parts:
        raise ValueError(f"{text[:60]!r} is no length of time: write 30s, 15m, 24h or 7d")
    return int(parts[1]) * _SECONDS[parts[2]]


def as_text(length: float) -> str:
    """A length of time in seconds as `seconds` reads it, in the largest unit that it is whole in."""
    for unit in ("d", "h", "m"):
        if length >= _SECONDS[unit] and length % _SECONDS[unit] == 0:
            return f"{int(length // _SECONDS[unit])}{unit}"
    return f"{int(length)}s"


def moment(text: str, now: datetime) -> datetime:
    """When *text* means: a date, a date and time (UTC unless it says a zone), or so long ago: `2h`. Or ValueError."""
    if _DURATION.fullmatch(text):
        try:
            return now - timedelta(seconds=seconds(text))
        except OverflowError as error:
            raise ValueError(f"{text[:60]!r} is longer ago than there are years") from error
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
