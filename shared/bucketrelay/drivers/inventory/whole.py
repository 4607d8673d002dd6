"""A whole store, or what lies below a prefix: two sorted streams, the listing and the tables, side by side."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from bucketrelay.abilities import Version, Versioned
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.inventory.one import Keeper, KeySync, StoreFacts, only_version
from bucketrelay.errors import RelayError
from bucketrelay.inventory.tables import Row
from bucketrelay.jobs.inventory import DEPTHS
from bucketrelay.routes.probes import is_probe
from bucketrelay.store import Store
from bucketrelay.values import dataclass

Keyed = tuple[str, list[Version] | None, list[Row] | None]


@dataclass
class SyncTotals:
    """What taking stock came to."""

    objects: int = 0  # keys that the store has, deleted ones with their versions included
    new: int = 0
    changed: int = 0
    removed: int = 0
    right: int = 0
    enqueued: int = 0
    already: int = 0
    failed: int = 0
    complete: bool = False

    def members(self) -> dict[str, object]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def add(self, ended: KeySync) -> None:
        """Count one key."""
        self.removed += ended.removed
        self.new += ended.change.object
        self.changed += not ended.change.object and bool(ended.change.versions)
        self.right += not ended.changed


def sync_store(  # noqa: PLR0913 — what is synchronised, how deep and until when, and who is told
    keeper: Keeper,
    facts: StoreFacts,
    prefix: str,
    depth: str,
    *,
    deadline: Deadline,
    hand_on: Callable[[str], None] | None = None,
    complain: Callable[[str], None] = lambda _: None,
    see: Callable[[int], None] = lambda _: None,
) -> SyncTotals:
    """Bring the inventory of a store up to date, in constant memory.

    Args:
        prefix: of the keys that are meant.
        depth: see `DEPTHS`. Up to `versions` nothing is asked for a key whose rows are right.
        hand_on: takes each key that may need work, instead of doing it here.
        complain: is told of a key that failed; the others go on.
        see: is told of so many keys more that were compared.

    Raises:
        RelayError: the listing ended before its end, or the database did. Nothing is removed for it.
    """
    stock = SyncTotals()
    keeper.tables.ask(facts.name)
    # A key below tags is asked for even if its listing is the same: tags change without a trace in it.
    always = DEPTHS.index(depth) >= DEPTHS.index("tags")
    for key, listed, rows in _side_by_side(
        _listing(facts.store, prefix, depth), keeper.tables.pages(facts.name, prefix)
    ):
        deadline.check()
        see(1)
        stock.objects += listed is not None
        if not always and listed is not None and rows is not None and _same(listed, rows, depth):
            stock.right += 1
        elif hand_on:
            hand_on(key)
        else:
            try:
                stock.add(keeper.sync(facts, key, depth, listed))
            except RelayError as error:
                stock.failed += 1
                complain(f"{facts.store.address.of(key)}: {error}")
    stock.complete = not stock.failed
    return stock


def _same(listed: Sequence[Version], rows: Sequence[Row], depth: str) -> bool:
    if depth == "object":
        latest = next((row for row in rows if row.latest), None)
        return latest is not None and latest.equals(listed[0])
    by_version = {row.version: row for row in rows}
    return len(rows) == len(listed) and all(
        version.version in by_version and by_version[version.version].equals(version) for version in listed
    )


def _listing(store: Store, prefix: str, depth: str) -> Iterator[tuple[str, list[Version]]]:
    if isinstance(store, Versioned):
        for key, some in groupby(store.versions(prefix), key=lambda version: version.key):
            ordered = sorted(some, key=lambda version: not version.latest)
            if is_probe(key):
                continue
            yield key, ordered[:1] if depth == "object" else ordered
        return
    for info in store.list(prefix):
        if not is_probe(info.key):
            yield info.key, [only_version(info)]


def _side_by_side(
    listing: Iterator[tuple[str, list[Version]]], pages: Iterator[tuple[str, list[Row]]]
) -> Iterator[Keyed]:
    """A merge of two streams that ascend by UTF-8 bytes: every key once, with what each side has of it."""
    listed, known = next(listing, None), next(pages, None)
    while listed or known:
        if known is None or (listed is not None and listed[0].encode() < known[0].encode()):
            assert listed is not None
            yield listed[0], listed[1], None
            listed = next(listing, None)
        elif listed is None or listed[0] != known[0]:
            yield known[0], None, known[1]
            known = next(pages, None)
        else:
            yield listed[0], listed[1], known[1]
            listed, known = next(listing, None), next(pages, None)
