"""All that can happen next in a small world, on the very code that runs.

A state is: what the user has done so far; what target and table hold; the place of every task in its code; the writes
that are on their way though nobody waits for them; the faults that may still happen. An event that waits to be
delivered is a task at the beginning of its code, so late and reordered events need no thing of their own.
"""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from bucketrelay.errors import OutcomeUnknown
from faults.house import due, marked
from faults.small import KEY, Small, User
from faults.stepping import AGAIN, GAVE_UP, OK, Behaviour, Deliver
from faults.world import READS, SLOW, Answer, Bucket, Held, Operation, perform, written

UNKNOWN = Answer("no answer came", OutcomeUnknown)
_WRITE, _NO_WRITE = (1, 1), (1, 0)  # requests and writes of one step


class State(NamedTuple):
    """Where the small world is. Buckets and operations are numbers in the walk's lists: quick to compare."""

    path: str  # the user's acts so far
    faults: int  # that may still happen
    target: int
    table: int
    floor: int  # the number of the newest version that the target is known to have held; 0 if nobody asks
    late: tuple[int, ...]  # writes on their way that nobody waits for
    tasks: tuple[int, ...]  # places in the code, ascending


class Move(NamedTuple):
    """One step of a schedule, with what is wrong with it, if anything, and the requests and writes that it costs."""

    what: tuple
    state: State
    complaint: str = ""
    cost: tuple[int, int] = (0, 0)


class _Effect(NamedTuple):
    """What an operation does to a bucket."""

    bucket: int
    answer: Answer
    complaint: str
    held: Held | None


class _Step(NamedTuple):
    """What comes of it when the request of a task at a place meets a bucket."""

    effect: _Effect
    place: int  # where the task gets to
    end: Operation | str  # what it does there, or how it ended


class Walk:
    """The moves of *small* with *deliver* as what is done with a task."""

    def __init__(self, small: Small, deliver: Deliver, *, merge: bool = True) -> None:
        self.small = small
        self.user = User(small)
        self.behaviour = Behaviour(deliver, small.rules, merge=merge)
        self._buckets: list[Bucket] = []
        self._numbers: dict[Bucket, int] = {}
        self._effects: dict[tuple[int, int], _Effect] = {}
        # A walk makes each step some hundred times: what it needs is found by small numbers, whose hashes are quick.
        self._steps: dict[tuple[int, int], _Step] = {}
        self._sources: dict[str, int] = {}
        self._roots: dict[str, int] = {}
        self._marked: dict[int, bool] = {}

    def start(self) -> State:
        """Nothing anywhere."""
        nothing = self._number(Bucket())
        return State("", self.small.fault_budget, nothing, nothing, 0, (), ())

    def acts(self, state: State) -> str:
        """What the user has done."""
        return state.path

    def target(self, state: State) -> Held | None:
        """The object at the target."""
        return self._buckets[state.target].get(KEY)

    def complaint(self, state: State) -> str:
        """What is wrong with a state in which all is at rest."""
        if not self.at_rest(state):
            return ""
        left = self._buckets[state.target].uploads or self._buckets[state.table].objects
        if self.small.tidy and left:
            return f"at rest, this is left over: {left}"
        return self.user.unequal(state.path, self.target(state))

    def at_rest(self, state: State) -> bool:
        """Whether nothing is under way, nor to be verified."""
        return not state.tasks and not state.late and not self._due(state)

    def _due(self, state: State) -> bool:
        if not self.small.verify or state.late:
            return False
        if state.table not in self._marked:
            self._marked[state.table] = marked(self._buckets[state.table])
        return self._marked[state.table]

    def moves(self, state: State) -> Iterator[Move]:
        """All that can happen next."""
        if (node := self._commuting(state)) is not None:
            yield self._step(state, node)
            return
        yield from self._acts(state)
        for node in dict.fromkeys(state.tasks):
            yield self._step(state, node)
            if state.faults:
                yield from self._faults(state, node)
        for operation in dict.fromkeys(state.late):
            yield self._landing(state, operation)
        if self.small.ticks:
            yield from self._ticks(state)
        if self._due(state):
            yield from self._housekeeping(state)

    # The user and the clock.

    def _acts(self, state: State) -> Iterator[Move]:
        for act in self.user.acts(state.path):
            path = state.path + act
            root = self._root(path)
            once = _with(state.tasks, root)
            yield Move(("user", act), State(path, *state[1:6], once))
            if state.faults and "duplicate" in self.small.faults:
                twice = State(path, state.faults - 1, *state[2:6], _with(once, root))
                yield Move(("user, and its event comes twice", act), twice)

    def _root(self, path: str) -> int:
        if path not in self._roots:
            self._roots[path] = self.behaviour.root(self.small.task(path))
        return self._roots[path]

    def _ticks(self, state: State) -> Iterator[Move]:
        table = self._buckets[state.table]
        clock = table.get("clock")
        ticks = len(clock.body) if clock else 0
        if ticks < self.small.ticks and state.tasks:
            after = written(table, "clock", b"." * (ticks + 1), (), self.small.rules["table"])
            yield Move(("the clock moves on",), state._replace(table=self._number(after)))

    def _housekeeping(self, state: State) -> Iterator[Move]:
        """What is due was noted half an hour ago: longer than any task runs that was under way then."""
        if not state.tasks:
            house = self.behaviour.root(self.small.house)
            aged = self._number(due(self._buckets[state.table]))
            yield Move(("a schedule calls for the housekeeping",), state._replace(tasks=(house,), table=aged))

    # The tasks.

    def _commuting(self, state: State) -> int | None:
        """A task whose next request commutes with all else that may happen, so that it may as well be now."""
        at_end = len(state.path) == self.small.most
        for node in state.tasks:
            if not state.faults and node in self.behaviour.marking:
                return node  # nobody else looks at markers
            if at_end and node in self.behaviour.reading:
                return node  # the source cannot change any more
        return None

    def _step(self, state: State, node: int) -> Move:
        request = self.behaviour.request(node)
        before = self._before(state, request)
        step = self._steps.get((before, node))
        if step is None:
            effect = self._effect(before, request)
            place = self.behaviour.step(node, effect.answer)
            step = self._steps[before, node] = _Step(effect, place, self.behaviour.operations[place])
        after, complaint = self._changed(state, request, before, step.effect)
        return self._go(after, node, step, "does", complaint)

    def _on(self, state: State, node: int, answer: Answer, how: str, complaint: str = "") -> Move:
        """The task at *node* gets *answer*."""
        place = self.behaviour.step(node, answer)
        effect = _Effect(-1, answer, "", None)
        return self._go(state, node, _Step(effect, place, self.behaviour.operations[place]), how, complaint)

    def _go(self, state: State, node: int, step: _Step, how: str, complaint: str) -> Move:
        """The task at *node* is answered, and gets to where the step leads."""
        (_, answer, _, _), place, end = step
        tasks = _without(state.tasks, node)
        if end is GAVE_UP:
            complaint = complaint or "a task gave up for good"
        elif end is AGAIN:
            tasks = _with(tasks, self.behaviour.origin(node))
        elif end is not OK:
            tasks = _with(tasks, place)
        cost = _WRITE if node in self.behaviour.writing else _NO_WRITE
        return Move((how, node, answer, place), State(*state[:6], tasks), complaint, cost)

    def _faults(self, state: State, node: int) -> Iterator[Move]:
        root = self.behaviour.origin(node)
        kinds = self.small.faults
        left = state._replace(faults=state.faults - 1)
        again = left._replace(tasks=_with(_without(state.tasks, node), root))
        if "kill" in kinds and node != root:
            yield Move(("is killed before", node), again)
        if node not in self.behaviour.writing:
            return
        request = self.behaviour.request(node)
        late = tuple(sorted((*state.late, request)))
        if "slow" in kinds:
            table, place = self._noted(state, node)
            tasks = _with(_without(state.tasks, node), place)
            yield Move(("is slow, and goes on at", node), left._replace(table=table, tasks=tasks))
        if "outlive" in kinds:
            table, _ = self._noted(state, node)
            yield Move(("is killed while it sends", node), again._replace(late=late, table=table), "", (1, 0))
        if "sudden" in kinds:
            task = replace(self.behaviour.task(node), again=self.small.tells)
            told = left._replace(tasks=_with(_without(state.tasks, node), self.behaviour.root(task)))
            yield Move(("is killed as soon as it sends", node), told._replace(late=late), "", (1, 0))
        if "unknown" in kinds:
            lost = partial(self._on, node=node, answer=UNKNOWN)
            done, _, complaint = self._done(left, request)
            yield lost(done, how="(effective, but its answer is lost) does", complaint=complaint)
            yield lost(left, how="(lost on its way) does")
            yield lost(left._replace(late=late), how="(delayed, and nobody knows) does")

    def _noted(self, state: State, node: int) -> tuple[int, int]:
        """The table and the task's place once its write has taken so long that the product has put its marker."""
        place, request = self.behaviour.step(node, SLOW), self.behaviour.request(node)
        while self.behaviour.request(place) != request:
            state, answer, _ = self._done(state, self.behaviour.request(place))
            place = self.behaviour.step(place, answer)
        return state.table, place

    def _landing(self, state: State, request: int) -> Move:
        after, answer, complaint = self._done(state, request)
        after = after._replace(late=_without(after.late, request))
        return Move(("lands", request, answer), after, complaint, (0, 1))

    def _done(self, state: State, request: int) -> tuple[State, Answer, str]:
        """The state after a request, its answer, and what is wrong with that."""
        before = self._before(state, request)
        effect = self._effect(before, request)
        after, complaint = self._changed(state, request, before, effect)
        return after, effect.answer, complaint

    def _before(self, state: State, request: int) -> int:
        """The bucket that a request comes to."""
        name = self.behaviour.stores[request]
        if name == "target":
            return state.target
        if name == "table":
            return state.table
        if state.path not in self._sources:
            self._sources[state.path] = self._number(self.user.source(state.path))
        return self._sources[state.path]

    def _changed(self, state: State, request: int, before: int, effect: _Effect) -> tuple[State, str]:
        """The state with the effect of a request on the bucket *before*, and what is wrong with that."""
        if effect.bucket == before:
            return state, ""
        if self.behaviour.stores[request] != "target":
            return state._replace(table=effect.bucket), effect.complaint
        if not self.small.forward_only or effect.held == self._buckets[before].get(KEY):
            return State(*state[:2], effect.bucket, *state[3:]), effect.complaint
        version = self.user.version(state.path, effect.held, state.floor)
        back = f"the target goes back from what act {state.floor} made to what act {version} made"
        complaint = effect.complaint or (back if version < state.floor else "")
        return state._replace(target=effect.bucket, floor=max(version, state.floor)), complaint

    def _effect(self, before: int, request: int) -> _Effect:
        if (before, request) not in self._effects:
            self._effects[before, request] = self._performed(before, request)
        return self._effects[before, request]

    def _performed(self, before: int, request: int) -> _Effect:
        operation = self.behaviour.requests[request]
        bucket, answer = perform(self._buckets[before], operation, self.small.rules[operation.store])
        held = bucket.get(KEY)
        wrong = self.user.mixed(held) if operation.store == "target" else ""
        if operation.store == "source" and operation.verb not in READS:
            wrong = f"a task writes the source: {operation}"
        return _Effect(self._number(bucket), answer, wrong, held)

    def _number(self, bucket: Bucket) -> int:
        if bucket not in self._numbers:
            self._numbers[bucket] = len(self._buckets)
            self._buckets.append(bucket)
        return self._numbers[bucket]

    # To be read.

    def told(self, state: State, move: Move) -> str:
        """A move in words; a task is named by its place in the code before and after."""
        how, *rest = move.what
        if how in ("user", "user, and its event comes twice"):
            return f"{how}: {_ACTS[rest[0]]}"
        if how == "lands":
            return f"late write lands: {self.behaviour.requests[rest[0]]} -> {rest[1]}"
        if not rest:
            return how
        operation = self.behaviour.operations[rest[0]]
        begun = "new task" if rest[0] == self.behaviour.origin(rest[0]) else f"task at {rest[0]}"
        if len(rest) == 1:
            return f"{begun} {how} {operation}; it comes again"
        end = self.behaviour.operations[rest[2]]
        now = f"now at {rest[2]}" if isinstance(end, Operation) else end
        return f"{begun} {how} {operation} -> {rest[1]}; {now}"


_ACTS = {
    "w": "writes",
    "o": "overwrites with the same size",
    "t": "changes the metadata",
    "r": "restores the first content",
    "d": "deletes",
}


def _with(places: tuple[int, ...], place: int) -> tuple[int, ...]:
    at = bisect(places, place)
    return (*places[:at], place, *places[at:])


def _without(places: tuple[int, ...], place: int) -> tuple[int, ...]:
    at = places.index(place)
    return places[:at] + places[at + 1 :]
