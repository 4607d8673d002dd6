"""More worlds whose stores are all written: a diamond, many to one with faults, facing and rings whose log store fails.

What `meeting.py` explores, and a log store that may fail: where a marker is put into it, when the housekeeping asks it,
and where the delete fuse does before each delete.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Task
from faults.meeting import Meeting, MeetingWalk, State
from faults.stepping import Deliver
from faults.strategies import converge
from faults.walk import Move
from faults.world import Answer, user_meta

LOG = "table"
DOWN = Answer("the log store is down", StoreUnavailable)


@dataclass(frozen=True)
class Diamond(Meeting):
    """One to two, and both to a fourth, into which the routes are shared; or one side of it."""

    routes: tuple[tuple[str, str], ...] = (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))
    writers: str = "ab"

    def task(self, source: str, target: str) -> Task:
        """What an event of the source becomes."""
        return replace(super().task(source, target), shared=target == "d", meets=False)


class CircleWalk(MeetingWalk):
    """The moves of *world*."""

    def __init__(self, world: Meeting, deliver: Deliver | None = None, *, merge: bool = True) -> None:
        asks = world.fault == "log"
        made = converge(following=world.following, fuse_asks=asks, routes=world.known)
        super().__init__(world, deliver or made, merge=merge)

    def _faulty(self, state: State, node: int) -> Iterator[Move]:
        if self.world.fault != "log":
            yield from super()._faulty(state, node)
        elif self.behaviour.operations[node].store == LOG:
            yield self._on(state._replace(faults=0), node, DOWN, "(the log store is down) does")


class DiamondWalk(CircleWalk):
    """The moves of a diamond."""

    def complaint(self, state) -> str:
        """What is wrong with a state in which all is at rest."""
        if not self.at_rest(state):
            return ""
        held = dict(zip(self.world.stores, self._held(state), strict=True))
        shown = {name: self._shown(each) for name, each in held.items()}
        said = ", ".join(f"{name} {Answer(each)}" for name, each in held.items())
        wrote = [self._version(n) for n, (store, act) in enumerate(state.acts, 1) if (store, act) == ("b", "w")]
        if shown.get("c", shown["a"]) != shown["a"]:
            return f"at rest, c is not as a: {said}"
        removed = shown["b"] is None and any((store, act.lower()) == ("b", "d") for store, act in state.acts)
        if shown["b"] not in (shown["a"], *wrote) and not removed:
            return f"at rest, b is neither as a nor as its user left it: {said}"
        sources = [shown[source] for source, target in self.world.routes if target == "d"]
        existing = [each for each in sources if each]
        if len(existing) == len(sources) and shown["d"] != max(existing, key=_number):
            return f"at rest, d is not the newest of its sources: {said}"
        if shown["d"] and shown["d"] not in existing:
            return f"at rest, d holds what no source has: {said}"
        return ""


def _number(shown: tuple) -> int:
    return len(user_meta(shown[1])["v"])
