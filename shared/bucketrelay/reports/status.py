"""Where replication stands: from the lists, for each route and target, what was done, how late, and what is missing.

A list is read once, as it grows: `Reader` remembers what it has read. `Tally` adds results up; it does not care in
which order they come, as each says when it ended.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from heapq import merge
from operator import itemgetter
from typing import Any, NamedTuple

from bucketrelay.errors import RelayError
from bucketrelay.model import Outcome, Result
from bucketrelay.reports import lists
from bucketrelay.routes.probes import is_probe
from bucketrelay.store import Store

FOLDERS = (lists.SUCCESS, lists.FAILED, "replayed_object/")
# A list is named when its invocation ends and may be written later: lists of so long ago are looked for once more.
OVERLAP = timedelta(minutes=15)
_NAME = re.compile(r"(\d{4})/(\d\d)/(\d\d)/(\d\d)(\d\d)(\d\d)")
_LONGEST_CAUSE = 160
SLICE = 300  # seconds
_CROWD = 100_000  # keys, before those are forgotten that have long been right
_NUMBER = re.compile(r"\d{3,}(?:\.\d+)?")


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


@dataclass(frozen=True, slots=True)
class Standing:
    """What the lists say of a route and one of its targets.

    `failed` counts failures, and `waiting` the keys that are not right yet: a key that failed three times and was
    copied at last is three failures, and nothing waits.
    """

    route: str
    target: str
    copied: int = 0
    deleted: int = 0
    unchanged: int = 0
    forwarded: int = 0
    failed: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    lag: Lag = field(default_factory=Lag)
    oldest: datetime | None = None  # since when the longest of what waits is known not to be right
    waiting: int = 0
    newest: datetime | None = None  # when the last task ended


def cause_of(result: Result) -> str:
    """Why a task failed, in words that are the same for every object: without its URLs and without long numbers."""
    words = result.error
    for name in sorted({result.source, result.target} - {""}, key=len, reverse=True):
        words = words.replace(name, "…")
    words = _NUMBER.sub(lambda match: match[0] if len(match[0]) == 3 else "#", words)
    return words.removeprefix("…:").strip()[:_LONGEST_CAUSE]


class Tally:
    """Results added up by route and target.

    Args:
        target: the name of the store (or the forward) that a result's target lies in; "" where none is configured.
        since: results that ended before are left out of the counts. What they left undone still waits.
    """

    def __init__(self, target: Callable[[Result], str], since: datetime | None = None) -> None:
        self._target, self._since = target, since
        self._sums: dict[tuple[str, str], _Sum] = {}

    def add(self, result: Result) -> None:
        """Count one result; not that of a heartbeat, which is no object of anybody's."""
        if is_probe(result.key):
            return
        pair = result.route, self._target(result)
        total = self._sums.setdefault(pair, _Sum())
        total.settle(result)
        if self._since is None or result.time >= self._since:
            total.count(result)

    def standings(self, pairs: Iterable[tuple[str, str]] = ()) -> list[Standing]:
        """One for each route and target of *pairs*, and for each that a result was about; ordered by name."""
        known = sorted({*pairs, *self._sums})
        return [self._sums.get(pair, _Sum()).standing(*pair) for pair in known]

    def open(self, route: str = "", target: str = "", cause: str = "") -> Iterator[Result]:
        """The last failure of each key that is not right yet: of one route, target or cause, if it is named."""
        for pair, total in self._sums.items():
            if route in ("", pair[0]) and target in ("", pair[1]):
                yield from (result for result in total.open() if cause in ("", cause_of(result)))

    def slices(self, pair: tuple[str, str]) -> list[Slice]:
        """What was done in each stretch of `SLICE` in which something was done, ascending."""
        total = self._sums.get(pair)
        return [Slice(start, *cells) for start, cells in sorted(total.slices.items())] if total else []

    def failures(self, since: datetime, pair: tuple[str, str]) -> int:
        """How many tasks of a route and target have failed since."""
        return sum(time >= since for time in self._sums[pair].failures) if pair in self._sums else 0


class _Key:
    __slots__ = ("last", "right", "wrong")

    def __init__(self) -> None:
        self.last: Result | None = None  # its last failure
        self.right: datetime | None = None  # when it was right last
        self.wrong: list[tuple[datetime, datetime]] = []  # each failure since: when it ended, when it began


class _Sum:
    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.causes: Counter[str] = Counter()
        self.bytes = 0
        self.lags = array("d")
        self.failures: list[datetime] = []
        self.slices: dict[int, list[Any]] = {}
        self._keys: dict[str, _Key] = {}
        self._crowd = _CROWD
        self.newest: datetime | None = None

    def count(self, result: Result) -> None:
        self.outcomes[result.outcome] += 1
        cells = self.slices.setdefault(int(result.time.timestamp()) // SLICE * SLICE, [0, 0, 0.0])
        cells[0] += result.outcome in (Outcome.COPIED, Outcome.DELETED, Outcome.FORWARDED)
        cells[1] += not result.ok
        cells[2] = max(cells[2], result.lag or 0.0)
        self.bytes += result.bytes
        self.newest = max(filter(None, (self.newest, result.time)))
        if result.outcome is Outcome.FAILED:
            self.causes[cause_of(result)] += 1
            self.failures.append(result.time)
        if result.lag is not None:
            self.lags.append(result.lag)

    def open(self) -> Iterator[Result]:
        """The last failure of each key that is not right yet."""
        return (key.last for key in self._keys.values() if key.last)

    def settle(self, result: Result) -> None:
        """Keep since when the key is not right."""
        key = self._keys.setdefault(result.key, _Key())
        if result.ok:
            key.right = max(filter(None, (key.right, result.time)))
            key.wrong = [(ended, began) for ended, began in key.wrong if ended > key.right]
        elif key.right is None or result.time > key.right:
            key.wrong.append((result.time, result.time - timedelta(seconds=result.seconds)))
            key.last = result if key.last is None or result.time >= key.last.time else key.last
        if not key.wrong:
            key.last = None
        if len(self._keys) > self._crowd:
            self._forget(result.time - 2 * OVERLAP)

    def _forget(self, before: datetime) -> None:
        """Forget the keys that were right then: lists come in the order of their time, but for the overlap."""
        self._keys = {name: key for name, key in self._keys.items() if key.wrong or (key.right and key.right > before)}
        self._crowd = max(_CROWD, 2 * len(self._keys))

    def standing(self, route: str, target: str) -> Standing:
        waits = [min(began for _, began in key.wrong) for key in self._keys.values() if key.wrong]
        return Standing(
            route,
            target,
            copied=self.outcomes[Outcome.COPIED],
            deleted=self.outcomes[Outcome.DELETED],
            unchanged=self.outcomes[Outcome.UNCHANGED],
            forwarded=self.outcomes[Outcome.FORWARDED],
            failed=self.outcomes[Outcome.FAILED],
            causes=dict(self.causes.most_common()),
            bytes=self.bytes,
            lag=_lag(self.lags),
            oldest=min(waits, default=None),
            waiting=len(waits),
            newest=self.newest,
        )


def _lag(seconds: "array[float]") -> Lag:
    if not seconds:
        return Lag()
    ordered = sorted(seconds)
    # The nearest rank: a figure that some object really had.
    p50, p99 = (ordered[max(0, -(-len(ordered) * percent // 100) - 1)] for percent in (50, 99))
    return Lag(round(p50, 3), round(p99, 3), round(ordered[-1], 3))


class Reader:
    """Reads the lists of a log store, each once, in the order of their names.

    Args:
        log: the log store.
        since: lists written before are passed over.
    """

    def __init__(self, log: Store, since: datetime) -> None:
        self._log, self._since = log, since
        self._read: dict[str, datetime] = {}
        self.lists = 0  # how many have been read
        self.unreadable: list[str] = []  # one line for each list that could not be read

    def fresh(self) -> Iterator[Result]:
        """The results of all lists that were not there at the last call, in the order of the lists' times."""
        start = max(self._since, max(self._read.values()) - OVERLAP) if self._read else self._since
        for stem, (name, written) in merge(*(self._names(folder, start) for folder in FOLDERS), key=itemgetter(0)):
            if stem not in self._read:
                self._read[stem] = written
                self.lists += 1
                yield from self._results(name)
        self._read = {stem: written for stem, written in self._read.items() if written >= start - OVERLAP}

    def _names(self, folder: str, start: datetime) -> Iterator[tuple[str, tuple[str, datetime]]]:
        for info in self._log.list(folder, f"{folder}{start.astimezone(timezone.utc):%Y/%m/%d/%H%M%S}"):
            if written := written_at(info.key):
                # One invocation writes both lists under one name; a failed list keeps its name when replay moves it.
                kind = "ok" if folder == lists.SUCCESS else "not"
                yield f"{info.key.removeprefix(folder)} {kind}", (info.key, written)

    def _results(self, name: str) -> Iterator[Result]:
        try:
            yield from lists.read(self._log, name)
        except RelayError as error:  # one damaged list costs the others nothing; who asks is told of it
            self.unreadable.append(str(error))


def written_at(name: str) -> datetime | None:
    """When a list was written, by its name; None where it is not named as a list."""
    parts = _NAME.search(name)
    if not parts:
        return None
    try:
        return datetime(*(int(part) for part in parts.groups()), tzinfo=timezone.utc)  # type: ignore[misc, arg-type]  # six numbers
    except ValueError:
        return None
