"""Sums of results: they add up in any order, take bounded room, and can be kept in a table. Pure."""

import re
from collections import Counter
from datetime import datetime, timezone
from functools import lru_cache
from math import log10
from typing import NamedTuple

from bucketrelay.model import Outcome, Result
from bucketrelay.reports.printable import printable
from bucketrelay.values import dataclass, field

SLICE = 300  # seconds: what is counted from some moment on is counted from the beginning of its five minutes
_LONGEST_CAUSE = 160
_NUMBER = re.compile(r"\d{3,}(?:\.\d+)?")
_MOST_CAUSES = 200  # of one sum: words that differ for each object must not fill a table
OTHERS = "other causes"
_DONE = (Outcome.COPIED, Outcome.DELETED, Outcome.FORWARDED)


@dataclass(frozen=True, slots=True)
class Lag:
    """Seconds from an object's event to its verified copy: the median, the 99th percentile, the greatest."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class Slice(NamedTuple):
    """What ended in a stretch of time."""

    start: int  # seconds since 1970
    done: int
    failed: int
    lag: float  # the greatest, in seconds


def slice_of(moment: datetime) -> int:
    """The beginning of the five minutes that *moment* lies in, in seconds since 1970."""
    return int(moment.timestamp()) // SLICE * SLICE


def slice_start(moment: datetime) -> datetime:
    """The same as a time."""
    return datetime.fromtimestamp(slice_of(moment), timezone.utc)


def cause_of(result: Result) -> str:
    """Why a task failed, in words that are the same for every object: without its URLs and without long numbers.

    It prints, and UTF-8 can hold it: it is a label of a metric, a link, and a heading.
    """
    return _cause(result.error, result.source, result.target)


@lru_cache(maxsize=1 << 15)  # a page asks for those of all failures, at each look
def _cause(words: str, *names: str) -> str:
    for name in sorted({*names} - {""}, key=len, reverse=True):
        words = words.replace(name, "…")
    words = _NUMBER.sub(lambda match: match[0] if len(match[0]) == 3 else "#", words)
    return printable(words.removeprefix("…:").strip())[:_LONGEST_CAUSE]


def bucket(seconds: float) -> int:
    """A lag as it is counted, in milliseconds: three digits of it, above 1,000 seconds four.

    So a day's lags, however many objects they are of, are some thousand numbers at most, and a quantile is off by half
    a second at most up to 10,000 seconds, and by a two-thousandth above.
    """
    thousandths = round(max(seconds, 0.0) * 1000)
    if thousandths < 1000:
        return thousandths
    digits = 3 if thousandths < 1_000_000 else 4
    step: int = 10 ** (int(log10(thousandths)) + 1 - digits)
    return round(thousandths / step) * step


@dataclass(slots=True)
class Sums:
    """Results added up."""

    outcomes: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    lags: Counter[int] = field(default_factory=Counter)  # how many copies had a lag, by its bucket
    greatest: float | None = None  # lag in seconds, exactly
    newest: datetime | None = None  # when the last task ended

    def add(self, result: Result) -> None:
        """Count one result."""
        self.outcomes[result.outcome.value] += 1
        self.bytes += result.bytes
        self.newest = max(filter(None, (self.newest, result.time)))
        if result.outcome is Outcome.FAILED:
            self._blame(cause_of(result), 1)
        if result.lag is not None:
            self.lags[bucket(result.lag)] += 1
            self.greatest = max(self.greatest or 0.0, result.lag)

    def merge(self, other: "Sums") -> None:
        """Count all that *other* has counted."""
        self.outcomes.update(other.outcomes)
        self.bytes += other.bytes
        self.newest = max(filter(None, (self.newest, other.newest)), default=None)
        for cause, count in other.causes.items():
            self._blame(cause, count)
        self.lags.update(other.lags)
        if other.greatest is not None:
            self.greatest = max(self.greatest or 0.0, other.greatest)

    def _blame(self, cause: str, count: int) -> None:
        self.causes[cause if cause in self.causes or len(self.causes) < _MOST_CAUSES else OTHERS] += count

    def lag(self) -> Lag:
        """By nearest rank: figures that some object had, as far as a bucket tells; the greatest exactly."""
        if self.greatest is None:
            return Lag()
        greatest = round(self.greatest, 3)
        return Lag(min(self._rank(50), greatest), min(self._rank(99), greatest), greatest)

    def _rank(self, percent: int) -> float:
        wanted, passed = max(1, -(-self.lags.total() * percent // 100)), 0
        for thousandths in sorted(self.lags):
            passed += self.lags[thousandths]
            if passed >= wanted:
                return thousandths / 1000
        return 0.0

    def slice(self, start: int) -> Slice:
        """As it is drawn."""
        done = sum(self.outcomes[outcome.value] for outcome in _DONE)
        failed = self.outcomes[Outcome.FAILED.value] + self.outcomes[Outcome.UNFINISHED.value]
        return Slice(start, done, failed, self.greatest or 0.0)


def total(some: "list[Sums]") -> Sums:
    """All of them together."""
    whole = Sums()
    for each in some:
        whole.merge(each)
    return whole
