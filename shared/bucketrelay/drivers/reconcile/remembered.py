"""Pairs that were asked about and found right, so that nobody is asked again while both listings show the same.

Where the listings alone cannot tell (ETags of objects in parts, or of two clouds), depth `stamp` costs a request for
each pair, each time. What was found out holds as long as neither object is written again, and each write shows in a
listing: by its time, at least. Times have seconds, so a pair is remembered only when its writes are over for a while.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from bucketrelay.drivers.reconcile.compare import Pair
from bucketrelay.model import Address, ObjectInfo

_SETTLED = timedelta(minutes=10)  # longer than a clock of ours and one of a store are apart


class Faces(Protocol):
    """Texts by scope and key, in a database. `inventory.tables.Tables` is one."""

    def faces(self, scope: str, first: str, last: str) -> dict[str, str]:
        """Those of the keys from *first* to *last*, by UTF-8 bytes."""

    def keep_faces(self, scope: str, faces: Mapping[str, str]) -> None:
        """Keep them, in place of what there was."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The pairs of one route and target.

    Args:
        scope: names them.
        now: the time of day.
    """

    faces: Faces
    scope: str
    source: Address
    target: Address
    now: Callable[[], datetime]

    def right(self, pairs: Sequence[Pair]) -> frozenset[str]:
        """The rests of those *pairs*, which ascend, that were right when the listings showed what they show now."""
        if not pairs:
            return frozenset()
        known = self.faces.faces(self.scope, pairs[0].rest, pairs[-1].rest)
        return frozenset(pair.rest for pair in pairs if pair.rest in known and known[pair.rest] == self._face(pair))

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
        shown = [_shown(self.source, pair.source), _shown(self.target, pair.target)]
        return sha256(json.dumps(shown).encode()).hexdigest() if all(shown) else ""


def _shown(place: Address, info: ObjectInfo) -> list[object]:
    if not info.etag or info.modified is None:
        return []
    return [place.of(info.key), place.endpoint, info.etag, info.size, info.modified.timestamp()]


def _over(info: ObjectInfo | None, before: datetime) -> bool:
    return info is not None and info.modified is not None and info.modified < before


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
