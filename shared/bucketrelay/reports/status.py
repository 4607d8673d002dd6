"""Where replication stands: from the lists, for each route and target, what was done, how late, and what is missing.

`Tally` adds results up; it does not care in which order they come, as each says when it ended.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from bucketrelay.model import Outcome, Result
from bucketrelay.reports import list_line
from bucketrelay.reports.reader import OVERLAP
from bucketrelay.reports.sums import Lag, Slice, Sums, cause_of, slice_of, total
from bucketrelay.routes.probes import is_probe
from bucketrelay.values import dataclass, field

_CROWD = 100_000  # keys, before those are forgotten that have long been right
# Failures of one key that are remembered: of so many writes, each of which failed and none of which a task has made
# good. Of more than these the first and the last ones are, and what an earlier success leaves of them depends on when
# it is read: to say it exactly takes all of them.
_MOST_FAILURES = 64


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
    oldest: datetime | None = None  # of what waits, the oldest write that is not at the target
    waiting: int = 0
    newest: datetime | None = None  # when the last task ended


class Tally:
    """Results added up by route and target.

    Args:
        target: the name of the store (or the forward) that a result's target lies in; "" where none is configured.
        since: results that ended before are left out of the counts. What they left undone still waits.
        crowd: so many keys of a route and target may be known before those are forgotten that have long been right.
    """

    def __init__(self, target: Callable[[Result], str], since: datetime | None = None, crowd: int = _CROWD) -> None:
        self._target, self._since, self._crowd = target, since, crowd
        self.pairs: dict[tuple[str, str], Pair] = {}

    def add(self, result: Result) -> None:
        """Count one result; not that of a heartbeat, which is no object of anybody's."""
        if is_probe(result.key):
            return
        pair = self.pairs.setdefault(self.pair_of(result), Pair())
        pair.settle(result)
        if self._since is None or result.time >= self._since:
            pair.count(result)
        if len(pair.keys) > max(self._crowd, pair.crowd):
            pair.forget(result.time - 2 * OVERLAP)

    def pair_of(self, result: Result) -> tuple[str, str]:
        """The route and the target that a result is counted for."""
        return result.route, self._target(result)

    def forget(self, before: datetime) -> None:
        """Keep of the time before no more than the total, and what waits."""
        for pair in self.pairs.values():
            for start in [start for start in pair.slices if start < slice_of(before)]:
                del pair.slices[start]

    def standings(self, pairs: Iterable[tuple[str, str]] = (), since: datetime | None = None) -> list[Standing]:
        """One for each route and target of *pairs*, and for each that a result was about; ordered by name.

        Args:
            since: what ended before the five minutes that this lies in is not counted.
        """
        known = sorted({*pairs, *self.pairs})
        return [self.pairs.get(name, Pair()).standing(*name, since) for name in known]

    def total(self, pair: tuple[str, str]) -> Sums:
        """All that was ever counted of a route and target: what only grows."""
        return self.pairs[pair].total if pair in self.pairs else Sums()

    def open(self, route: str = "", target: str = "", cause: str = "") -> Iterator[Result]:
        """The last failure of each key that is not right yet: of one route, target or cause, if it is named."""
        for name, pair in self.pairs.items():
            if route in ("", name[0]) and target in ("", name[1]):
                yield from (result for result in pair.open() if cause in ("", cause_of(result)))

    def slices(self, pair: tuple[str, str]) -> list[Slice]:
        """What was done in each stretch of `SLICE` in which something was done, ascending."""
        slices = self.pairs[pair].slices if pair in self.pairs else {}
        return [sums.slice(start) for start, sums in sorted(slices.items())]

    def failures(self, since: datetime, pair: tuple[str, str]) -> int:
        """How many tasks of a route and target have failed since the five minutes that *since* lies in."""
        slices, first = self.pairs[pair].slices if pair in self.pairs else {}, slice_of(since)
        return sum(sums.outcomes[Outcome.FAILED.value] for start, sums in slices.items() if start >= first)


class Failure(NamedTuple):
    """A failure of a key that no task has made good yet."""

    ended: datetime
    written: datetime  # when what it was about was written, as far as is known: not before its task began
    result: Result | str | None  # itself, perhaps as the line of a list; None where another is told of in its stead

    @property
    def until(self) -> datetime:
        """A task that began then, or before, has not seen what this one failed to do."""
        return min(self.ended, self.written)


def _by_stay(failure: Failure) -> datetime:
    return failure.until


def _by_write(failure: Failure) -> tuple[datetime, bool]:
    return failure.written, failure.result is None


class KeyState:
    """Since when a key is not right at a target, if it is not."""

    __slots__ = ("right", "wrong")

    def __init__(self) -> None:
        self.right: datetime | None = None  # when the last task began that found it right, or made it so
        self.wrong: list[Failure] = []  # the failures since, the one that ended last behind the others

    def settle(self, result: Result) -> None:
        """Take in one result, in whatever order they come.

        A task that ended well has seen all that was written before it began: whatever fails later on behalf of such a
        write, an event that comes once more say, tells of nothing that is missing.
        """
        began = result.time - timedelta(seconds=result.seconds)
        if result.ok:
            self.right = max(filter(None, (self.right, began)))
            self.wrong = [each for each in self.wrong if each.until > self.right]
            return
        new = Failure(result.time, result.written or began, result)
        if self.right is None or new.until > self.right:
            self.wrong = sorted([*self.wrong, new], key=lambda each: each[:2])
            self._drop_results()
            self._drop_repeated()
            if len(self.wrong) > _MOST_FAILURES:
                del self.wrong[next((n for n, each in enumerate(self.wrong) if n and not each.result), 1)]

    def _drop_results(self) -> None:
        """Forget the result of a failure where a later one stays as long: one result is kept for a key, seldom more."""
        latest = self.wrong[-1].until
        for place in reversed(range(len(self.wrong) - 1)):
            each = self.wrong[place]
            if each.until <= latest:
                self.wrong[place] = each._replace(result=None)
            latest = max(latest, each.until)

    def _drop_repeated(self) -> None:
        """Forget a failure without a result where another stays as long and is of as old a write.

        So a write that is tried again and again counts once.
        """
        oldest: datetime | None = None
        kept = []
        for each in sorted(sorted(self.wrong, key=_by_write), key=_by_stay, reverse=True):
            if each.result or oldest is None or each.written < oldest:
                kept.append(each)
            oldest = min(each.written, oldest or each.written)
        if len(kept) < len(self.wrong):
            self.wrong = sorted(kept, key=lambda each: each[:2])

    def failure(self) -> Result | None:
        """Its last failure, where it is not right."""
        if not self.wrong:
            return None
        result = self.wrong[-1].result
        if isinstance(result, str):
            result = list_line.parse_line(result)
            self.wrong[-1] = self.wrong[-1]._replace(result=result)
        return result


class Pair:
    """A route and one of its targets: what was done, in slices of time and in all, and what each key waits for."""

    def __init__(self) -> None:
        self.total = Sums()
        self.slices: dict[int, Sums] = {}
        self.keys: dict[str, KeyState] = {}
        self.crowd = 0  # twice the keys that the last forgetting left

    def count(self, result: Result) -> None:
        """Add a result to the sums."""
        self.total.add(result)
        self.slices.setdefault(slice_of(result.time), Sums()).add(result)

    def open(self) -> Iterator[Result]:
        """The last failure of each key that is not right yet."""
        return (result for key in self.keys.values() if (result := key.failure()))

    def settle(self, result: Result) -> None:
        """Keep since when the key is not right."""
        self.keys.setdefault(result.key, KeyState()).settle(result)

    def forget(self, before: datetime) -> None:
        """Forget the keys that were right then: lists come in the order of their time, but for the overlap."""
        self.keys = {name: key for name, key in self.keys.items() if key.wrong or (key.right and key.right > before)}
        self.crowd = 2 * len(self.keys)

    def standing(self, route: str, target: str, since: datetime | None = None) -> Standing:
        """What was done since, and what waits."""
        first = slice_of(since) if since else None
        sums = self.total if first is None else total([each for at, each in self.slices.items() if at >= first])
        waits = [min(each.written for each in key.wrong) for key in self.keys.values() if key.wrong]
        return Standing(
            route,
            target,
            copied=sums.outcomes[Outcome.COPIED.value],
            deleted=sums.outcomes[Outcome.DELETED.value],
            unchanged=sums.outcomes[Outcome.UNCHANGED.value],
            forwarded=sums.outcomes[Outcome.FORWARDED.value],
            failed=sums.outcomes[Outcome.FAILED.value],
            causes=dict(sorted(sums.causes.items(), key=lambda item: (-item[1], item[0]))),
            bytes=sums.bytes,
            lag=sums.lag(),
            oldest=min(waits, default=None),
            waiting=len(waits),
            newest=sums.newest,
        )
