"""More worlds whose stores are all written: a diamond, many to one with faults, facing and rings whose log store fails.

What `meeting.py` explores, but for two things. A write that may land late leaves a marker, as the product puts it, and
nobody looks again until all is at rest: then the housekeeping comes by, and runs the tasks of the markers. And before
each delete the delete fuse asks the log store, which may fail.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Task
from faults.meeting import UNKNOWN, Meeting, MeetingWalk, _with, _without
from faults.stepping import Deliver
from faults.strategies import converge
from faults.walk import Move
from faults.world import WRITES, Answer, user_meta

LOG = "table"
DOWN = Answer("the log store is down", StoreUnavailable)


@dataclass(frozen=True)
class Diamond(Meeting):
    """One to two, and both to a fourth, into which the routes are shared."""

    routes: tuple[tuple[str, str], ...] = (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))
    writers: str = "ab"

    def task(self, source: str, target: str) -> Task:
        """What an event of the source becomes."""
        return Task("route", source, "k", target, "k", deletes=self.deletes, shared=target == "d")


class Housed(NamedTuple):
    """Where the world is; `due`: the tasks of the markers in the log store."""

    acts: tuple[tuple[str, str], ...]
    faults: int
    buckets: tuple[int, ...]
    late: tuple[int, ...]
    tasks: tuple[int, ...]
    due: tuple[int, ...]


class CircleWalk(MeetingWalk):
    """The moves of *world*."""

    def __init__(self, world: Meeting, deliver: Deliver | None = None, *, merge: bool = True) -> None:
        asks = world.fault == "log"
        super().__init__(world, deliver or converge(following=world.following, fuse_asks=asks), merge=merge)

    def start(self) -> Housed:  # type: ignore[override]
        """Nothing anywhere."""
        return Housed(*super().start(), ())

    def at_rest(self, state) -> bool:
        """Whether nothing is under way, nor waits for the housekeeping."""
        return super().at_rest(state) and not state.due

    def moves(self, state) -> Iterator[Move]:
        """All that can happen next."""
        yield from super().moves(state)
        if state.due and super().at_rest(state):
            yield Move(("the housekeeping comes by",), state._replace(tasks=state.due, due=()))

    def told(self, state, move) -> str:
        """A move in words."""
        return move.what[0] if len(move.what) == 1 else super().told(state, move)

    def _landed(self, state, request: int) -> tuple:
        return self._done(state._replace(late=_without(state.late, request)), request)

    def _step(self, state, node: int) -> Move:
        move = super()._step(state, node)
        operation, task = self.behaviour.operations[node], self._task_at(node)
        if operation.verb in WRITES and task.shared and not self.world.conditional:
            # Another source may have been overwritten unseen: the product says so by `lingers`.
            return move._replace(state=self._marked(move.state, node))
        return move

    def _faulty(self, state, node: int) -> Iterator[Move]:
        """Not: killed while it sends, and done long after. Nobody puts a marker then: docs/decisions/0012 says so."""
        operation = self.behaviour.operations[node]
        if self.world.fault == "log" and operation.store == LOG:
            yield self._on(state._replace(faults=0), node, DOWN, "(the log store is down) does")
        elif self.world.fault == "late" and operation.verb in WRITES:
            late = _with(state.late, self.behaviour.request(node))
            left = self._marked(state._replace(faults=0, late=late), node)
            yield self._on(left, node, UNKNOWN, "(delayed, and nobody knows) does")
        elif self.world.fault != "late":
            yield from super()._faulty(state, node)

    def _done(self, state, request: int) -> tuple:
        if self.behaviour.requests[request].store == LOG:
            return state, Answer(None)
        return super()._done(state, request)

    def _marked(self, state, node: int):
        due = {*state.due, self.behaviour.origin(node)}
        return state._replace(due=tuple(sorted(due)))

    def _task_at(self, node: int) -> Task:
        root = self.behaviour.origin(node)
        return next(task for task, place in self.behaviour.roots.items() if place == root)


class DiamondWalk(CircleWalk):
    """The moves of a diamond."""

    def complaint(self, state) -> str:
        """What is wrong with a state in which all is at rest."""
        if not self.at_rest(state):
            return ""
        held = dict(zip(self.world.stores, self._held(state), strict=True))
        a, b, c, d = (self._shown(held[name]) for name in "abcd")
        said = ", ".join(f"{name} {Answer(each)}" for name, each in held.items())
        wrote = [self._version(n) for n, (store, act) in enumerate(state.acts, 1) if (store, act) == ("b", "w")]
        if c != a:
            return f"at rest, c is not as a: {said}"
        if b not in (a, *wrote) and not (b is None and ("b", "d") in state.acts):
            return f"at rest, b is neither as a nor as its user left it: {said}"
        there = [each for each in (b, c) if each]
        if len(there) == 2 and d != max(there, key=_number):
            return f"at rest, d is not the newest of b and c: {said}"
        if d and d not in there:
            return f"at rest, d holds what no source has: {said}"
        return ""


def _number(shown: tuple) -> int:
    return len(user_meta(shown[1])["v"])
