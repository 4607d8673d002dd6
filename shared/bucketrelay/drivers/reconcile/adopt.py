"""Equal objects that no route wrote are made ours: they get the stamp that a copy of the route would have.

So whoever comes from another tool need not copy everything anew: from then on an event about such an object costs what
one about our own copies costs, and its delete is followed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from bucketrelay.abilities import ServerSideCopy
from bucketrelay.core import stamp as stamps
from bucketrelay.core.metadata import fit, with_tags
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile.books import Verdict
from bucketrelay.drivers.reconcile.compare import Pair
from bucketrelay.drivers.reconcile.judge import Judge
from bucketrelay.errors import CannotCopy, OutOfTime, RelayError, StoreRefused
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import MiB

_BY_HAND = 8 * MiB  # what is read and written back where the server does not copy an object onto itself


@dataclass(frozen=True, slots=True)
class Adopt:
    """Writes the target's object again with the metadata that a copy of the route would have.

    Args:
        judge: knows the route and the two stores.
        complain: is told what could not be adopted, and why.
    """

    judge: Judge
    complain: Callable[[str], None]
    DONE: ClassVar[str] = "adopted"

    def __call__(self, verdict: Verdict, pair: Pair, deadline: Deadline) -> Verdict:
        """The verdict with or without its stamp. Raises OutOfTime; what else goes wrong leaves it as it is."""
        key = self.judge.target_key(pair.rest)
        try:
            self._adopt(pair, key, deadline)
        except OutOfTime:
            raise
        except RelayError as error:
            self.complain(f"not adopted: {error}")
            return verdict
        return replace(verdict, unstamped=False, why=self.DONE)

    def _adopt(self, pair: Pair, key: str, deadline: Deadline) -> None:
        here, there = self.judge.source.look(self.judge.key(pair.rest)), self.judge.target.look(key)
        url = self.judge.target.address.of(key)
        if not (here and there and _same(here, pair.source) and _same(there, pair.target)):
            raise StoreRefused(f"{url}: it, or its source, was written since they were compared: reconcile again")
        self._write(key, there, self._meta(pair.rest, here, there, url), deadline)

    def _meta(self, rest: str, here: ObjectInfo, there: ObjectInfo, url: str) -> Meta:
        """What the route would write. The storage class stays, unless the source's has one that corresponds."""
        judge = self.judge
        stamp = stamps.make(here, judge.link(rest), "", there.checksums.get("md5", ""))
        carried = with_tags(judge.source, here, judge.target.abilities, strict=judge.route.strict)
        meta, lost = fit(carried, judge.target.abilities, stamp)
        if lost and judge.route.strict:
            raise StoreRefused(f"{url}: the copy would lack {', '.join(lost)}, and the route is strict")
        return replace(meta, storage_class=meta.storage_class or there.meta.storage_class)

    def _write(self, key: str, there: ObjectInfo, meta: Meta, deadline: Deadline) -> None:
        target = self.judge.target
        if isinstance(target, ServerSideCopy) and target.reach(target) is not None:
            try:
                target.copy_from(target, there, key, meta, deadline, expect=there)
                return
            except CannotCopy:
                if there.size > _BY_HAND:
                    raise
        if there.size > _BY_HAND:
            url = target.address.of(key)
            raise CannotCopy(f"{url}: its server does not copy it onto itself, and it is too large to be written back")
        body = target.read(there, 0, there.size) if there.size else b""
        target.put(key, body, meta, expect=there)


def _same(now: ObjectInfo, then: ObjectInfo | None) -> bool:
    return then is not None and (now.etag, now.size) == (then.etag, then.size)
