"""A random storm, and barriers in the midst of it: what each *proves* is held against what the stores remember."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.barrier import Barrier
from bucketrelay.errors import RelayError
from bucketrelay.model import Deletes, ObjectInfo
from bucketrelay.routes import Route
from bucketrelay.testing.bucket import Held
from observed.world import CLUMSY, Faults, Remembering, World, route

KEYS = ("in/a", "in/b", "in/c", "out/d", "in/e")
STRETCH = 3.0  # seconds for each act of a user
KINDS = ({}, {"versioned": True}, CLUMSY, {"sums": ("md5",)}, {"copies": True})
LAYOUTS = {
    "pair": (("ab",), "a"),
    "fan-out": (("ab", "ac"), "a"),
    "chain": (("ab", "bc"), "a"),
    "facing": (("ab", "ba"), "ab"),
    "ring": (("ab", "bc", "ca"), "abc"),
    "shared": (("ac", "bc"), "ab"),
}


_CHANCE = random.Random()


def in_one_time(rows: Iterator) -> Iterator:
    """In place of `ahead`: what a thread would read ahead is read when it is wanted, or now and then at once."""
    return iter(list(rows)) if _CHANCE.random() < 0.3 else rows


@dataclass
class Seen:
    """What barriers said."""

    proven: int = 0
    named: int = 0  # barriers that ended with names of what is not there
    refused: int = 0  # barriers that ended with an error
    late: int = 0  # of those that proved: how many waited
    false: list[str] = field(default_factory=list)


class Paged(Remembering):
    """Lists two rows at a time; one that is *unordered* in any order that it likes."""

    unordered = False

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        while rows := list(islice(super().list(prefix, after), 2)):
            if self.unordered:
                rows.reverse()
            yield from rows
            after = max(row.key for row in rows)


class Storm:
    """One world, run to its end by `run`."""

    def __init__(self, seed: int, acts: int = 40, barriers: int = 6) -> None:
        self.dice = dice = random.Random(seed)
        _CHANCE.seed(seed)
        self.seen, self._acts, self._barriers = Seen(), acts, barriers
        layout = dice.choice(sorted(LAYOUTS))
        ways, self.writers = LAYOUTS[layout]
        deletes = dice.choice(list(Deletes))
        mapping = (
            dice.choice([{}, {"strip_prefix": "in/"}, {"add_prefix": "to/"}]) if layout in ("pair", "fan-out") else {}
        )
        mapping = {**mapping, "shared": layout == "shared"}
        kinds = {name: dice.choice(KINDS) for name in "abc"}
        faults = Faults(*(dice.choice([0, 2]) for _ in range(3)), lost=dice.choice([0, 0, 10]), twice=5, late=10)
        routes = tuple(route(way, way[0], way[1], deletes=deletes, **mapping) for way in ways)
        self.world = World(seed, routes, faults, kinds, every=dice.choice([0, 30.0]), maker=Paged)
        for name in self.writers if dice.random() < 0.1 else "":
            self.world.stores[name].unordered = True
        self.name = f"{seed} {layout} {deletes.value} {mapping} {faults}"

    def run(self) -> Seen:
        """What its barriers said, and where they were wrong."""
        world, dice, stretch = self.world, self.dice, STRETCH * self._acts
        for _ in range(self._acts):
            world.later(dice.uniform(0, stretch), self._act)
        for _ in range(self._barriers):
            world.sleep(dice.uniform(0, stretch / self._barriers))
            self._barrier(dice.choice(world.routes))
        return self.seen

    @property
    def can_rest(self) -> bool:
        """Whether all will be at every target in the end: no event is lost, nobody takes a copy away there.

        Where sources share a target, the delete of the one that won leaves the others' key to `reconcile`.
        """
        unordered = any(self.world.stores[name].unordered for name in self.writers)
        targets = {target for each in self.world.routes for target in each.targets}
        taken_away = any(each.shared and each.deletes is Deletes.FOLLOW for each in self.world.routes)
        return not (self.world.faults.lost or unordered or taken_away) and targets.isdisjoint(self.writers)

    def rest(self) -> bool:
        """Nothing goes wrong any more and nobody acts: whether all barriers prove."""
        self.world.quiet = True
        self.world.sleep(STRETCH * self._acts + 300)
        before = self.seen.proven
        for each in self.world.routes:
            self._barrier(each)
        return self.seen.proven == before + len(self.world.routes)

    def _act(self) -> None:
        store, key = self.dice.choice(self.writers), self.dice.choice(KEYS)
        act = self.dice.choice(("write", "write", "touch", "remove"))
        if act == "remove":
            self.world.remove(store, key)
        else:
            self.world.write(store, key, touch=act == "touch")

    def _barrier(self, each: Route) -> None:
        world, begun = self.world, self.world.seconds
        system, patience = world.system(), self.dice.choice([0.0, 2.0, 20.0])
        try:
            waiting = Barrier(order.wish(system, each.name), order.world(system), world.sleep)
            missing = waiting.wait(Deadline(patience, now=lambda: world.seconds))
        except RelayError:
            self.seen.refused += 1
            return
        if missing:
            self.seen.named += 1
            return
        self.seen.proven += 1
        self.seen.late += world.seconds - begun > 0.5
        self.seen.false += [f"{self.name}: {words}" for words in self._wrong(each, begun)]

    def _wrong(self, each: Route, begun: float) -> Iterator[str]:
        """Every write that the source held when the barrier began, and that no target held until it ended."""
        source = self.world.stores[each.source_store]
        over = self.world.seconds
        for key in source.history:
            held = source.at(key, begun)
            if held is None or not each.takes(key) or self.world.origin_of(key, held) in each.targets:
                continue  # a write that was made there
            if any(later is None for later in source.between(key, begun, over)):
                continue  # deleted meanwhile
            for target in each.targets:
                copies = self.world.stores[target].between(each.target_key(key), begun, over)
                if not any(self._is_as_new(key, one, held) for one in copies if one):
                    yield f"at {begun:.2f} {each.name} {key}: {held.body!r} {held.meta.user['v']} is not at {target}"

    def _is_as_new(self, key: str, copy: Held, held: Held) -> bool:
        """Whether it is that version, or one that was written later.

        Where routes meet, of two writes at two ends in one second either may win: stores tell time in seconds.
        """
        one, other = self.world.time_of(key, copy), self.world.time_of(key, held)
        apart = self.world.origin_of(key, copy) != self.world.origin_of(key, held)
        return one >= other or (apart and int(one) >= int(other))
