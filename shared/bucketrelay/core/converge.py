"""One task: look at both sides, make the target equal to the source, look again."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import md5, sha256
from typing import NamedTuple

from bucketrelay.core import stamp as stamps
from bucketrelay.core.checkpoints import Checkpoint, quietly
from bucketrelay.core.copy import Copy, First, Road, transfer
from bucketrelay.core.decide import Action, Link, decide
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.digest import tree
from bucketrelay.core.metadata import fit
from bucketrelay.deadline import Deadline, under
from bucketrelay.errors import (
    CannotCopy,
    ObjectGone,
    OutOfTime,
    RelayError,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.model import Change, Deletes, Fetched, Meta, ObjectInfo, Outcome, Result, Task
from bucketrelay.store import ABSENT, Absent, ServerSideCopy, Store, Tagged, Upload

ROUNDS = 5  # an object that changes faster than it can be copied five times over is said to be so


class Done(NamedTuple):
    """What a task came to, before it is made a Result."""

    outcome: Outcome
    bytes: int = 0
    degraded: tuple[str, ...] = ()
    note: str = ""
    unseen: bool = False  # the source has other metadata now, of the same second: no stamp tells it apart


@dataclass(frozen=True, slots=True)
class Converge:
    """Brings targets to the state of their sources; a function from task to result, with what it needs."""

    stores: Callable[[str], Store]
    road: Road
    fuse: Fuse
    now: Callable[[], datetime]
    unreachable: set[tuple[str, str]] = field(default_factory=set)  # pairs of stores whose server refused to copy

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
            with under(deadline) as _:
                done = self._until_settled(_Pair(task, source, target, deadline))
        except OutOfTime as error:
            done, result = Done(Outcome.UNFINISHED), replace(result, error=str(error), retryable=True)
        except RelayError as error:
            done = Done(Outcome.FAILED)
            result = replace(result, error=str(error), retryable=error.retryable, by_hand=error.by_hand)
            result = replace(result, lingers=error.lingers)
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
            note=done.note,
        )

    def _until_settled(self, pair: "_Pair") -> Done:
        _check_key(pair)
        last, anew = Done(Outcome.UNCHANGED), False
        for _ in range(ROUNDS):
            pair.deadline.check()
            try:
                done, settled = self._round(pair, anew=anew)
            except (ObjectGone, SourceChanged, TargetChanged):
                continue
            anew = done.unseen and not anew  # once: there may be servers whose HEAD never says what their GET does
            # A later round that found nothing left to do does not undo what an earlier one has to report.
            last = last if last.outcome in _WRITES and done.outcome not in _WRITES else done
            if settled:
                return last
        raise StoreUnavailable(
            f"{pair.source_url}: it changed {ROUNDS} times while it was being copied; it comes again"
        )

    def _round(self, pair: "_Pair", *, anew: bool) -> tuple[Done, bool]:
        there = pair.target.look(pair.task.target_key, sure=False)
        reach = self._reach(pair)
        # A whole first part, so that it need not be read again where the target wants larger ones than configured.
        length = max(self.road.part_size, pair.target.abilities.min_part)
        with self.road.budget.bytes(length, pair.deadline, pair.task.way) as lease:
            # Where the target's server fetches the object by itself, one byte is enough to know the version by.
            by_server = reach is not None and (pair.task.size or 0) >= reach
            here = _fetch(pair, None if anew else there, 1 if by_server else length)
            source = here.info if here else None
            first = First(here.body, lease) if here and here.body is not None else None
            del here  # the bytes are held by `first` alone, which gives them up once they are sent
            lease.shrink(len(first.body) if first else 0)
            if source is None and there is None:
                # Raises where the target is not merely empty but gone. And that 404 may have been a gateway's: then the
                # sure look shows the target, and a delete that the route follows must not be taken for done.
                there = pair.target.look(pair.task.target_key)
            decision = decide(source, None if anew and source else there, pair.link, pair.task.deletes)
            if decision.action is Action.COPY and source and first:
                return self._copy(pair, there, source, first, by_server=reach is not None and source.size >= reach)
        if decision.action is Action.DELETE and there:
            return self._delete(pair, there)
        missing = source is None and there is None and pair.task.change is Change.CREATED
        return Done(Outcome.UNCHANGED, note=_NOTHING_THERE if missing else decision.note), True

    def _reach(self, pair: "_Pair") -> int | None:
        if (pair.task.source, pair.task.target) in self.unreachable or not isinstance(pair.target, ServerSideCopy):
            return None
        return pair.target.reach(pair.source)

    def _copy(
        self, pair: "_Pair", there: ObjectInfo | None, info: ObjectInfo, first: First, *, by_server: bool
    ) -> tuple[Done, bool]:
        whole = len(first.body) == info.size
        sums = (tree(first.body), md5(first.body, usedforsecurity=False).hexdigest()) if whole else ()
        stamp = stamps.make(info, pair.link.source, pair.link.target, *sums)
        meta, degraded = fit(_with_tags(pair, info), pair.target.abilities, stamp)
        if degraded and pair.task.strict:
            raise StoreRefused(
                f"{pair.target_url}: the target cannot carry {', '.join(degraded)}, and the route is strict; "
                "nothing was copied"
            )
        copy = pair.copy(info, meta, there or ABSENT)
        if not (by_server and self._by_server(pair, copy)):
            self._by_hand(copy, first)
        first.drop()
        done = Done(Outcome.COPIED, info.size, degraded)
        if whole and not by_server and _cannot_be_stale(pair, there):
            return done, True
        again = pair.source.look(pair.task.key, sure=False)
        return done._replace(unseen=_unseen(info, again, stamp)), _same(info, again)

    def _by_server(self, pair: "_Pair", copy: Copy) -> bool:
        """Whether the target's server has copied the object; False where it will not, and somebody must carry it."""
        if not isinstance(copy.target, ServerSideCopy):
            return False
        copy.deadline.check()
        # A copy by the server begins anew in each invocation, an upload goes on: what did not fit once is carried.
        slow = Checkpoint(copy.store, Upload(copy.key, ""), f"{copy.of};by hand")
        if copy.deadline.left() < math.inf and copy.info.size > self.road.part_size:
            left = self.road.checkpoints.load(copy.name)
            if left and left.of.startswith(f"{copy.of};"):  # said so, or on its way already
                return False
        try:
            copy.target.copy_from(copy.source, copy.info, copy.key, copy.meta, copy.deadline, expect=copy.expect)
        except CannotCopy:
            self.unreachable.add((pair.task.source, pair.task.target))  # asked once in a process, not for every object
            return False
        except OutOfTime:
            quietly(lambda: self.road.checkpoints.save(copy.name, slow))
            raise
        return True

    def _by_hand(self, copy: Copy, first: First) -> None:
        wanted = min(copy.info.size, self.road.part_size)
        if len(first.body) < wanted:  # one byte was asked for, as the server was to copy
            first.drop()
            first = First(b"", self.road.budget.bytes(wanted, copy.deadline, copy.way))
        try:
            if not first.body:
                first.body = copy.source.read(copy.info, 0, wanted) if wanted else b""
            transfer(copy, first, self.road)
        finally:
            first.drop()

    def _delete(self, pair: "_Pair", there: ObjectInfo) -> tuple[Done, bool]:
        pair.deadline.check()
        with self.fuse.counted(pair.task.route, pair.task.max_deletes):
            pair.target.delete(pair.task.target_key, expect=there)
        return Done(Outcome.DELETED), pair.source.look(pair.task.key, sure=False) is None


_NOTHING_THERE = "the source has no such object, though the event says that it was written"
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

    def copy(self, info: ObjectInfo, meta: Meta, expect: ObjectInfo | Absent) -> Copy:
        """The task's object on its way."""
        link, task = self.link, self.task
        said = sha256(repr(meta).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        of = f"{link.source};{info.etag};{info.size};{stamps.when(info)};{said}"
        return Copy(
            self.source,
            info,
            self.target,
            task.target_key,
            meta,
            expect,
            self.deadline,
            link.target,
            of,
            task.target,
            task.way,
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


def _with_tags(pair: _Pair, info: ObjectInfo) -> Meta:
    """The source's metadata, with its tags where it has some and the target can hold them."""
    if not info.meta.tag_count or not pair.target.abilities.tags or not isinstance(pair.source, Tagged):
        return info.meta
    return replace(info.meta, tags=pair.source.tags(info))


def _cannot_be_stale(pair: _Pair, there: ObjectInfo | None) -> bool:
    """Whether what was just written needs no second look.

    A key that the server itself created only because it was absent, on a route that never deletes: whoever read a newer
    version either finds our write and replaces it, or made ours fail. See docs/decisions/0002-second-look.md.
    """
    return there is None and pair.target.abilities.creates_once and pair.task.deletes is Deletes.KEEP


def _unseen(info: ObjectInfo, again: ObjectInfo | None, stamp: stamps.Stamp) -> bool:
    """Whether *again* is another version than *info*, and *stamp* does not tell."""
    if again is None or not stamp.names(again):
        return False
    return replace(again.meta, tag_count=info.meta.tag_count) != info.meta  # some servers tell that under GET alone


def _same(info: ObjectInfo, again: ObjectInfo | None) -> bool:
    return (
        again is not None
        and (again.etag, again.size) == (info.etag, info.size)
        and stamps.when(again) == stamps.when(info)
        and again.meta == info.meta
    )
