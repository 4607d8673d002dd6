"""A small world whose stores are all written by users: routes that face each other, in a ring, or into one target.

The same exploring as in `walk.py`: every schedule of what the users do, of the tasks that the events become, of faults.
Here each copy is an event, too, for the routes that begin where it was written.

Three things keep the states few, and lose none that could end wrong (`Meeting.reduced`; `test_meeting.py` compares):

* a task is killed right after a write of its own, and nowhere else. Killed after reads alone it is where it was before
  those: had it done them later, or never, everybody else would have done the same, and it begins anew either way;
* a request about a marker is made as soon as its task comes to it: nobody else looks at markers before all is at rest;
* where all stores are alike the first act is at the first: each other schedule is one of those with other names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from bucketrelay.core.stamp import NAME
from bucketrelay.errors import OutcomeUnknown
from bucketrelay.model import Deletes, Meta, Task
from bucketrelay.routes import Route
from faults.house import HOUSE, due, marked, route
from faults.small import unstamped
from faults.stepping import AGAIN, GAVE_UP, OK, Behaviour, Deliver
from faults.strategies import converge
from faults.walk import Move
from faults.world import (
    READS,
    SLOW,
    WRITES,
    Answer,
    Bucket,
    Held,
    Operation,
    Rules,
    etag_of,
    frozen,
    perform,
    removed,
    user_meta,
)

KEY = "k"
_UNMARKED = ("kill", "duplicate")  # faults after which there is no marker but in a shared target
UNKNOWN = Answer("no answer came", OutcomeUnknown)


@dataclass(frozen=True)
class Meeting:
    """What may happen.

    Args:
        routes: (source, target), each a store's name.
        writers: the stores whose users act.
        acts: w(rite), t(ouch the metadata alone, our stamp in it stays), d(elete); *most* of them in one schedule.
        conditional: whether the stores' conditional writes are enforced.
        shared: whether the routes share their target instead of meeting.
        fault: duplicate, kill, late (a write outlives its task and lands at any time after) or nothing; once.
        clocked: each act is of a second of its own; else all are of one.
        verify: whether a schedule calls for the housekeeping, once nothing is under way.
        reduced: whether schedules are left out that differ from others in nothing that matters.
    """

    routes: tuple[tuple[str, str], ...] = (("a", "b"), ("b", "a"))
    writers: str = "ab"
    acts: str = "wd"
    most: int = 2
    deletes: Deletes = Deletes.KEEP
    conditional: bool = True
    shared: bool = False
    fault: str = ""
    clocked: bool = True
    verify: bool = True
    reduced: bool = True

    @property
    def alike(self) -> bool:
        """Whether the stores could change names: in a circle, all written, and nothing is done in the names' order.

        Writes of one second are ordered by their digests, and the housekeeping goes by the names of the markers.
        """
        names = self.stores
        circle = set(self.routes) == set(zip(names, names[1:] + names[:1], strict=True))
        return circle and set(self.writers) == set(self.stores) and self.clocked and self.fault in ("", *_UNMARKED)

    @property
    def stores(self) -> tuple[str, ...]:
        """Their names, in the order of a state's buckets."""
        return tuple(sorted({name for route in self.routes for name in route}))

    @property
    def known(self) -> list[Route]:
        """The routes as the product knows them."""
        return [route(self.task(*pair)) for pair in self.routes]

    def following(self, task: Task) -> list[Task]:
        """What an event of the task's target becomes."""
        return [self.task(source, target) for source, target in self.routes if source == task.target]

    def task(self, source: str, target: str) -> Task:
        """What an event of the source becomes."""
        name = f"{source} to {target}"
        return Task(name, source, KEY, target, KEY, deletes=self.deletes, shared=self.shared, meets=not self.shared)


class State(NamedTuple):
    """Where the world is. Buckets are numbers in the walk's list, places numbers in the behaviour's."""

    acts: tuple[tuple[str, str], ...]  # (store, what its user did)
    faults: int
    buckets: tuple[int, ...]
    late: tuple[int, ...]
    tasks: tuple[int, ...]
    table: int = 0  # the log store


class MeetingWalk:
    """The moves of *world* with *deliver* as what is done with a task, else the real core."""

    def __init__(self, world: Meeting, deliver: Deliver | None = None, *, merge: bool = True) -> None:
        self.world = world
        rules = {
            name: Rules(world.conditional, documented=False, clock=False, second=99 if world.clocked else 1)
            for name in world.stores
        }
        self._rules = {**rules, "table": Rules(clock=False)}
        self._places = {name: place for place, name in enumerate(world.stores)}
        deliver = deliver or converge(following=world.following, routes=world.known)
        self.behaviour = Behaviour(deliver, self._rules, merge=merge)
        self._buckets: list[Bucket] = []
        self._numbers: dict[Bucket, int] = {}
        # What a request does to a bucket: the number of what it leaves, the answer, and whether the object is another.
        self._effects: dict[tuple[int, int], tuple[int, Answer, bool]] = {}
        self._marked: dict[int, bool] = {}
        self._following: dict[str, tuple[int, ...]] = {}

    def start(self) -> State:
        """Nothing anywhere."""
        nothing = self._number(Bucket())
        return State((), 1 if self.world.fault else 0, (nothing,) * len(self.world.stores), (), (), nothing)

    def acts(self, state: State) -> tuple:
        """What the users have done."""
        return state.acts

    def target(self, state: State) -> tuple:
        """What all stores hold."""
        return tuple(self._shown(held) for held in self._held(state))

    def at_rest(self, state: State) -> bool:
        """Whether nothing is under way, nor to be verified."""
        return not state.tasks and not state.late and not self._due(state)

    def _due(self, state: State) -> bool:
        if not self.world.verify:
            return False
        if state.table not in self._marked:
            self._marked[state.table] = marked(self._buckets[state.table])
        return self._marked[state.table]

    def complaint(self, state: State) -> str:
        """What is wrong with a state in which all is at rest."""
        if not self.at_rest(state):
            return ""
        held = dict(zip(self.world.stores, self._held(state), strict=True))
        shown = {name: self._shown(each) for name, each in held.items() if each}
        said = ", ".join(f"{name} {Answer(each)}" for name, each in held.items())
        if self.world.shared:
            return self._unshared(shown, said)
        if len(set(shown.values())) > 1:
            return f"at rest, the ends differ: {said}"
        newest = self._newest(state)
        if newest and self.world.conditional and set(shown.values()) - {newest}:
            return f"at rest, the newest write is lost: {said}"
        deleted = any(act in "dD" for _, act in state.acts)
        if newest and not deleted and len(shown) < len(held):
            return f"at rest, an end is missing: {said}"
        return ""

    def _unshared(self, shown: dict[str, tuple], said: str) -> str:
        """A shared target has the newest of its sources, or, where one of them has been deleted, something of them."""
        (target,) = {target for _, target in self.world.routes}
        sources = [shown[name] for name, _ in self.world.routes if name in shown]
        newest = max(sources, key=lambda each: len(user_meta(each[1])["v"]), default=None)
        if len(sources) == len(self.world.routes) and shown.get(target) != newest:
            return f"at rest, the target is not the newest of its sources: {said}"
        if sources and self.world.deletes is Deletes.FOLLOW and target in shown and shown[target] not in sources:
            return f"at rest, the target holds what no source has: {said}"
        return ""

    def _newest(self, state: State) -> tuple | None:
        """What the last of all writes made.

        Unless its own user has deleted it, or nobody can tell which it was, or metadata was touched: that keeps the
        ETag, which conditions compare.
        """
        if any(act == "t" for _, act in state.acts) or not self.world.clocked:
            return None
        number = max((n for n, (_, act) in enumerate(state.acts, 1) if act == "w"), default=0)
        gone = any(act == "D" for _, act in state.acts[number:])
        return self._version(number) if number and not gone else None

    # What can happen.

    def moves(self, state: State) -> Iterator[Move]:
        """All that can happen next."""
        for node in state.tasks:
            early = not state.faults or (self.world.reduced and self.world.fault != "late")
            if early and node in self.behaviour.marking:  # this commutes with all else
                yield from self._by_task(state, node)
                return
        yield from self._acts(state)
        for node in dict.fromkeys(state.tasks):
            yield from self._by_task(state, node)
        for request in dict.fromkeys(state.late):
            after, answer = self._done(state._replace(late=_without(state.late, request)), request)
            yield Move(("lands", request, answer), after, "", (0, 1))
        if not state.tasks and not state.late and self._due(state):
            house = self.behaviour.root(Task(HOUSE, "", ""))
            aged = self._number(due(self._buckets[state.table]))
            yield Move(("a schedule calls for the housekeeping",), state._replace(tasks=(house,), table=aged))

    def _by_task(self, state: State, node: int) -> Iterator[Move]:
        yield self._step(state, node)
        if state.faults:
            yield from self._faulty(state, node)

    def _acts(self, state: State) -> Iterator[Move]:
        if len(state.acts) == self.world.most:
            return
        first = self.world.reduced and self.world.alike and not state.acts
        for store in self.world.writers[:1] if first else self.world.writers:
            place = self.world.stores.index(store)
            held = self._buckets[state.buckets[place]].get(KEY)
            for act in self.world.acts:
                if act == "w" or held:
                    acts = (*state.acts, (store, self._precisely(state, store, act)))
                    acted = self._number(self._acted(state.buckets[place], act, len(acts)))
                    after = self._changed(state, place, acted)
                    events = self._events(store)
                    twice = self.world.fault == "duplicate" and state.faults
                    for times in range(1, 2 + bool(twice)):
                        yield Move(
                            ("user", (store, act, times)),
                            after._replace(
                                acts=acts, tasks=_with(after.tasks, *events * times), faults=state.faults - (times - 1)
                            ),
                        )

    def _precisely(self, state: State, store: str, act: str) -> str:
        """A delete of the newest write where that was made is a D: then nobody can expect to find it anywhere."""
        newest = max((n for n, (_, done) in enumerate(state.acts, 1) if done == "w"), default=0)
        if act != "d" or not newest or state.acts[newest - 1][0] != store:
            return act
        held = self._buckets[state.buckets[self.world.stores.index(store)]].get(KEY)
        return "D" if self._shown(held) == self._version(newest) else act

    def _acted(self, bucket: int, act: str, number: int) -> Bucket:
        before = self._buckets[bucket]
        if act == "d":
            return removed(before, KEY)
        body, meta = self._version(number)
        held = before.get(KEY)
        if act == "t":
            kept = {NAME: user_meta(held.meta)[NAME]} if NAME in user_meta(held.meta) else {}
            body, meta = held.body, frozen(Meta(user={"v": "." * number, **kept}))
        second = number if self.world.clocked else 1
        return before.with_object(KEY, Held(body, etag_of(body), second, "", meta))

    def _version(self, number: int) -> tuple:
        return bytes([96 + number]), frozen(Meta(user={"v": "." * number}))

    def _step(self, state: State, node: int) -> Move:
        request = self.behaviour.request(node)
        after, answer = self._done(state, request)
        return self._on(after, node, answer, "does")

    def _on(self, state: State, node: int, answer: Answer, how: str) -> Move:
        place = self.behaviour.step(node, answer)
        end = self.behaviour.operations[place]
        tasks, complaint = _without(state.tasks, node), ""
        if end is GAVE_UP:
            complaint = "a task gave up for good"
        elif end is AGAIN:
            tasks = _with(tasks, self.behaviour.origin(node))
        elif end is not OK:
            tasks = _with(tasks, place)
        operation = self.behaviour.operations[node]
        writes = operation.verb in WRITES and operation.store != "table"
        return Move((how, node, answer, place), state._replace(tasks=tasks), complaint, (1, int(writes)))

    def _faulty(self, state: State, node: int) -> Iterator[Move]:
        operation, root = self.behaviour.operations[node], self.behaviour.origin(node)
        left = state._replace(faults=0)
        again = left._replace(tasks=_with(_without(state.tasks, node), root))
        if self.world.fault == "kill":
            if not self.world.reduced and node != root:
                yield Move(("is killed before", node), again)
            if self.world.reduced and operation.verb in WRITES:
                done, _ = self._done(again, self.behaviour.request(node))
                writes = int(operation.store != "table")
                yield Move(("is killed as soon as it has done", node), done, "", (1, writes))
        if self.world.fault == "late" and operation.verb in WRITES:
            late = _with(state.late, self.behaviour.request(node))
            noted = self._noted(again, node)
            yield Move(("is killed while it sends", node), noted._replace(late=late), "", (1, 0))
            yield self._on(left._replace(late=late), node, UNKNOWN, "(delayed, and nobody knows) does")

    def _noted(self, state: State, node: int) -> State:
        """The state once the write of the task at *node* has taken so long that the product has put its marker."""
        place, request = self.behaviour.step(node, SLOW), self.behaviour.request(node)
        while self.behaviour.request(place) != request:
            state, answer = self._done(state, self.behaviour.request(place))
            place = self.behaviour.step(place, answer)
        return state

    def _done(self, state: State, request: int) -> tuple[State, Answer]:
        """The state after a request, with the events of what it changed; and its answer."""
        store = self.behaviour.stores[request]
        if store == "table":
            table, answer, _ = self._effect(state.table, request)
            return state._replace(table=table), answer
        place = self._places[store]
        after, answer, is_event = self._effect(state.buckets[place], request)
        if after == state.buckets[place]:
            return state, answer
        changed = self._changed(state, place, after)
        return (changed._replace(tasks=_with(changed.tasks, *self._events(store))) if is_event else changed), answer

    def _effect(self, bucket: int, request: int) -> tuple[int, Answer, bool]:
        if (bucket, request) not in self._effects:
            before, operation = self._buckets[bucket], self.behaviour.requests[request]
            after, answer = perform(before, operation, self._rules[operation.store])
            is_event = operation.verb not in READS and before.get(KEY) != after.get(KEY)
            self._effects[bucket, request] = self._number(after), answer, is_event
        return self._effects[bucket, request]

    def _events(self, store: str) -> tuple[int, ...]:
        """The tasks that a change of the store becomes."""
        if store not in self._following:
            pairs = [pair for pair in self.world.routes if pair[0] == store]
            self._following[store] = tuple(self.behaviour.root(self.world.task(*pair)) for pair in pairs)
        return self._following[store]

    def _changed(self, state: State, place: int, bucket: int) -> State:
        numbers = (*state.buckets[:place], bucket, *state.buckets[place + 1 :])
        return State(state.acts, state.faults, numbers, *state[3:])

    def _number(self, bucket: Bucket) -> int:
        if bucket not in self._numbers:
            self._numbers[bucket] = len(self._buckets)
            self._buckets.append(bucket)
        return self._numbers[bucket]

    def _held(self, state: State) -> list[Held | None]:
        return [self._buckets[number].get(KEY) for number in state.buckets]

    def _shown(self, held: Held | None) -> tuple | None:
        return (held.body, unstamped(held.meta)) if held else None

    # To be read.

    def told(self, state: State, move: Move) -> str:
        """A move in words."""
        how, *rest = move.what
        if how == "user":
            store, act, times = rest[0]
            return f"user of {store}: {_ACTS[act]}" + (", and its event comes twice" if times == 2 else "")
        if how == "lands":
            return f"late write lands: {self.behaviour.requests[rest[0]]} -> {rest[1]}"
        if not rest:
            return how
        operation, begun = self.behaviour.operations[rest[0]], self._task(rest[0])
        if len(rest) == 1:
            return f"{begun} {how} {operation}; it comes again"
        end = self.behaviour.operations[rest[2]]
        return f"{begun} {how} {operation} -> {rest[1]}" + ("" if isinstance(end, Operation) else f"; {end}")

    def _task(self, node: int) -> str:
        root = self.behaviour.origin(node)
        task = next(task for task, place in self.behaviour.roots.items() if place == root)
        return f"{task.source} to {task.target} ({node})"


_ACTS = {"w": "writes", "t": "changes the metadata", "d": "deletes"}


def _with(places: tuple[int, ...], *more: int) -> tuple[int, ...]:
    return tuple(sorted((*places, *more)))


def _without(places: tuple[int, ...], place: int) -> tuple[int, ...]:
    at = places.index(place)
    return places[:at] + places[at + 1 :]


SHARED = Meeting(routes=(("a", "t"), ("b", "t")), shared=True)
RING = Meeting(routes=(("a", "b"), ("b", "c"), ("c", "a")), writers="abc")


def late(world: Meeting) -> Meeting:
    """The same, in which a write may outlive its task."""
    return replace(world, fault="late")
