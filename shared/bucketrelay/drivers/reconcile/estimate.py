"""What a backfill of a route will take, or a day like the last: requests, bytes, time, money. Nothing is written."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from functools import cache
from itertools import islice

from bucketrelay.abilities import Tagged
from bucketrelay.drivers.reconcile.books import Kind
from bucketrelay.drivers.reconcile.compare import ALL, Pair, pairs, side
from bucketrelay.drivers.reconcile.judge import Judge
from bucketrelay.drivers.reconcile.rehearsal import SORT_OF, Rehearsal, Requests, times
from bucketrelay.drivers.reconcile.span import ASKED, ENOUGH, PAGE
from bucketrelay.drivers.reconcile.wish import Wish, World
from bucketrelay.errors import RelayError
from bucketrelay.http import trace
from bucketrelay.model import ObjectInfo, Outcome, Result
from bucketrelay.reports import lists
from bucketrelay.reports.prices import SORTS, Prices
from bucketrelay.store import GiB, MiB, Store
from bucketrelay.testing.memory import MemoryStore
from bucketrelay.values import dataclass, field, replace

LISTED = 1000  # keys of a page, of every cloud
LATENCY = 0.03  # seconds of a request, where nobody has measured
RATE = 100.0 * MiB  # bytes a second that one process moves, unless somebody knows better


@dataclass(slots=True)
class Estimate:
    """What is to be done for one target, and what that takes.

    Attributes:
        requests: by whose they are (source, target, log) and of which sort (write, list, read, delete).
        bytes: that pass through us; those that the target's server copies by itself do not.
    """

    route: str
    target: str
    copies: int = 0
    deletes: int = 0
    unchanged: int = 0
    bytes: int = 0
    requests: Requests = field(default_factory=Counter)

    def seconds(self, threads: int, rate: float) -> float:
        """How long it takes at *rate* bytes a second, with so many threads: the longer of moving and of asking."""
        return max(self.bytes / rate, self.requests.total() * LATENCY / threads)

    def money(self, places: Mapping[str, str], prices: Mapping[str, Prices]) -> tuple[float, tuple[str, ...]]:
        """US dollars, and of which clouds not all prices are known.

        Args:
            places: the scheme of source, target and log.
        """
        sum_, unknown = 0.0, set()
        for (side_, sort), count in self.requests.items():
            price = getattr(prices.get(places[side_], Prices()), sort)
            sum_ += (price or 0.0) * count / 1000
            unknown |= {places[side_]} if price is None else set()
        out = prices.get(places["source"], Prices()).out
        if self.bytes and places["source"] != places["target"]:
            sum_ += (out or 0.0) * self.bytes / GiB
            unknown |= {places["source"]} if out is None else set()
        return sum_, tuple(sorted(unknown))

    def whole(
        self, places: Mapping[str, str], prices: Mapping[str, Prices], threads: int, rate: float = RATE
    ) -> dict[str, object]:
        """As `estimate --json` says it."""
        money, unknown = self.money(places, prices)
        seconds = round(self.seconds(threads, rate))
        return {**self.members(), "seconds": seconds, "dollars": round(money, 6), "unknown_prices": list(unknown)}

    def members(self) -> dict[str, object]:
        """The same without time and money."""
        sides = ("source", "target", "log")
        requests = {name: {sort: self.requests[name, sort] for sort in SORTS} for name in sides}
        return {
            "route": self.route,
            "target": self.target,
            "copies": self.copies,
            "deletes": self.deletes,
            "unchanged": self.unchanged,
            "bytes": self.bytes,
            "requests": requests,
            "total": self.requests.total(),
        }


def backfill(wish: Wish, world: World, part_size: int) -> Iterator[Estimate]:
    """What `reconcile` of *wish* will take, target by target: both sides are listed, and one object is looked at.

    What the listings cannot tell is counted as one look each, and as right.

    Raises:
        RelayError: a side could not be listed.
    """
    for target in wish.targets:
        work = _Backfill(wish, world, target, part_size)
        work.count()
        yield work.found


class _Backfill:
    """Counts what one target needs."""

    def __init__(self, wish: Wish, world: World, target: str, part_size: int) -> None:
        self._route, self._world, self._target = wish.route, world, target
        self._stores = world.store(wish.route.source_store), world.store(target)
        self._within = wish.prefix.removeprefix(wish.route.strip_prefix)
        shut = world.skip(target)
        self._judge = Judge(wish.route, *self._stores, wish.depth, lambda key: not shut(key))
        self._rehearsal = Rehearsal(*self._stores, world.log, part_size)
        self._known = False  # what an object of the source is like
        self._listed: Counter[str] = Counter()
        self.found = Estimate(wish.route.name, target)

    def count(self) -> None:
        """Merge both listings to their ends."""
        pages = repairs = settled = 0
        coming = self._pairs()
        while page := list(islice(coming, PAGE)):
            before = self.found.copies + self.found.deletes
            requests = sum(self._take(pair) for pair in page)
            repairs += self.found.copies + self.found.deletes - before
            pages += max(1, -(-requests // ASKED))  # a page with much to ask is cut into several
            if repairs >= ENOUGH:
                settled, repairs = settled + 1, 0
            self._world.see(self._target, len(page))
        self.found.requests += self._around(pages, settled + (repairs > 0))

    def _pairs(self) -> Iterator[Pair]:
        route, skip = self._route, self._world.skip
        source = side(self._stores[0], route.strip_prefix, ALL, skip(route.source_store), self._within)
        target = side(self._stores[1], route.add_prefix, ALL, skip(self._target), self._within)
        return pairs(source, target)

    def _take(self, pair: Pair) -> int:
        """Count a pair; returns 1 where it has to be asked about."""
        estimate, verdict = self.found, self._judge.at_sight(pair)
        self._listed["source"] += pair.source is not None
        self._listed["target"] += pair.target is not None
        if verdict is None:
            estimate.requests["target", "read"] += 1
            if pair.source is None:  # ours most likely: nobody else writes there
                estimate.deletes += 1
                estimate.requests += self._rehearsal.cost_of_delete()
            else:
                estimate.unchanged += 1
            return 1
        if verdict.kind in (Kind.MISSING, Kind.DIFFERENT) and pair.source:
            self._learn(self._judge.key(pair.rest))
            estimate.copies += 1
            estimate.bytes += pair.source.size
            estimate.requests += self._rehearsal.cost_of_copy(pair.source.size, replaces=verdict.kind is Kind.DIFFERENT)
        else:
            estimate.unchanged += verdict.kind is Kind.RIGHT
        return 0

    def _learn(self, key: str) -> None:
        """Look at one object of the source: no listing tells whether tags have to be asked for."""
        if self._known:
            return
        self._known, source = True, self._stores[0]
        info = source.look(key)
        if info and isinstance(source, Tagged) and not info.meta.tags_told and not _asks_again(source, info):
            info = replace(info, meta=replace(info.meta, tags_told=True))
        self._rehearsal = replace(self._rehearsal, like=info)

    def _around(self, pages: int, settled: int) -> Requests:
        """What a reconciliation asks beside its pairs: listings, the bookmark, lists, books."""
        made: Requests = Counter()
        for name in ("source", "target"):
            made[name, "list"] = -(-self._listed[name] // LISTED) + 1  # an end is asked for twice
        made["log", "read"] = 2  # is there a plan, and a mark?
        made["log", "write"] = 3 + pages + 2 * settled  # plan, books, lines; marks
        made["log", "list"], made["log", "delete"] = 1, 2
        return made + times(_list_of_results(self._world.log.conditional), settled)


def _asks_again(source: Tagged, info: ObjectInfo) -> bool:
    """Whether the store asks for the tags of each object anew; where it has learned what silence means it does not."""
    reasons: list[str] = []
    with suppress(RelayError):
        source.tags(info)
    with suppress(RelayError), trace.watch(reasons.append):
        source.tags(info)
    return bool(reasons)


@cache
def _list_of_results(conditional: bool) -> Requests:
    """The requests of writing one list."""
    log, now = MemoryStore(conditional=conditional), datetime.now(timezone.utc)
    result = Result("r", "", "created", "s3://a/k", "s3://b/k", "k", Outcome.COPIED, now)
    lists.write(log, [result], invocation="rehearsal", now=now)
    return Counter(("log", SORT_OF[verb]) for verb, _ in log.calls)


def day(
    results: Iterable[Result], invocations: int, route: str, target: str, stores: tuple[Store, Store, Store],
    part_size: int,
) -> Estimate:  # fmt: skip
    """What a day like the one that *results* tell of takes: each task again, each list again.

    Args:
        results: of the route and target.
        invocations: how many lists told of them.
        stores: source, target and log.
    """
    estimate, rehearsal = Estimate(route, target), Rehearsal(*stores, part_size)
    for result in results:
        if result.outcome is Outcome.COPIED:
            estimate.copies, estimate.bytes = estimate.copies + 1, estimate.bytes + result.bytes
            estimate.requests += rehearsal.cost_of_copy(result.bytes)
        elif result.outcome is Outcome.DELETED:
            estimate.deletes += 1
            estimate.requests += rehearsal.cost_of_delete()
        else:
            estimate.unchanged += 1
            estimate.requests += rehearsal.cost_of_look()
    estimate.requests += times(_list_of_results(stores[2].conditional), invocations)
    return estimate
