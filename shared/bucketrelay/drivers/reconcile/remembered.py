"""Pairs that were asked about and found right, so that nobody is asked again while both listings show the same.

Where the listings alone cannot tell (ETags of objects in parts, or of two clouds), depth `stamp` costs a request for
each pair, each time. What was found out holds as long as neither object is written again, and each write shows in a
listing: by its time, at least. Times have seconds, so a pair is remembered only when its writes are over for a while.

What is remembered of a stretch that both listings have shown whole is what was asked about in it: the rest is of keys
that are gone, or that the listings settle by now, and is forgotten.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from bucketrelay.drivers.reconcile.compare import Pair
from bucketrelay.errors import RelayError
from bucketrelay.model import Address, ObjectInfo
from bucketrelay.values import dataclass

_SETTLED = timedelta(minutes=10)  # longer than a clock of ours and one of a store are apart
_GREATEST = "\U0010ffff" * 4  # behind all keys; were one behind it, it would be remembered for longer than need be


class Faces(Protocol):
    """Texts by scope and key, in a database. `inventory.tables.Tables` is one."""

    def faces(self, scope: str, after: str, last: str) -> dict[str, str]:
        """The first of those behind *after*, up to *last*, by UTF-8 bytes: all of them are had by asking on."""

    def drop_faces(self, scope: str, keys: Collection[str]) -> None:
        """Forget them."""

    def keep_faces(self, scope: str, faces: Mapping[str, str]) -> None:
        """Keep them, in place of what there was."""


@dataclass(slots=True)
class BestEffortFaces:
    """Faces of a database that may refuse: from then on there are none, and nothing is kept. It costs requests alone.

    Args:
        complain: is told once.
    """

    of: Faces
    complain: Callable[[str], None]
    _over: bool = False

    def faces(self, scope: str, after: str, last: str) -> dict[str, str]:
        """As the database has them; none once it has refused."""
        rows: dict[str, str] = {}
        self._try(lambda: rows.update(self.of.faces(scope, after, last)))
        return rows

    def drop_faces(self, scope: str, keys: Collection[str]) -> None:
        """Forget them, if the database does."""
        self._try(lambda: self.of.drop_faces(scope, keys))

    def keep_faces(self, scope: str, faces: Mapping[str, str]) -> None:
        """Keep them, if the database does."""
        self._try(lambda: self.of.keep_faces(scope, faces))

    def _try(self, act: Callable[[], None]) -> None:
        if self._over:
            return
        try:
            act()
        except RelayError as error:
            self._over = True
            self.complain(f"no pair is remembered from here on: {error}")


@dataclass(frozen=True, slots=True)
class Remembered:
    """The pairs of one route and target.

    Args:
        scope: names them.
        now: the time of day.
        within: how all rests begin that are compared: of others nothing is known.
    """

    faces: Faces
    scope: str
    source: Address
    target: Address
    now: Callable[[], datetime]
    within: str = ""

    def right(self, pairs: Sequence[Pair], after: str, last: str) -> frozenset[str]:
        """The rests of those *pairs* that were right when the listings showed what they show now.

        Args:
            pairs: all that have to be asked about behind *after*, up to *last*; both sides were listed as far.
        """
        pairs_by_rest = {pair.rest: pair for pair in pairs}
        right: set[str] = set()
        for known in self._recall(after, last):
            right.update(
                rest for rest in known if rest in pairs_by_rest and known[rest] == self._face(pairs_by_rest[rest])
            )
            gone = [rest for rest in known if rest not in pairs_by_rest and self._between(after, rest, last)]
            if gone:
                self.faces.drop_faces(self.scope, gone)
        return frozenset(right)

    def end(self, after: str, until: str) -> None:
        """Forget what is behind *after*, up to *until* ("": to the end): both listings have ended."""
        self.right((), after, until or self.within + _GREATEST)

    def _recall(self, after: str, last: str) -> Iterator[dict[str, str]]:
        """What is remembered of a stretch, bit by bit: there may be any number of keys that are gone."""
        at, end = _storable(max(after, self.within)), _storable(last, _GREATEST)
        while known := self.faces.faces(self.scope, at, end):
            yield known
            at = max(known)

    def _between(self, after: str, rest: str, last: str) -> bool:
        return after < rest <= last and rest.startswith(self.within)

    def keep(self, pairs: Sequence[Pair]) -> None:
        """Remember pairs that were found right, those of them that can be told from a later write."""
        before = self.now() - _SETTLED
        faces = {
            pair.rest: face
            for pair in pairs
            if (face := self._face(pair)) and _over(pair.source, before) and _over(pair.target, before)
        }
        if faces:
            self.faces.keep_faces(self.scope, faces)

    def _face(self, pair: Pair) -> str:
        """What both listings show of the pair; "" where that is not enough, or no database could hold its name."""
        if pair.source is None or pair.target is None or "\0" in pair.rest or not _encodable(pair.rest):
            return ""
        shown = [_members(self.source, pair.source), _members(self.target, pair.target)]
        return sha256(json.dumps(shown).encode()).hexdigest() if all(shown) else ""


def _members(place: Address, info: ObjectInfo) -> list[object]:
    if not info.etag or info.modified is None:
        return []
    return [place.of(info.key), place.endpoint, info.etag, info.size, info.modified.timestamp()]


def _over(info: ObjectInfo | None, before: datetime) -> bool:
    return info is not None and info.modified is not None and info.modified < before


def _storable(text: str, behind: str = "") -> str:
    """The text as far as any database takes it, with *behind* for the rest of it."""
    bad = next((at for at, letter in enumerate(text) if letter == "\0" or not _encodable(letter)), None)
    return text if bad is None else text[:bad] + behind


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
