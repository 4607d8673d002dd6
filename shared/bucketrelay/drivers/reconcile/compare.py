"""Two sorted listings, merged into pairs: constant memory, from any key on, and nothing taken for absent by mistake.

The order is that of UTF-8 bytes, which is the order in which Python compares text (code point by code point; lone
surrogates too). A route's mapping takes `strip_prefix` off and puts `add_prefix` on. Within the keys that begin with
`strip_prefix` this changes no order: of two of them the same beginning is removed, and to both the same is added. So
both sides are compared by what is behind their own beginning, the *rest*, and neither needs to be sorted again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from bucketrelay.drivers.reconcile.ahead import ahead
from bucketrelay.errors import Damaged, StoreRefused
from bucketrelay.model import ObjectInfo
from bucketrelay.store import Store

Listing = Callable[[str], Iterator[ObjectInfo]]  # all objects of one side whose key is greater than the argument


class Pair(NamedTuple):
    """What the two sides have under one rest; at least one of them has something."""

    rest: str
    source: ObjectInfo | None
    target: ObjectInfo | None


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
    """

    url: str
    prefix: str
    span: Span
    listing: Listing
    holds: Callable[[str], bool] | None
    skip: Callable[[str], bool] = lambda _: False
    within: str = ""
    _last: str = field(init=False)
    _objects: Iterator[ObjectInfo] = field(init=False)
    _past: bool = field(init=False, default=False)  # the listing went on past the span: it did not end before it

    def __post_init__(self) -> None:
        self._last = self.prefix + self.span.after
        self._objects = self.listing(self._last if self.span.after else "")

    def next(self) -> tuple[str, ObjectInfo] | None:
        """The next rest and its object; None at the end of the span.

        Raises:
            StoreRefused: the listing is not sorted, or says a key twice.
            Damaged: it is not the listing that was asked for.
        """
        start, until = len(self.prefix), self.span.until
        for info in self._objects:
            key = info.key
            if key <= self._last:
                if key == self.prefix:  # a folder's marker: the rest is empty, and no key of the route
                    continue
                self._refuse(key)
            if not key.startswith(self.prefix + self.within):
                asked = f"{self.url} lists {key!r} where keys beginning with {self.prefix + self.within!r}"
                raise Damaged(f"{asked} were asked for: try again")
            rest = key[start:]
            if until and rest > until:
                self._past = True
                return None
            self._last = key
            if not self.skip(key):
                return rest, info
        return None

    def again(self, rest: str) -> tuple[str, ObjectInfo] | None:
        """What comes next after all, once the listing has ended.

        An answer that was cut looks like an end. So the listing is taken up where it ended. If it still says nothing
        and the other side has *rest* ("": it has ended, too), the very key is asked for.

        Raises:
            Damaged: the key is there, and the listing does not say so.
        """
        if not self._ended() or not self.holds:
            return None
        self._objects = self.listing(self._last)
        found, key = self.next(), self.prefix + rest
        if found is None and self._ended() and rest and not self.skip(key) and self.holds(key):
            raise Damaged(f"{self.url}: the listing ends at {self._last!r}, and {key!r} is there: try again")
        return found

    def _ended(self) -> bool:
        return not self._past

    def _refuse(self, key: str) -> None:
        what = "twice" if key == self._last else f"after {self._last!r}"
        raise StoreRefused(f"{self.url} lists {key!r} {what}: its listings have no order, and cannot be compared")


def side(
    store: Store, prefix: str, span: Span = ALL, skip: Callable[[str], bool] = lambda _: False, within: str = ""
) -> Side:
    """A side that is the store's own listing of the keys that begin with *prefix* and, behind it, *within*."""

    def listing(after: str) -> Iterator[ObjectInfo]:
        return ahead(store.list(prefix + within, after))

    return Side(store.address.url, prefix, span, listing, _holds(store), skip, within)


def _holds(store: Store) -> Callable[[str], bool]:
    def holds(key: str) -> bool:
        try:
            return store.look(key) is not None
        except StoreRefused:  # no name for an object of this store, or not for us to see: the listing has the word
            return False

    return holds


def merge(source: Side, target: Side) -> Iterator[Pair]:
    """The pairs of both sides, ascending by rest. Raises what `Side` and the stores raise."""
    here, there = source.next(), target.next()
    while (here := here or source.again(there[0] if there else "")) and (there := there or target.again(here[0])):
        if here[0] < there[0]:
            yield Pair(here[0], here[1], None)
            here = source.next()
        elif there[0] < here[0]:
            yield Pair(there[0], None, there[1])
            there = target.next()
        else:
            yield Pair(here[0], here[1], there[1])
            here, there = source.next(), target.next()
    for rest, info in _all(source, here):
        yield Pair(rest, info, None)
    for rest, info in _all(target, there if there or here else target.again("")):
        yield Pair(rest, None, info)


def _all(side: Side, head: tuple[str, ObjectInfo] | None) -> Iterator[tuple[str, ObjectInfo]]:
    """What one side has from *head* on, the other having ended."""
    while head:
        yield head
        head = side.next() or side.again("")
