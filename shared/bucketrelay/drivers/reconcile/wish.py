"""What is to be compared, how, and what that needs of the world."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from bucketrelay.drivers.reconcile.compare import Side, Span
from bucketrelay.drivers.reconcile.judge import Depth
from bucketrelay.drivers.reconcile.remembered import Faces
from bucketrelay.drivers.reconcile.span import Repair
from bucketrelay.routes import Route
from bucketrelay.store import Store
from bucketrelay.values import dataclass, replace

SourceSide = Callable[[Span, Callable[[str], bool]], Side]  # of a span, without the keys that are to be skipped


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be compared, and how.

    Args:
        route: with a named source and targets.
        targets: those of its targets that are meant.
        prefix: of the source's keys that are compared; the route's strip_prefix at least.
        repair: runs tasks, or hands them on; None to report only.
        way: a word for what `repair` is: runs of different ways are different reconciliations.
        adopt: equal objects that no route wrote get their stamp.
        source: the source's side where it is not the source's own listing: an inventory's.
        streams: how many listings of one side at once.
        at_most: fewer where a single one leaves no time for more.
        manifest: where in the log store the source keys that `repair` hands on are written, for S3 Batch Operations.
    """

    route: Route
    targets: tuple[str, ...]
    depth: Depth = Depth.STAMP
    prefix: str = ""
    repair: Repair | None = None
    way: str = "check"
    adopt: bool = False
    source: SourceSide | None = None
    streams: int = 1
    at_most: bool = False
    manifest: str = ""
    inventory: str = ""  # whose `source` is: two inventories are two reconciliations

    def out_of(self, source: SourceSide, inventory: str) -> "Wish":
        """The same with the source's side out of an inventory."""
        return replace(self, source=source, inventory=inventory)

    def words(self) -> str:
        """What makes two runs the same reconciliation, of which the later goes on where the earlier was ended."""
        values = [
            repr(self.route),
            self.targets,
            self.depth.value,
            self.prefix,
            self.way,
            self.adopt,
            self.manifest,
            self.inventory,
        ]
        return json.dumps(values)


Remembering = Callable[[Wish, Callable[[str], None]], AbstractContextManager[Faces | None]]


def nowhere(wish: Wish, complain: Callable[[str], None]) -> AbstractContextManager[Faces | None]:
    """The `Remembering` of who has no inventory: nothing is remembered."""
    del wish, complain
    return nullcontext()


@dataclass(frozen=True, slots=True)
class World:
    """What a reconciliation needs beside its wish.

    Args:
        log: where bookmark, lists and books are written.
        store: a store by its name.
        skip: for a store's name, which of its keys are the log store's own.
        threads: for what has to be asked, beside those of the streams.
        see: is told how many pairs of a target were compared more.
        complain: is told what did not stop anything.
        faces: where pairs are remembered that were right; None where there is no inventory of both stores.
    """

    log: Store
    store: Callable[[str], Store]
    skip: Callable[[str], Callable[[str], bool]]
    now: Callable[[], datetime]
    threads: int = 16
    see: Callable[[str, int], None] = lambda _target, _more: None
    complain: Callable[[str], None] = lambda _: None
    faces: Faces | None = None
