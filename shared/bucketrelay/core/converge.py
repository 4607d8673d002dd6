"""One task: look at both sides, make the target equal to the source, look again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from bucketrelay.core import stamp as stamps
from bucketrelay.core.budget import Budget
from bucketrelay.core.carry import fit
from bucketrelay.core.decide import Action, Decision, Link, decide
from bucketrelay.core.fuse import Fuse
from bucketrelay.core.transfer import Copy, First, transfer
from bucketrelay.deadline import Deadline
from bucketrelay.errors import (
    ObjectGone,
    OutOfTime,
    RelayError,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.model import Deletes, Fetched, ObjectInfo, Outcome, Result, Task
from bucketrelay.store import ABSENT, Store

ROUNDS = 5  # an object that changes faster than it can be copied five times over is said to be so


class Done(NamedTuple):
    """What a task came to, before it is made a Result."""

    outcome: Outcome
    bytes: int = 0
    degraded: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Converge:
    """Brings targets to the state of their sources; a function from task to result, with what it needs."""

    stores: Callable[[str], Store]
    budget: Budget
    part_size: int
    fuse: Fuse
    now: Callable[[], datetime]

    def __call__(self, task: Task, deadline: Deadline) -> Result:
        """Never raises but for a defect: what goes wrong is in the result."""
        source, target = self.stores(task.source), self.stores(task.target)
        started = self.now()
        result = Result(
            route=task.route,
            cause=task.cause,
            change=task.change.value,
            source=source.address.of(task.key),
            target=target.address.of(task.target_key),
            key=task.key,
            outcome=Outcome.FAILED,
            time=started,
        )
        try:
            done = self._until_settled(_Pair(task, source, target, deadline))
        except OutOfTime as error:
            done, result = Done(Outcome.UNFINISHED), replace(result, error=str(error), retryable=True)
        except RelayError as error:
            done, result = Done(Outcome.FAILED), replace(result, error=str(error), retryable=error.retryable)
        return self._finished(result, done, task, started)

    def _finished(self, result: Result, done: Done, task: Task, started: datetime) -> Result:
        ended = self.now()
        lag = (ended - task.time).total_seconds() if task.time and done.outcome in _WRITES else None
        return replace(
            result,
            outcome=done.outcome,
            time=ended,
            bytes=done.bytes,
            seconds=round((ended - started).total_seconds(), 6),
            lag=None if lag is None else round(lag, 6),
            degraded=done.degraded,
            error=result.error or done.note,
        )

    def _until_settled(self, pair: "_Pair") -> Done:
        _check_key(pair)
        last = Done(Outcome.UNCHANGED)
        for _ in range(ROUNDS):
            pair.deadline.check()
            try:
                done, settled = self._round(pair)
            except (ObjectGone, SourceChanged, TargetChanged):
                continue
            # A later round that found nothing left to do does not undo what an earlier one has to report.
            last = last if last.outcome in _WRITES and done.outcome not in _WRITES else done
            if settled:
                return last
        raise StoreUnavailable(
            f"{pair.source_url}: it changed {ROUNDS} times while it was being copied; it comes again"
        )

    def _round(self, pair: "_Pair") -> tuple[Done, bool]:
        there = pair.target.look(pair.task.target_key, sure=False)
        with self.budget.bytes(self.part_size) as lease:
            here = _fetch(pair, there, self.part_size)
            source = here.info if here else None
            first = First(here.body, lease) if here and here.body is not None else None
            del here  # the bytes are held by `first` alone, which gives them up once they are sent
            lease.shrink(len(first.body) if first else 0)
            decision = decide(source, there, pair.link, pair.task.deletes)
            if decision.action is Action.COPY and source and first:
                return self._copy(pair, there, source, first)
        if decision.action is Action.DELETE and there:
            return self._delete(pair, there)
        return self._nothing(pair, source, there, decision)

    def _copy(self, pair: "_Pair", there: ObjectInfo | None, info: ObjectInfo, first: First) -> tuple[Done, bool]:
        stamp = stamps.make(info, pair.link.source, pair.link.target)
        meta, degraded = fit(info.meta, pair.target.abilities, stamp)
        if degraded and pair.task.strict:
            raise StoreRefused(
                f"{pair.target_url}: the target cannot carry {', '.join(degraded)}, and the route is strict; "
                "nothing was copied"
            )
        copy = Copy(pair.source, info, pair.target, pair.task.target_key, meta, there or ABSENT, pair.deadline)
        transfer(copy, first, self.part_size, self.budget)
        first.drop()
        done = Done(Outcome.COPIED, info.size, degraded)
        return done, _cannot_be_stale(pair, there) or _same(info, pair.source.look(pair.task.key, sure=False))

    def _delete(self, pair: "_Pair", there: ObjectInfo) -> tuple[Done, bool]:
        self.fuse.check(pair.task.route, pair.task.max_deletes)
        pair.deadline.check()
        pair.target.delete(pair.task.target_key, expect=there)
        return Done(Outcome.DELETED), pair.source.look(pair.task.key, sure=False) is None

    def _nothing(
        self, pair: "_Pair", source: ObjectInfo | None, there: ObjectInfo | None, decision: Decision
    ) -> tuple[Done, bool]:
        if source is None and there is None:
            pair.target.look(pair.task.target_key)  # raises where the target is not merely empty but gone
        return Done(Outcome.UNCHANGED, note=decision.note), True


_WRITES = frozenset({Outcome.COPIED, Outcome.DELETED})


@dataclass(frozen=True, slots=True)
class _Pair:
    """A task with the two stores it is about."""

    task: Task
    source: Store
    target: Store
    deadline: Deadline

    @property
    def link(self) -> Link:
        return Link(
            stamps.identity(self.source.address, self.task.key),
            stamps.identity(self.target.address, self.task.target_key),
        )

    @property
    def source_url(self) -> str:
        return self.source.address.of(self.task.key)

    @property
    def target_url(self) -> str:
        return self.target.address.of(self.task.target_key)


def _check_key(pair: _Pair) -> None:
    length = len((pair.target.address.prefix + pair.task.target_key).encode("utf-8", "surrogatepass"))
    if not pair.task.target_key:
        raise StoreRefused(f"{pair.source_url}: strip_prefix leaves nothing of the key; change the route's mapping")
    if length > pair.target.abilities.key_bytes:
        raise StoreRefused(
            f"{pair.source_url}: the target's key would have {length} bytes, more than the "
            f"{pair.target.abilities.key_bytes} that fit; shorten add_prefix or the store's prefix"
        )


def _fetch(pair: _Pair, there: ObjectInfo | None, length: int) -> Fetched | None:
    """The source with its first bytes; without them where the target already is a copy of just this version."""
    key, stamp = pair.task.key, stamps.stamp_of(there, pair.link.target)
    known = stamp.etag if stamp and stamp.hops[-1] == pair.link.source else ""
    here = pair.source.fetch(key, length, unless=known, size=pair.task.size)
    if here is None or here.body is not None or (stamp and stamp.names(here.info)):
        return here
    # The ETag is the same and the rest is not, or was not said: a rewrite of the metadata alone.
    return pair.source.fetch(key, length, size=pair.task.size)


def _cannot_be_stale(pair: _Pair, there: ObjectInfo | None) -> bool:
    """Whether what was just written needs no second look.

    A key that the server itself created only because it was absent, on a route that never deletes: whoever read a newer
    version either finds our write and replaces it, or made ours fail. See docs/decisions/0002-second-look.md.
    """
    return there is None and pair.target.conditional and pair.task.deletes is Deletes.KEEP


def _same(info: ObjectInfo, again: ObjectInfo | None) -> bool:
    return (
        again is not None
        and (again.etag, again.size) == (info.etag, info.size)
        and stamps.when(again) == stamps.when(info)
        and again.meta == info.meta
    )
