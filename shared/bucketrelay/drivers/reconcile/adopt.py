"""Equal objects that no route wrote are made ours: they get the stamp that a copy of the route would have.

So whoever comes from another tool need not copy everything anew: from then on an event about such an object costs what
one about our own copies costs, and its delete is followed.
"""

from collections.abc import Callable
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
from bucketrelay.values import dataclass, replace

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
        source, target = self.judge.source.look(self.judge.key(pair.rest)), self.judge.target.look(key)
        url = self.judge.target.address.of(key)
        if not (source and target and _same(source, pair.source) and _same(target, pair.target)):
            raise StoreRefused(f"{url}: it, or its source, was written since they were compared: reconcile again")
        self._write(key, target, self._meta(pair.rest, source, target, url), deadline)

    def _meta(self, rest: str, source: ObjectInfo, target: ObjectInfo, url: str) -> Meta:
        """What the route would write. The storage class stays, unless the source's has one that corresponds."""
        judge = self.judge
        stamp = stamps.make(source, judge.link(rest), "", target.checksums.get("md5", ""))
        carried = with_tags(judge.source, source, judge.target.abilities, strict=judge.route.strict)
        meta, lost = fit(carried, judge.target.abilities, stamp)
        if lost and judge.route.strict:
            raise StoreRefused(f"{url}: the copy would lack {', '.join(lost)}, and the route is strict")
        return replace(meta, storage_class=meta.storage_class or target.meta.storage_class)

    def _write(self, key: str, held: ObjectInfo, meta: Meta, deadline: Deadline) -> None:
        store = self.judge.target
        if isinstance(store, ServerSideCopy) and store.reach(store) is not None:
            try:
                store.copy_from(store, held, key, meta, deadline, expect=held)
                return
            except CannotCopy:
                if held.size > _BY_HAND:
                    raise
        if held.size > _BY_HAND:
            url = store.address.of(key)
            raise CannotCopy(f"{url}: its server does not copy it onto itself, and it is too large to be written back")
        body = store.read(held, 0, held.size) if held.size else b""
        store.put(key, body, meta, expect=held)


def _same(now: ObjectInfo, then: ObjectInfo | None) -> bool:
    return then is not None and (now.etag, now.size) == (then.etag, then.size)
