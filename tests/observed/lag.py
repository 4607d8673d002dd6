"""Users who write for hours while things go wrong; and what the stores' own histories say of each write's way."""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bucketrelay.drivers.status import Watch
from bucketrelay.model import Deletes, Outcome, Result
from bucketrelay.reports import lists
from bucketrelay.reports.reader import FOLDERS
from bucketrelay.routes import Route
from bucketrelay.testing.bucket import Held
from observed.world import CLUMSY, LOG, START, Faults, World, route

FAULTS = Faults(refused=0.3, unknown=0.2, killed=0.2, twice=3, late=3)
ROUTES = (
    route("out", "a", "b", "c", deletes=Deletes.FOLLOW, max_deletes=10**9),
    route("on", "b", "d", add_prefix="on/", include=("k1*",)),
)
_MOST_HOUSEKEEPINGS = 20
_TOLD = 0.002  # seconds: events tell milliseconds, lists microseconds


class Moment(NamedTuple):
    """What status said at a moment: the age of the oldest write of a route that it knows not to be at the target."""

    at: float
    route: str
    target: str
    behind: float


class Course:
    """So many writes, a second apart on average, in a world with faults and outages; *moments* looks at status."""

    def __init__(self, seed: int, writes: int, moments: int, keys: int = 400) -> None:
        self.dice = random.Random(seed)
        self.world = World(seed, ROUTES, FAULTS, {"c": CLUMSY, "d": {"versioned": True}}, every=900.0)
        self._keys = [f"k{number}" for number in range(keys)]
        self.writes = writes
        for number in range(writes):
            self.world.later(number + self.dice.random(), self._act)
        self.moments: list[Moment] = []
        self._watch = Watch(self.world.survey(), START)
        for _ in range(moments):
            self.world.later(self.dice.uniform(0, writes), self._look)
        for name in "bcd":
            for _ in range(1 + writes // 2500):
                self.world.later(self.dice.uniform(0, writes), self._outage(name))

    def run(self) -> "Observer":
        """All of it, and the time that the housekeeping takes when nothing goes wrong any more."""
        self.world.sleep(self.writes + 1.0)
        self.world.quiet = True
        for _ in range(_MOST_HOUSEKEEPINGS):  # each goes as far as an invocation's time does
            self.world.sleep(2 * self.world.every)
            if not any(line.waiting for line in self._watch.lines()):
                break
        return Observer(self.world)

    def _look(self) -> None:
        self.world.stands = True
        lines, self.world.stands = self._watch.lines(), False
        at = self.world.seconds
        self.moments += [Moment(at, each.standing.route, each.standing.target, each.behind) for each in lines]

    def _outage(self, name: str) -> Callable[[], None]:
        return lambda: self.world.outage(name, self.dice.uniform(10, 400))

    def _act(self) -> None:
        key, store = self.dice.choice(self._keys), self.world.stores["a"]
        if self.dice.random() < 0.05 and store.body(key) is not None:
            self.world.remove("a", key)
        else:
            self.world.write("a", key, touch=self.dice.random() < 0.1)

    def lines(self) -> Iterator[tuple[float, str, Result]]:
        """The lines of all lists, each with when its list was there and with the store that it is about."""
        log = self.world.stores[LOG]
        for folder in FOLDERS:
            for info in list(log.list(folder)):
                written = log.history[info.key][0].since
                yield from ((written, self.world.target_of(result), result) for result in lists.read(log, info.key))

    def results(self) -> Iterator[tuple[str, Result]]:
        """The lines of all lists, each with the name of the store that it is about."""
        return ((target, result) for _, target, result in self.lines())


class Way:
    """What the histories of two stores say of one key, on its way from one to the other."""

    def __init__(self, world: World, each: Route, target: str, key: str) -> None:
        self._states = world.stores[each.source_store].history.get(key, [])
        self._copies = world.stores[target].history.get(each.target_key(key), [])
        self._follows = each.deletes is Deletes.FOLLOW
        self._numbers: dict[tuple[bytes, str], int] = {
            _version(state.held): number for number, state in enumerate(self._states) if state.held
        }

    def arrivals(self) -> Iterator[tuple[float, float | None]]:
        """Of each write and delete that is to travel: when it was, and when it, or what came later, was there.

        What is deleted before it has travelled need not any more.
        """
        moments: list[tuple[float, int]] = []  # ascending: when the target came to hold what
        for state in self._copies:
            number = self._numbers[_version(state.held)] if state.held else self._deleted_by(state.since)
            moments.append((state.since, number))
        made: list[tuple[float, float | None]] = []
        later: float | None = None
        for number, state in reversed(list(enumerate(self._states))):
            arrived = next((at for at, what in moments if at >= state.since and what >= number), None)
            if state.held is None and not (self._follows and self._is_to_be_deleted(number, moments)):
                arrived = state.since
            later = min((at for at in (arrived, later) if at is not None), default=None)
            if state.held or self._follows:
                made.append((state.since, later))
        yield from reversed(made)

    def _is_to_be_deleted(self, number: int, moments: list[tuple[float, int]]) -> bool:
        """Whether the target held something older when the source was deleted, or came to hold it then."""
        since = self._states[number].since
        earlier = [what for at, what in moments if at <= since]
        held = bool(earlier) and earlier[-1] >= 0 and self._states[earlier[-1]].held is not None
        return held or any(at > since and what < number for at, what in moments)

    def _deleted_by(self, moment: float) -> int:
        """Which delete it was that the target followed."""
        place = bisect_right(self._states, moment, key=lambda state: state.since)
        return max((n for n in range(place) if self._states[n].held is None), default=-1)


def _version(held: Held) -> tuple[bytes, str]:
    return held.body, held.meta.user["v"]


class Observer:
    """Knows of every write when it was at its target, from the stores' histories alone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.arrivals = {
            (each.name, target, key): list(Way(world, each, target, key).arrivals())
            for each in world.routes
            for target in each.targets
            for key in world.stores[each.source_store].history
            if each.takes(key)
        }

    def lags(self, route: str, target: str) -> list[float]:
        """Of all writes that arrived."""
        ways = [pairs for name, pairs in self.arrivals.items() if name[:2] == (route, target)]
        return sorted(arrived - began for pairs in ways for began, arrived in pairs if arrived is not None)

    def errors(self, results: Iterator[tuple[str, Result]]) -> list[float]:
        """Of each line that tells a lag, by how many seconds it errs."""
        wrong = []
        for target, result in results:
            if result.lag is None or result.outcome not in (Outcome.COPIED, Outcome.DELETED):
                continue
            began = (result.time - START).total_seconds() - result.lag
            pairs = self.arrivals[result.route, target, result.key]
            written = [arrived for at, arrived in pairs if abs(at - began) <= _TOLD and arrived is not None]
            wrong += [abs(arrived - began - result.lag) for arrived in written[:1]]
        return wrong

    def behind(self, moment: Moment) -> float:
        """How far the target was behind at least: of writes whose event was handled by then, as the stores say."""
        source = next(each.source_store for each in self._world.routes if each.name == moment.route)
        told = {
            (key, changed) for at, store, key, changed in self._world.handled if at <= moment.at and store == source
        }
        return self._age(moment, lambda key, began: (key, began) in told, None)

    def at_most(self, moment: Moment, results: "Lines") -> float:
        """How far it was at most: of all writes, until a task that was not killed has said that they are there."""
        return self._age(moment, lambda _, began: began <= moment.at, results)

    def _age(self, moment: Moment, counts: Callable[[str, float], bool], results: "Lines | None") -> float:
        late = [
            began
            for (route_name, target, key), pairs in self.arrivals.items()
            if (route_name, target) == (moment.route, moment.target)
            for began, arrived in pairs
            if counts(key, began) and not self._has_arrived(arrived, moment, key, results)
        ]
        return moment.at - min(late, default=moment.at)

    def _has_arrived(self, arrived: float | None, moment: Moment, key: str, results: "Lines | None") -> bool:
        if arrived is None or arrived > moment.at:
            return False
        return results is None or results.is_known((moment.route, moment.target, key), arrived, moment.at)


class Lines:
    """What the lists say of each key, by route and target: when tasks ended well, and since when that stands there."""

    def __init__(self, lines: Iterator[tuple[float, str, Result]]) -> None:
        self._ended: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
        for written, target, result in lines:
            if result.ok:
                ended = (result.time - START).total_seconds()
                self._ended.setdefault((result.route, target, result.key), []).append((ended, max(ended, written)))

    def is_known(self, name: tuple[str, str, str], arrived: float, moment: float) -> bool:
        """Whether a list had said by *moment* that it was there: who is killed after his write says nothing.

        An invocation writes its lists at its end, some time after the first of its tasks has ended.
        """
        return any(arrived - _TOLD <= ended and written <= moment for ended, written in self._ended.get(name, []))
