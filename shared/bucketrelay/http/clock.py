"""The time that signatures are made of: this machine's, put right by a server that refuses it."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from bucketrelay.http.dates import http_date

_ENOUGH = timedelta(minutes=1)  # servers take signatures that are up to 15 minutes off (OCI: 5)


def _machine() -> datetime:
    return datetime.now(timezone.utc)


class Clock:
    """A clock that learns how wrong the machine's is; one for each server.

    Args:
        machine: the time, in UTC.
    """

    def __init__(self, machine: Callable[[], datetime] = _machine) -> None:
        self._machine, self._off = machine, timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time, in UTC."""
        now = self._machine()
        return now + self._off if self._off else now

    def learn(self, date: str | None) -> bool:
        """Take over the Date header of an answer that called ours wrong; False where it says what we believed."""
        told = http_date(date)
        if told is None:
            return False
        with self._lock:
            if abs(told - self.now()) < _ENOUGH:
                return False
            self._off = told - self._machine()
            return True
