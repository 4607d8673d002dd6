"""What one pair is: equal or not, ours or not. From the listings where they tell, else by asking.

=========  =================================================================================================
depth      equal
=========  =================================================================================================
listing    the sizes are, and the ETags are (or the MD5s that the listings tell), or the target is not older
stamp      the bytes are by what the listings tell, and the target is not older; else the target's stamp says
           that it is a copy of this very version; else what both stores say of the bytes is the same
content    a digest of the bytes is: one that both stores tell, else our own of what is read from both
=========  =================================================================================================

Where the route follows deletes, a target key without a source is asked for its stamp at every depth.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from operator import eq, le

from bucketrelay.abilities import Columns
from bucketrelay.core import stamp as stamps
from bucketrelay.core.pair import link
from bucketrelay.drivers.reconcile.books import Kind, Verdict
from bucketrelay.drivers.reconcile.compare import Pair, Rows
from bucketrelay.drivers.reconcile.content import same_bytes
from bucketrelay.errors import OutOfTime, RelayError
from bucketrelay.model import Deletes, Listed, ObjectInfo
from bucketrelay.routes import Route
from bucketrelay.store import Store
from bucketrelay.values import dataclass

BYTES_DIFFER = "the bytes differ"


class Depth(str, Enum):
    """How closely pairs are compared."""

    LISTING = "listing"
    STAMP = "stamp"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Judge:
    """Says what pairs of a route and one of its targets are.

    Args:
        writes: whether the route may write a target key at all.
        stamped: ask every equal pair whether it is ours.
        fresh: whether the source's side is what the source holds now, and not what an inventory held once.
        takes_all: whether the route takes and may write every key that the two sides are compared by.
    """

    route: Route
    source: Store
    target: Store
    depth: Depth
    writes: Callable[[str], bool]
    stamped: bool = False
    fresh: bool = True
    takes_all: bool = False

    def key(self, rest: str) -> str:
        """The source's name of a pair."""
        return self.route.strip_prefix + rest

    def target_key(self, rest: str) -> str:
        """The target's name of a pair."""
        return self.route.add_prefix + rest

    def at_sight(self, pair: Pair) -> Verdict | None:
        """What the listings alone tell; None where somebody has to be asked."""
        if not self.takes_all and not self._takes(pair.rest):
            return Verdict.of(pair, Kind.EXCLUDED if pair.source else Kind.NOTHING, "the route's filters leave it out")
        if pair.target is None:
            return Verdict.of(pair, Kind.MISSING, "the target has no such key")
        if pair.source is None:
            return self._alone(pair)
        return self._both(pair, pair.source, pair.target)

    def right(self, rests: Sequence[str], sources: Rows, targets: Rows) -> int:
        """How many pairs, from the first on, are right by what rows tell; those behind it want a closer look.

        Of most buckets most pairs are of this kind, and nothing is made of them but a count.
        """
        if self.stamped or self.depth is Depth.CONTENT:
            return 0
        by_time = self.depth is Depth.LISTING
        if isinstance(sources, Columns) and isinstance(targets, Columns):
            count = _right_in_columns(sources, targets, by_time=by_time)
        else:
            count = _right_in_rows(sources, targets, by_time=by_time)
        count = min(count, len(rests))
        return count if self.takes_all else _until(map(self._takes, rests[:count]))

    def _takes(self, rest: str) -> bool:
        return self.route.takes(self.key(rest)) and self.writes(self.target_key(rest))

    def ask(self, pair: Pair) -> Verdict:
        """What pair it is, by asking the stores. What cannot be found out is part of the answer.

        Raises:
            OutOfTime: the invocation is over.
        """
        try:
            return self._ask_both(pair, pair.source) if pair.source else self._ask_alone(pair)
        except OutOfTime:
            raise
        except RelayError as error:
            return Verdict.of(pair, Kind.FAILED if pair.source else Kind.UNCLEAR, str(error))

    # From the listings.

    def _alone(self, pair: Pair) -> Verdict | None:
        if self.fresh and self.route.deletes is Deletes.KEEP:
            return Verdict.of(pair, Kind.KEPT, 'the source has no such key, and the route says deletes = "keep"')
        return None

    def _both(self, pair: Pair, source: ObjectInfo, target: ObjectInfo) -> Verdict | None:
        if source.size != target.size:
            return Verdict.of(pair, Kind.DIFFERENT, f"{source.size} bytes here, {target.size} there")
        told = _equal_bytes(source, target)
        if self.depth is Depth.LISTING:
            if told or _not_older(source, target):
                return None if self.stamped else Verdict.of(pair, Kind.RIGHT)
            return Verdict.of(pair, Kind.DIFFERENT, "the target is older, and the ETags differ")
        if told is False:
            return Verdict.of(pair, Kind.DIFFERENT, "the MD5s differ")
        if told and not self.stamped and (self.depth is Depth.CONTENT or _not_older(source, target)):
            # An equal ETag is a digest to believe only where the listing says so; see `_equal_bytes`.
            return (
                None if self.depth is Depth.CONTENT and not _digests(source, target) else Verdict.of(pair, Kind.RIGHT)
            )
        return None

    # By asking.

    def _ask_alone(self, pair: Pair) -> Verdict:
        key = self.key(pair.rest)
        if not self.fresh and (source := self.source.look(key)):  # written since the inventory was
            late = Pair(pair.rest, source, pair.target)
            return self.at_sight(late) or self.ask(late)
        if self.route.deletes is Deletes.KEEP:
            return Verdict.of(pair, Kind.KEPT, 'the source has no such key, and the route says deletes = "keep"')
        target = self.target.look(self.target_key(pair.rest))
        if target is None:
            return Verdict(pair.rest, Kind.NOTHING)  # deleted since it was listed
        if self.ours(pair.rest, target):
            return Verdict.of(pair, Kind.SURPLUS, "the source has no such key, and this route wrote it")
        return Verdict.of(pair, Kind.KEPT, "the source has no such key, but this route did not write it")

    def _ask_both(self, pair: Pair, source: ObjectInfo) -> Verdict:
        target = self.target.look(self.target_key(pair.rest))
        if target is None:  # deleted since it was listed
            return Verdict.of(pair._replace(target=None), Kind.MISSING, "the target has no such key")
        pair = pair._replace(target=target)
        stamp = self.link(pair.rest).of_target(target)
        mine = stamp is not None and self.ours(pair.rest, target)
        if self.depth is Depth.CONTENT:
            return self._by_content(pair, source, target, mine=mine)
        if stamp and mine and (stamp.describes(source) or self._is_version(stamp, source)):
            return Verdict.of(pair, Kind.RIGHT)
        if mine and self.depth is Depth.STAMP:
            return Verdict.of(pair, Kind.DIFFERENT, "the target is a copy of another version")
        current = self.source.look(source.key) or source
        if self._echo(pair.rest, current):
            return Verdict.of(pair, Kind.RIGHT)
        told = True if self.depth is Depth.LISTING else _equal_bytes(current, target)
        if told:
            return Verdict.of(pair, Kind.RIGHT, unstamped=not mine)
        doubt = "differs" if told is False else "cannot be compared by what the stores tell"
        return Verdict.of(pair, Kind.DIFFERENT, f"no route wrote the target, and its content {doubt}")

    def _by_content(self, pair: Pair, source: ObjectInfo, target: ObjectInfo, *, mine: bool) -> Verdict:
        current = self.source.look(source.key)
        if current is None:
            return Verdict.of(pair, Kind.DIFFERENT, "the source has been deleted since it was listed")
        if current.size == target.size and same_bytes(self.source, current, self.target, target):
            return Verdict.of(pair, Kind.RIGHT, unstamped=not mine)
        return Verdict.of(pair, Kind.DIFFERENT, BYTES_DIFFER)

    def ours(self, rest: str, target: ObjectInfo) -> bool:
        """Whether this route wrote what the target holds."""
        stamp = self.link(rest).of_target(target)
        return stamp is not None and stamp.hops[-1] == self.link(rest).source

    def _echo(self, rest: str, source: ObjectInfo) -> bool:
        """Whether the source is itself a copy of the target, which another route brought here."""
        stamp = self.link(rest).of_source(source)
        return stamp is not None and self.link(rest).target in stamp.hops

    def _is_version(self, stamp: stamps.Stamp, source: ObjectInfo) -> bool:
        """Whether the source is the version of the stamp, which a listing cannot say where there are version ids."""
        if (stamp.etag, stamp.size) != (source.etag, source.size) or stamp.when == stamps.when(source):
            return False
        current = self.source.look(source.key)
        return current is not None and stamp.describes(current)

    def link(self, rest: str) -> stamps.Link:
        """What the two objects are called in stamps, today and before."""
        return link(self.source, self.key(rest), self.target, self.target_key(rest))


def _right_in_columns(sources: Columns, targets: Columns, *, by_time: bool) -> int:
    """How many pairs of rows, from the first on, are right; perhaps fewer, never more."""
    sized = _equal(sources.sizes, targets.sizes)
    if not sized:
        return 0
    same = _equal(sources.etags, targets.etags)
    if not all(sources.etags):  # without an ETag there is nothing to compare
        same = min(same, sources.etags.index(""))
    try:
        newer = _until(map(le, sources.times, targets.times))  # type: ignore[arg-type]  # what None raises is awaited
    except TypeError:  # one of them is not known: then the rows, one by one
        return _right_in_rows(list(sources), list(targets), by_time=by_time)
    return min(sized, max(newer, same) if by_time else min(newer, same))


def _right_in_rows(sources: Rows, targets: Rows, *, by_time: bool) -> int:
    count = 0
    for source, target in zip(sources, targets, strict=False):
        if type(source) is not Listed or type(target) is not Listed or source.size != target.size:
            break  # an ObjectInfo may tell digests
        newer, same = _not_older(source, target), bool(source.etag) and source.etag == target.etag
        if not ((newer or same) if by_time else (newer and same)):
            break
        count += 1
    return count


def _equal(column: Sequence[object], other: Sequence[object]) -> int:
    """How many members, from the first on, are equal."""
    if column == other:  # nearly always so, and a twentieth of the time
        return len(column)
    return 0 if column[:1] != other[:1] else _until(map(eq, column, other))


def _until(facts: Iterable[bool]) -> int:
    """How many of them, from the first on, are true."""
    return [*facts, False].index(False)


def _not_older(source: Listed | ObjectInfo, target: Listed | ObjectInfo) -> bool:
    """Whether the target was written when the source was, or later."""
    return bool(source.modified and target.modified and target.modified >= source.modified)


def _digests(source: ObjectInfo, target: ObjectInfo) -> set[str]:
    """The kinds of digests that are known of both."""
    return set(source.checksums) & set(target.checksums)


def _equal_bytes(source: ObjectInfo, target: ObjectInfo) -> bool | None:
    """Whether the bytes are equal, by digests of both or by an equal ETag; None where nobody can tell.

    An ETag may be an MD5 or not, so different ones say nothing; of two that are equal it does not matter what they are.
    """
    known = _digests(source, target)
    if known:
        return all(source.checksums[name] == target.checksums[name] for name in known)
    if source.etag and source.etag == target.etag:
        return True
    return _etag_is(source, target) or _etag_is(target, source) or None


def _etag_is(one: ObjectInfo, other: ObjectInfo) -> bool:
    """Whether the ETag of one is the MD5 that the other's store tells."""
    return "md5" in other.checksums and one.etag == other.checksums["md5"]
