"""Two sorted listings, merged into pairs: constant memory, from any key on, and nothing taken for absent by mistake.

The order is that of UTF-8 bytes, which is the order in which Python compares text (code point by code point; lone
surrogates too). A route's mapping takes `strip_prefix` off and puts `add_prefix` on. Within the keys that begin with
`strip_prefix` this changes no order: of two of them the same beginning is removed, and to both the same is added. So
both sides are compared by what is behind their own beginning, the *rest*, and neither needs to be sorted again.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import compress, pairwise
from operator import eq, lt
from typing import Any, NamedTuple

from bucketrelay.abilities import Columns, Paged
from bucketrelay.drivers.reconcile.prefetch import in_chunks, prefetch
from bucketrelay.errors import Damaged, StoreRefused
from bucketrelay.model import Listed, ObjectInfo
from bucketrelay.routes.probes import NAME as PROBE
from bucketrelay.routes.probes import is_probe
from bucketrelay.store import Store
from bucketrelay.values import dataclass, field

Rows = Columns | Sequence[Listed] | Sequence[ObjectInfo]
Listing = Callable[[str], Iterator[Rows]]  # all objects of one side whose key is greater than the argument, in chunks
WINDOW = 100  # pairs that are looked at together
FEW = 3  # pairs that are not right, and say nothing of the next one

# Of how many pairs, from the first on, the rows alone tell that they are right: their rests, and both sides' rows.
AtSight = Callable[[Sequence[str], Rows, Rows], int]


def nothing(key: str) -> bool:
    """Skips no key."""
    del key
    return False


class Pair(NamedTuple):
    """What the two sides have under one rest; at least one of them has something."""

    rest: str
    source: ObjectInfo | None
    target: ObjectInfo | None


class Right(NamedTuple):
    """Pairs side by side that are right by what the listings tell, of which nobody needs to know more."""

    pairs: int
    last: str  # the last one's rest


class Span(NamedTuple):
    """A stretch of rests: greater than `after`, and not greater than `until` ("": to the end)."""

    after: str = ""
    until: str = ""


ALL = Span()


@dataclass(slots=True)
class Side:
    """One side of a comparison, read forwards once.

    Args:
        url: of the store, for messages.
        prefix: how all keys of this side begin; the rest is what is compared.
        span: which rests.
        listing: gives the objects whose key is greater than its argument, ascending.
        holds: whether there is such a key after all, asked where the listing ends before the other side's does. None
            where an end is an end: in a file.
        skip: keys that are nobody's business. They are read over.
        within: how all rests begin, where only a part of the side is compared.

    Attributes:
        rests: of the rows that are at hand, of which those before `at` are done with.
    """

    url: str
    prefix: str
    span: Span
    listing: Listing
    holds: Callable[[str], bool] | None
    skip: Callable[[str], bool] = nothing
    within: str = ""
    rests: list[str] = field(init=False, default_factory=list)
    rows: Rows = field(init=False, default=())
    at: int = field(init=False, default=0)
    _last: str = field(init=False)
    _coming: Iterator[Rows] = field(init=False)
    _past: bool = field(init=False, default=False)  # the listing went on past the span: it did not end before it

    def __post_init__(self) -> None:
        self._last = self.prefix + self.span.after
        self._coming = self.listing(self._last if self.span.after else "")

    def more(self) -> bool:
        """Whether a row is at hand, after a look at what comes next.

        Raises:
            StoreRefused: the listing is not sorted, or says a key twice.
            Damaged: it is not the listing that was asked for.
        """
        while self.at >= len(self.rests):
            rows = None if self._past else next(self._coming, None)
            if rows is None:
                return False
            self._take(rows)
        return True

    def next(self) -> tuple[str, ObjectInfo]:
        """The row at hand, with its rest; the one behind it is at hand then."""
        at = self.at
        self.at += 1
        row = self.rows.row(at) if isinstance(self.rows, Columns) else self.rows[at]
        return self.rests[at], row.info() if isinstance(row, Listed) else row

    def again(self, rest: str) -> bool:
        """Whether something comes next after all, once the listing has ended.

        An answer that was cut looks like an end. So the listing is taken up where it ended. If it still says nothing
        and the other side has *rest* ("": it has ended, too), the very key is asked for.

        Raises:
            Damaged: the key is there, and the listing does not say so.
        """
        if not self._ended() or not self.holds:
            return False
        self._coming = self.listing(self._last)
        if self.more():
            return True
        key = self.prefix + rest
        if self._ended() and rest and not self.skip(key) and self.holds(key):
            raise Damaged(f"{self.url}: the listing ends at {self._last!r}, and {key!r} is there: try again")
        return False

    def _ended(self) -> bool:
        return not self._past

    def _take(self, rows: Rows) -> None:
        """Have these rows at hand, those of them that are anybody's business, if they are what was asked for.

        Heartbeats are nobody's: whoever has one running measures it, and removes it.
        """
        keys = rows.keys if isinstance(rows, Columns) else [row.key for row in rows]
        if keys[:1] == [self.prefix]:  # a folder's marker: the rest is empty, and no key of the route
            rows, keys = rows[1:], keys[1:]
        if not all(map(lt, [self._last, *keys], keys)):
            words = f"{self.url} {_disorder(self._last, keys)}: its listings have no order, and cannot be compared"
            raise StoreRefused(words)
        beginning = self.prefix + self.within
        if not all(key.startswith(beginning) for key in keys[:1] + keys[-1:]):  # those between are between: sorted
            wrong = next(key for key in keys if not key.startswith(beginning))
            outside = f"{self.url} lists {wrong!r} where keys beginning with {beginning!r}"
            raise Damaged(f"{outside} were asked for: try again")
        end = bisect_right(keys, self.prefix + self.span.until) if self.span.until else len(keys)
        self._past, self._last = end < len(keys), keys[end - 1] if end else self._last
        rows, keys = (rows, keys) if end == len(keys) else (rows[:end], keys[:end])
        if self.skip is not nothing:
            rows, keys = _only(rows, keys, [not self.skip(key) for key in keys])
        if PROBE in "\n".join(keys):  # of all keys at once: next to nothing in a listing of millions
            rows, keys = _only(rows, keys, [not is_probe(key) for key in keys])
        start = len(self.prefix)
        self.rests, self.rows, self.at = [key[start:] for key in keys] if start else keys, rows, 0


def _only(rows: Rows, keys: list[str], wanted: list[bool]) -> tuple[Rows, list[str]]:
    """Those for which *wanted* says so."""
    kept: list[str] = list(compress(keys, wanted))
    if isinstance(rows, Columns):
        return rows.only(wanted), kept
    only: list[Any] = list(compress(rows, wanted))  # of the one sort or the other, as they were
    return only, kept


def _disorder(last: str, keys: Sequence[str]) -> str:
    """The first of *keys* that is not greater than the one before it, in words."""
    before, key = next(each for each in pairwise([last, *keys]) if each[1] <= each[0])
    return f"lists {key!r} twice" if key == before else f"lists {key!r} after {before!r}"


def side(store: Store, prefix: str, span: Span = ALL, skip: Callable[[str], bool] = nothing, within: str = "") -> Side:
    """A side that is the store's own listing of the keys that begin with *prefix* and, behind it, *within*."""

    def listing(after: str) -> Iterator[Rows]:
        pages: Iterator[Rows]
        if isinstance(store, Paged):
            pages = store.pages(prefix + within, after)
        else:
            pages = in_chunks(store.list(prefix + within, after))
        return prefetch(_up_to(pages, prefix + span.until) if span.until else pages)

    return Side(store.address.url, prefix, span, listing, _holds(store), skip, within)


def _up_to(pages: Iterator[Rows], last: str) -> Iterator[Rows]:
    """The pages up to the first that goes on past *last*: those behind it would be read prefetch for nobody."""
    for page in pages:
        yield page
        if (page.keys[-1] if isinstance(page, Columns) else page[-1].key) > last:
            return


def _holds(store: Store) -> Callable[[str], bool]:
    def holds(key: str) -> bool:
        try:
            return store.look(key) is not None
        except StoreRefused:  # no name for an object of this store, or not for us to see: the listing has the word
            return False

    return holds


def pairs(source: Side, target: Side) -> Iterator[Pair]:
    """The pairs of both sides, ascending by rest. Raises what `Side` and the stores raise."""
    for pair in merge(source, target, None):
        assert isinstance(pair, Pair)
        yield pair


def merge(source: Side, target: Side, at_sight: AtSight | None) -> Iterator[Pair | Right]:
    """The same; many pairs are one item where *at_sight* says that they are right."""
    misses = 0  # side by side: pairs that are not right at sight
    while _both(source, target):
        # Where many are not, a window would be cut out for each: then one is looked at by itself first.
        if at_sight and (pair := _right(source, target, at_sight, WINDOW if misses < FEW else 1)):
            misses = 0
            yield pair
            continue
        misses += 1
        at_source, at_target = source.rests[source.at], target.rests[target.at]
        yield Pair(
            min(at_source, at_target),
            source.next()[1] if at_source <= at_target else None,
            target.next()[1] if at_target <= at_source else None,
        )
    if source.more():
        yield from (Pair(rest, info, None) for rest, info in _all(source))
    else:
        yield from (Pair(rest, None, info) for rest, info in _all(target))


def _both(source: Side, target: Side) -> bool:
    """Whether both sides have a row at hand."""
    if not source.more() and not source.again(target.rests[target.at] if target.more() else ""):
        return False
    return target.more() or target.again(source.rests[source.at])


def _right(source: Side, target: Side, at_sight: AtSight, most: int) -> Right | None:
    """The next pairs, *most* of them at most, those of them that are right at sight; None where the next one is not."""
    at, other = source.at, target.at
    if source.rests[at] != target.rests[other]:
        return None
    rests, others = source.rests[at : at + most], target.rests[other : other + most]
    if rests != others:
        rests = rests[: [*map(eq, rests, others), False].index(False)]
    same = len(rests)
    count = at_sight(rests, source.rows[at : at + same], target.rows[other : other + same])
    source.at += count
    target.at += count
    return Right(count, rests[count - 1]) if count else None


def _all(side: Side) -> Iterator[tuple[str, ObjectInfo]]:
    """What one side has left, the other having ended."""
    while side.more() or side.again(""):
        yield side.next()
