"""A world in virtual time: stores that remember all that they ever held, events, invocations, faults; a seed says all.

The functions are the product's own: payload, plan, core, lists, housekeeping. Every request takes its time, and what
falls due meanwhile happens during it: a user's write, another invocation, in the middle of the one that asks.
"""

import heapq
import itertools
import random
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_claims import Claims
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.core.verify import Verify
from bucketrelay.core.writes import Writes
from bucketrelay.drivers.answers import TasksFailed
from bucketrelay.drivers.function import handle
from bucketrelay.drivers.status import Survey
from bucketrelay.errors import OutcomeUnknown, RelayError, StoreUnavailable
from bucketrelay.model import Address, Meta, Result, Task
from bucketrelay.routes import Route
from bucketrelay.routes.meeting import following, meeting
from bucketrelay.store import Abilities
from bucketrelay.system import System
from bucketrelay.testing.bucket import Bucket, Held, Orders
from bucketrelay.testing.memory import MemoryStore

START = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
LOG = "log"
_DEEPEST = 2  # what happens during a request during a request
_SECONDS = 60  # of an invocation
_WRITES = frozenset({"put", "delete", "commit", "copy_from"})


class Killed(BaseException):
    """The process ends here and now; nothing of it is written down."""


class State(NamedTuple):
    """What a key holds from a moment on; None: nothing."""

    since: float
    held: Held | None


@dataclass(frozen=True)
class Faults:
    """How often things go wrong: of a hundred requests, or events."""

    refused: float = 0.0  # the request is answered 503
    unknown: float = 0.0  # a write has its effect, and no answer
    killed: float = 0.0  # the process ends before the request
    lost: float = 0.0  # the event never comes
    twice: float = 0.0  # it comes twice
    late: float = 0.0  # it takes up to a minute


NONE = Faults()


class _Orders(Orders):
    """Tells the world of every request."""

    def __init__(self, store: "Remembering") -> None:
        super().__init__(store.bucket.lock)
        self._store = store

    def begin(self, verb: str, key: str) -> None:
        self._store.world.asked(self._store.name, verb, after=False)
        self._run(verb, key, after=False)

    def end(self, verb: str, key: str) -> None:
        self._run(verb, key, after=True)
        self._store.world.asked(self._store.name, verb, after=True)


@dataclass
class _Bucket(Bucket):
    """Remembers, and tells of every change."""

    changed: Callable[[str, Held | None], None] = lambda _key, _held: None

    def hold(self, key: str, body: bytes, etag: str, meta: Meta, *, versioned: bool) -> Held:
        held = super().hold(key, body, etag, meta, versioned=versioned)
        self.changed(key, held)
        return held

    def remove(self, key: str) -> None:
        existed = key in self.objects
        super().remove(key)
        if existed:
            self.changed(key, None)


class Remembering(MemoryStore):
    """A store in memory whose whole history can be asked for."""

    def __init__(self, world: "World", name: str, **more) -> None:
        super().__init__(Address("s3", name), now=world.second, **more)
        self.world, self.name = world, name
        self.bucket = _Bucket(world.second, changed=self._changed)
        self.orders = _Orders(self)
        self.history: dict[str, list[State]] = {}

    def _changed(self, key: str, held: Held | None) -> None:
        self.history.setdefault(key, []).append(State(self.world.seconds, held))
        self.world.changed(self.name, key, held)

    def at(self, key: str, moment: float) -> Held | None:
        """What *key* held then."""
        states = self.history.get(key, [])
        place = bisect_right(states, moment, key=lambda state: state.since)
        return states[place - 1].held if place else None

    def between(self, key: str, start: float, end: float) -> list[Held | None]:
        """All that *key* held from *start* to *end*."""
        inside = [state.held for state in self.history.get(key, []) if start < state.since <= end]
        return [self.at(key, start), *inside]

    def first(self, key: str, start: float, wanted: Callable[[Held], bool]) -> float | None:
        """From when on, after *start*, the key held what is *wanted* for the first time."""
        states = self.history.get(key, [])
        return next((s.since for s in states if s.since >= start and s.held and wanted(s.held)), None)


@dataclass
class World:
    """The stores of *routes*, their events, and the functions that take them.

    Args:
        kinds: what a store is made with, by its name.
        every: seconds between two schedules for the housekeeping; 0: there are none.
        patience: how often the platform brings an event again that an invocation did not get through.
    """

    seed: object
    routes: tuple[Route, ...]
    faults: Faults = NONE
    kinds: dict[str, dict] = field(default_factory=dict)
    every: float = 900.0
    patience: int = 2
    seconds: float = 0.0
    quiet: bool = False  # nothing goes wrong any more
    stands: bool = False  # no request takes any time: for who looks at one moment
    maker: type[Remembering] = Remembering

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.seed}")
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        self._depth = self._inside = 0
        self._away: dict[str, float] = {}
        names = {name for route in self.routes for name in (route.source_store, *route.targets)}
        self.stores = {name: self.maker(self, name, **self.kinds.get(name, {})) for name in sorted({*names, LOG})}
        self.routes = meeting(self.routes, {name: store.address for name, store in self.stores.items()})
        self.sources = {route.source_store for route in self.routes}
        self.handled: list[tuple[float, str, str, float]] = []  # when lists told of the event of which change of a key
        self.written: dict[tuple[str, bytes, str], float] = {}  # by key and version: when its user wrote it
        self.origins: dict[tuple[str, bytes, str], str] = {}  # and where
        if self.every:
            self.later(self.every, self._housekeeping)

    # Time.

    def now(self) -> datetime:
        """The time of day."""
        return START + timedelta(seconds=self.seconds)

    def second(self) -> datetime:
        """The same, as a server tells it: in whole seconds."""
        return self.now().replace(microsecond=0)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Have *act* happen in *seconds*."""
        heapq.heappush(self._due, (self.seconds + seconds, next(self._numbers), act))

    def sleep(self, seconds: float) -> None:
        """Time passes; what falls due happens, unless too much is under way already."""
        end = self.seconds + seconds
        while self._depth < _DEEPEST and self._due and self._due[0][0] <= end:
            at, _, act = heapq.heappop(self._due)
            self.seconds = max(self.seconds, at)
            self._depth, inside, self._inside = self._depth + 1, self._inside, 0
            try:
                act()
            finally:
                self._depth, self._inside = self._depth - 1, inside
        self.seconds = max(self.seconds, end)

    # Users.

    def write(self, store: str, key: str, *, touch: bool = False) -> None:
        """A user writes: something new, or the same bytes with other metadata."""
        number = next(self._numbers)
        held = self.stores[store].bucket.objects.get(key)
        body = held.body if touch and held else f"{store} {key} {number}".encode()
        self.written[key, body, str(number)] = self.seconds
        self.origins[key, body, str(number)] = store
        self.stores[store].write(key, body, Meta(user={"v": str(number)}))

    def remove(self, store: str, key: str) -> None:
        """A user deletes."""
        self.stores[store].remove(key)

    def time_of(self, key: str, held: Held | None) -> float:
        """When the version was written that is held; -1 for nothing."""
        return self.written.get((key, held.body, held.meta.user.get("v", "")), -1.0) if held else -1.0

    def origin_of(self, key: str, held: Held) -> str:
        """In which store the version was written."""
        return self.origins[key, held.body, held.meta.user["v"]]

    def outage(self, store: str, seconds: float) -> None:
        """The store answers nobody for so long."""
        self._away[store] = self.seconds + seconds

    def is_away(self, store: str) -> bool:
        """Whether it answers nobody now."""
        return self.seconds < self._away.get(store, -1.0)

    # Servers and the platform.

    def asked(self, store: str, verb: str, *, after: bool) -> None:
        """A request comes in, or is about to be answered: it takes its time, and may go wrong."""
        if self.stands:
            return
        if not after:
            self.sleep(self.dice.uniform(0.002, 0.02))
        if self.is_away(store):
            raise StoreUnavailable(f"s3://{store}: 503 (SlowDown): it may work later")
        if self._inside and not self.quiet:
            self._go_wrong(store, verb, after=after)

    def _go_wrong(self, store: str, verb: str, *, after: bool) -> None:
        chance = self.dice.random() * 100
        if after:
            if verb in _WRITES and chance < self.faults.unknown:
                raise OutcomeUnknown(f"s3://{store}: no answer")
        elif chance < self.faults.killed:
            raise Killed
        elif chance < self.faults.killed + self.faults.refused:
            raise StoreUnavailable(f"s3://{store}: 503 (SlowDown): it may work later")

    def changed(self, store: str, key: str, held: Held | None) -> None:
        """A bucket tells of a change."""
        if store not in self.sources or (not self.quiet and self._likely(self.faults.lost)):
            return
        name = "ObjectCreated:Put" if held else "ObjectRemoved:Delete"
        place = {"bucket": {"name": store}, "object": {"key": key, "size": len(held.body) if held else 0}}
        time = f"{self.now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        payload = {"Records": [{"eventSource": "aws:s3", "eventName": name, "eventTime": time, "s3": place}]}
        changed = self.seconds
        for _ in range(1 + (not self.quiet and self._likely(self.faults.twice))):
            delay = self.dice.uniform(5, 60) if self._likely(self.faults.late) else self.dice.uniform(0.2, 2.0)
            self.later(delay, lambda: self._deliver(payload, 0, (store, key, changed)))

    def _likely(self, percent: float) -> bool:
        return self.dice.random() * 100 < percent

    def _deliver(self, payload: dict, attempt: int, what: tuple[str, str, float]) -> None:
        try:
            self.invoke(payload)
            self.handled.append((self.seconds, *what))
        except (RelayError, Killed) as error:
            if isinstance(error, TasksFailed):
                self.handled.append((self.seconds, *what))
            if attempt < self.patience:
                self.later(60.0 * 2**attempt, lambda: self._deliver(payload, attempt + 1, what))

    def invoke(self, payload: dict) -> None:
        """An invocation of the function, in a process of its own; raises what tells its platform to bring it again."""
        self._inside += 1
        try:
            handle(payload, self.system(), cloud=None, seconds=_SECONDS, invocation=f"i{next(self._numbers)}").answer()
        finally:
            self._inside -= 1

    def _housekeeping(self) -> None:
        self.later(self.every, self._housekeeping)
        with suppress(RelayError, Killed):  # what is left is due the next time
            self.invoke({"trigger_type": "TIMER", "user_event": ""})

    # The product.

    def system(self) -> System:
        """The world as an invocation sees it."""
        budget, log = Budget(1 << 20, 1), lambda: self.stores[LOG]
        places = {name: store.address for name, store in self.stores.items()}

        def urls(task: Task) -> tuple[str, str]:
            return places[task.source].of(task.key), places[task.target].of(task.target_key)

        results = Results(urls, self.now)
        writes = Writes(Verify(log, self.stores.__getitem__, self.now), lambda: self.seconds)
        resources = Resources(1 << 16, budget, LogCheckpoints(log), pause=self.sleep, writes=writes)
        fuse = Fuse(Claims(log, self.now, self.sleep, self.dice.random).grant, lambda: self.seconds)
        converge = Converge(
            self.stores.__getitem__,
            resources,
            fuse,
            results,
            lambda task: tuple(following(task, self.routes, places)),
        )
        return System(
            self.routes,
            Runner(converge, budget, results, writes),
            log,
            self.stores.__getitem__,
            5.0,
            self.now,
            lambda _: None,
            clock=lambda: self.seconds,
            sleep=self.sleep,
        )

    def survey(self) -> Survey:
        """What `status` looks at."""
        return Survey(self.routes, self.stores[LOG], self.target_of, self.now)

    def target_of(self, result: Result) -> str:
        """The store that a result's target lies in."""
        return result.target.removeprefix("s3://").partition("/")[0]


def route(name: str, source: str, *targets: str, **more) -> Route:
    """A route between stores of these names."""
    return Route(name, Address("s3", source), source, targets, **more)


CLUMSY = {"conditional": False, "abilities": Abilities(streams=True)}  # neither conditions nor promises
