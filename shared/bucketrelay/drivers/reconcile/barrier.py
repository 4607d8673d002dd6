"""Is every write of now at every target? A proof, or the names of what is not there.

The source is listed once, when the barrier begins: these are the writes that are meant. A write is at a target when the
target is right by what both stores say of it (`judge`), or holds a copy of that very version. One that has been deleted
or overwritten since is not waited for any longer than it takes to see so: what the source held is then no longer what
anybody wants, and a later barrier speaks for what it holds instead.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile.books import Kind
from bucketrelay.drivers.reconcile.compare import ALL, Pair, pairs, side
from bucketrelay.drivers.reconcile.judge import Depth, Judge
from bucketrelay.drivers.reconcile.wish import Wish, World
from bucketrelay.errors import RelayError
from bucketrelay.model import ObjectInfo

_OPEN = frozenset({Kind.MISSING, Kind.DIFFERENT, Kind.FAILED})
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between two looks at what is still missing


@dataclass(frozen=True, slots=True)
class Missing:
    """A write that is not at a target, as far as anybody can tell."""

    target: str
    key: str  # of the source
    written: ObjectInfo  # the version that the source held when the barrier began
    why: str

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
        while missing and deadline.left() > 0:
            self.see(len(missing))
            self.sleep(min(pause, deadline.left()))
            pause = min(pause * 2, LONGEST_PAUSE)
            missing = [again for each in missing if (again := self._again(each))]
        return missing

    def _judge(self, target: str) -> Judge:
        route, world = self.wish.route, self.world
        shut = world.skip(target)
        source, there = world.store(route.source_store), world.store(target)
        return Judge(route, source, there, Depth.STAMP, lambda key: not shut(key))

    def _first(self, target: str) -> Iterator[Missing]:
        route, world, judge = self.wish.route, self.world, self._judge(target)
        within = self.wish.prefix.removeprefix(route.strip_prefix)
        here, there = route.source_store, target
        every = pairs(
            side(world.store(here), route.strip_prefix, ALL, world.skip(here), within),
            side(world.store(there), route.add_prefix, ALL, world.skip(there), within),
        )
        for pair in every:
            if pair.source is None:
                continue
            verdict = judge.at_sight(pair) or judge.ask(pair)
            if verdict.kind in _OPEN:
                yield Missing(target, judge.key(pair.rest), pair.source, verdict.why)

    def _again(self, missing: Missing) -> Missing | None:
        """The write, if it is still not there."""
        judge = self._judge(missing.target)
        rest = missing.key[len(self.wish.route.strip_prefix) :]
        try:
            source = judge.source.look(missing.key)
            if source is None or self._holds(judge, rest, missing.written):
                return None
            verdict = judge.ask(Pair(rest, source, None))
        except RelayError as error:
            return replace(missing, why=str(error))
        return replace(missing, why=verdict.why) if verdict.kind in _OPEN else None

    def _holds(self, judge: Judge, rest: str, written: ObjectInfo) -> bool:
        """Whether the target holds a copy of just that version."""
        there = judge.target.look(judge.target_key(rest))
        if there is None:
            return False
        stamp = judge.link(rest).of_target(there)
        return (
            stamp is not None and stamp.etag == written.etag and stamp.size == written.size and judge.ours(rest, there)
        )
