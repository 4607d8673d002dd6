"""Is every write of now at every target? A proof, or the names of what is not there.

The source is listed once, when the barrier begins: these are the writes that are meant. A write is at a target when a
task about it would find nothing left to do (`settled`), or the target holds a copy of that very version. One that has
been deleted or overwritten since is not waited for any longer than it takes to see so: what the source held is then no
longer what anybody wants, and a later barrier speaks for what it holds instead.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile.books import Kind
from bucketrelay.drivers.reconcile.compare import ALL, pairs, side
from bucketrelay.drivers.reconcile.judge import Depth, Judge
from bucketrelay.drivers.reconcile.settled import Settled
from bucketrelay.drivers.reconcile.wish import Wish, World
from bucketrelay.errors import RelayError
from bucketrelay.model import ObjectInfo
from bucketrelay.values import dataclass, replace

_OPEN = frozenset({Kind.MISSING, Kind.DIFFERENT, Kind.FAILED})
_OLD = timedelta(days=1)
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between two looks at what is still missing


@dataclass(frozen=True, slots=True)
class Missing:
    """A write that is not at a target, as far as anybody can tell."""

    target: str
    key: str  # of the source
    written: ObjectInfo  # the version that the source held when the barrier began
    why: str
    seen: bool = False  # whether `written` is what a look at it has shown, and not merely a row of the listing

    def members(self) -> dict[str, object]:
        """For one line of JSON."""
        time = self.written.modified.isoformat().replace("+00:00", "Z") if self.written.modified else None
        return {"target": self.target, "key": self.key, "size": self.written.size, "written": time, "why": self.why}


@dataclass(frozen=True, slots=True)
class Barrier:
    """Waits for the writes of one route.

    Args:
        wish: the route, its targets and the prefix; nothing of what a reconciliation does besides.
        world: the stores.
        sleep: takes seconds.
        see: is told how many writes are still missing, before each look at them.
    """

    wish: Wish
    world: World
    sleep: Callable[[float], None]
    see: Callable[[int], None] = lambda _: None

    def wait(self, deadline: Deadline) -> list[Missing]:
        """What is not there when all is there, or the time is up: nothing, then, or the names.

        Raises:
            RelayError: a side could not be listed: nothing is proven.
        """
        missing = [each for target in self.wish.targets for each in self._first(target)]
        pause = FIRST_PAUSE
        while missing and deadline.remaining() > 0:
            self.see(len(missing))
            self.sleep(min(pause, deadline.remaining()))
            pause = min(pause * 2, LONGEST_PAUSE)
            missing = [again for each in missing if (again := self._look(each))]
        return missing

    def _first(self, target: str) -> Iterator[Missing]:
        route, world = self.wish.route, self.world
        source, destination = world.store(route.source_store), world.store(target)
        shut, within = world.skip(target), self.wish.prefix.removeprefix(route.strip_prefix)
        judge = Judge(route, source, destination, Depth.STAMP, lambda key: not shut(key))
        every = pairs(
            side(source, route.strip_prefix, ALL, world.skip(route.source_store), within),
            side(destination, route.add_prefix, ALL, shut, within),
        )
        for pair in every:
            if pair.source is None:
                continue
            verdict = judge.at_sight(pair)
            if verdict and verdict.kind not in _OPEN and (verdict.kind is not Kind.RIGHT or self._is_old(pair.source)):
                continue
            if verdict is None and self._is_old(pair.source):
                verdict = judge.ask(pair)
                if verdict.kind not in _OPEN:
                    continue
            key = judge.key(pair.rest)
            if still := self._look(Missing(target, key, pair.source, verdict.why if verdict else "")):
                yield still

    def _is_old(self, source: ObjectInfo) -> bool:
        """Whether the version was written so long ago that no task is at work which knows an earlier one.

        Of younger ones a listing says too little: metadata is rewritten under the same ETag, twice within a second, and
        a copy of what was there before may be written after it.
        """
        return source.modified is not None and self.world.now() - source.modified > _OLD

    def _look(self, missing: Missing) -> Missing | None:
        """The write, if it is not there."""
        route, store = self.wish.route, self.world.store
        settled = Settled(route, missing.target, store(route.source_store), store(missing.target))
        try:
            version = settled.missing(missing.key, missing.written if missing.seen else None)
        except RelayError as error:
            return replace(missing, why=str(error))
        return Missing(missing.target, missing.key, *version, seen=True) if version else None
