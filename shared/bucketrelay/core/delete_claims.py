"""What all processes share of a route's delete fuse: claims in the log store, and the mark of a blown one.

Below `fuse/<route>/`, each object as long as the number of deletes that it claims, so that one listing tells the sum:

* `slots/<number>`: where the server creates a key only if it is absent. Whoever has listed the numbers up to *n* and
  creates *n + 1* knows of every claim before his own: the sum is exact, and the last one who fits in, fits in.
* `claims/<time>-<random>`: elsewhere. A claim is put first and counted afterwards, so of any two that are granted the
  one that counted last has counted both: the sum of what is granted is never too great. Claims that meet are
  withdrawn and put again after a random pause, so that nothing is held for good because many asked at once.
* `mark.json`: the fuse is blown, and stays so until somebody takes the mark away.

An empty slot or claim begins a new hour: what was claimed before does not count any more.
"""

import json
import os
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from bucketrelay import deadline
from bucketrelay.core.checkpoints import quietly
from bucketrelay.core.delete_fuse import BLOCK_SECONDS
from bucketrelay.errors import DeletesHeld, OutOfTime, RelayError, StoreRefused, StoreUnavailable, TargetChanged
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import ABSENT, Store
from bucketrelay.values import dataclass, field

FOLDER = "fuse/"
# A block is used for a minute after its claim; the second minute is for clocks that do not agree.
WINDOW = timedelta(hours=1, seconds=2 * BLOCK_SECONDS)
_SETTLED = timedelta(seconds=2)  # what is still there then has been granted
_TRIES = 8
_PLAIN = Meta(content_type="text/plain")
_SLACK = timedelta(hours=2)  # names of claims begin with the time of whoever claims; his clock may be wrong


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of every route.

    Args:
        log: the log store.
        now: the time of day, timezone-aware.
        sleep: waits so many seconds.
        chance: a number from 0 to 1, another one each time.
    """

    log: Callable[[], Store]
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = field(default=random.random)

    def grant(self, route: str, most: int, wanted: int) -> int:
        """How many deletes of *route* may be done, from 1 to *wanted*.

        Raises:
            DeletesHeld: the fuse is blown, or blows now.
            StoreUnavailable, StoreRefused: the log store could not be asked; nothing is deleted then either.
        """
        try:
            log = self.log()
            ask = self._slot if log.abilities.creates_once else self._claim
            for _ in range(_TRIES):
                granted = ask(log, route, most, wanted)
                if granted:
                    return granted
                wanted = max(1, wanted // 4)  # less may still fit in
                self._pause()
        except (DeletesHeld, OutOfTime):
            raise
        except RelayError as error:
            kind = StoreUnavailable if error.retryable else StoreRefused
            raise kind(
                f"route {route}: the delete is held, as its fuse in the log store is out of reach: {error}"
            ) from error
        raise StoreUnavailable(f"route {route}: the delete is held, as many ask for its fuse at once; it comes again")

    def blown(self, route: str) -> bool:
        """Whether the mark is there."""
        return self.log().look(_mark(route)) is not None

    def renew(self, route: str) -> None:
        """Begin a new hour, and take the mark away."""
        log = self.log()
        if log.abilities.creates_once:
            numbered = _slots(_list_claims(log, route, self.now()))
            log.put(_slot_name(route, _last(numbered) + 1), b"", _PLAIN, expect=ABSENT)
        else:
            log.put(self._claim_name(route), b"", _PLAIN)
        log.delete(_mark(route))

    def tidy(self, route: str) -> None:
        """Remove what counts for nobody any more."""
        log, now = self.log(), self.now()
        claims = [info for info in log.list(f"{FOLDER}{route}/") if info.key != _mark(route)]
        last = max((info.key for info in claims if "/slots/" in info.key), default="")
        for info in claims:
            if info.key != last and _older(info, now - WINDOW - _SLACK):
                log.delete(info.key)

    # Slots.

    def _slot(self, log: Store, route: str, most: int, wanted: int) -> int:
        listed, now = _list_claims(log, route, self.now()), self.now()
        self._check_mark(listed, route)
        slots = _slots(listed)
        begun = max((number for number, info in slots if info.size == 0), default=-1)
        live = [info for number, info in slots if number > begun and not _older(info, now - WINDOW)]
        left = most - sum(info.size for info in live) - self._others(listed, now)
        if left <= 0:
            raise self._blow(log, route, most)
        size = min(wanted, left)
        try:
            log.put(_slot_name(route, _last(slots) + 1), b"." * size, _PLAIN, expect=ABSENT)
        except TargetChanged:
            return 0
        self._forget_one(log, slots, now)
        return size

    def _others(self, listed: list[ObjectInfo], now: datetime) -> int:
        """What was claimed while the log store's abilities were not known."""
        return sum(info.size for info in listed if "/claims/" in info.key and not _older(info, now - WINDOW))

    def _forget_one(self, log: Store, slots: list[tuple[int, ObjectInfo]], now: datetime) -> None:
        """For each claim one is removed that counts no more: so there are never many, also where no schedule calls."""
        if len(slots) > 1 and _older(slots[0][1], now - WINDOW):
            quietly(lambda: log.delete(slots[0][1].key))

    # Claims.

    def _claim(self, log: Store, route: str, most: int, wanted: int) -> int:
        name = self._claim_name(route)
        log.put(name, b"." * wanted, _PLAIN)
        kept = False
        try:
            kept = self._fits(log, route, most, name)
        finally:
            if not kept:
                quietly(lambda: log.delete(name))
        return wanted if kept else 0

    def _fits(self, log: Store, route: str, most: int, name: str) -> bool:
        """Whether the claim *name* fits in."""
        listed = _list_claims(log, route, self.now())
        self._check_mark(listed, route)
        mine = next((info for info in listed if info.key == name), None)
        if mine is None or mine.modified is None:
            raise StoreUnavailable(f"{log.address.of(name)}: what was just written is not in the listing")
        live = _live(listed, mine.modified)
        if sum(info.size for info in live) <= most:
            return True
        settled = [info for info in live if info.key != name and _older(info, mine.modified - _SETTLED)]
        if sum(info.size for info in settled) >= most:
            raise self._blow(log, route, most)
        return False

    def _claim_name(self, route: str) -> str:
        return f"{FOLDER}{route}/claims/{self.now():%Y%m%dT%H%M%SZ}-{os.urandom(16).hex()}"

    # The mark.

    def _check_mark(self, listed: list[ObjectInfo], route: str) -> None:
        if any(info.key == _mark(route) for info in listed):
            raise DeletesHeld(_words(route, "has blown"))

    def _blow(self, log: Store, route: str, most: int) -> DeletesHeld:
        fields = {"route": route, "time": self.now().isoformat(), "max_deletes": most}
        log.put(_mark(route), json.dumps(fields).encode(), Meta(content_type="application/json"))
        return DeletesHeld(_words(route, f"blows: {most} deletes in one hour is all that max_deletes allows"))

    def _pause(self) -> None:
        left = deadline.current()
        left.check()
        self.sleep(min(left.remaining(), 0.3 + 0.5 * self.chance()))  # all tries together are longer than `_SETTLED`


def _words(route: str, what: str) -> str:
    return (
        f"route {route}: its delete fuse {what}; the object was kept. Check the source, then"
        f" `bucketrelay replay --route {route} --go` does what is held"
    )


def _mark(route: str) -> str:
    return f"{FOLDER}{route}/mark.json"  # behind the claims, so that a listing that begins after the old ones has it


def _slot_name(route: str, number: int) -> str:
    return f"{FOLDER}{route}/slots/{number:012d}"


def _list_claims(log: Store, route: str, now: datetime) -> list[ObjectInfo]:
    """All that may count, in one listing: claims begin with their time."""
    after = f"{FOLDER}{route}/claims/{now - WINDOW - _SLACK:%Y%m%dT%H%M%SZ}"
    return list(log.list(f"{FOLDER}{route}/", after))


def _slots(listed: list[ObjectInfo]) -> list[tuple[int, ObjectInfo]]:
    """The slots, ascending; what somebody else has put there is none."""
    names = ((info.key.rpartition("/slots/")[2], info) for info in listed if "/slots/" in info.key)
    return [(int(name), info) for name, info in names if len(name) == 12 and name.isascii() and name.isdecimal()]


def _last(slots: list[tuple[int, ObjectInfo]]) -> int:
    return slots[-1][0] if slots else -1


def _older(info: ObjectInfo, than: datetime) -> bool:
    return info.modified is not None and info.modified < than


def _live(listed: list[ObjectInfo], now: datetime) -> list[ObjectInfo]:
    """The claims and slots that count, by the server's own clock."""
    counted = [info for info in listed if "/claims/" in info.key or "/slots/" in info.key]
    begun = [info.modified for info in counted if info.size == 0 and info.modified]
    start = max([now - WINDOW, *begun])
    return [info for info in counted if not _older(info, start)]
