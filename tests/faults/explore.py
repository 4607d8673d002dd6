"""Every schedule of a world of moves, each state once; and the shortest schedule that ends wrong."""

import gc
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from faults.walk import Move, State, Walk


class Found(NamedTuple):
    """A schedule that goes wrong, the last line being what is wrong with it."""

    complaint: str
    schedule: list[str]

    def __str__(self) -> str:
        return "\n".join(["", *(f"{n:4} {line}" for n, line in enumerate(self.schedule, 1)), f"  => {self.complaint}"])


class Walked(NamedTuple):
    """How much was walked.

    `requests`, `writes`: the most of one schedule. `ends`: (path, object of the target) at rest. `circles`: moves that
    lead back to where a schedule has been; with none, every schedule comes to rest.
    """

    states: int
    schedules: int
    requests: int
    writes: int
    ends: frozenset
    circles: int

    def __str__(self) -> str:
        return (
            f"{self.states:,} states, {self.schedules:.1e} schedules, "
            f"at most {self.requests} requests and {self.writes} writes in one"
        )


def every(walk: Walk) -> Walked | Found:
    """Walk all of it, depth first: a number of schedules for each state, the sum of those that follow it."""
    gc.disable()  # some hundred thousand tuples without a cycle: looking for one takes a third of the time
    try:
        return _every(walk)
    finally:
        gc.enable()


def _every(walk: Walk) -> Walked | Found:  # noqa: C901 — recursion unrolled: schedules are deeper than Python's stack
    totals: dict[State, tuple[int, int, int]] = {}
    ends, circles = set(), 0
    way: list[_Open] = []
    new: State | None = walk.start()
    while new is not None or way:
        if new is not None:
            if walk.complaint(new):
                return shortest(walk)
            if walk.at_rest(new):
                ends.add((walk.acts(new), walk.target(new)))
            way.append(_Open(new, walk.moves(new), [int(walk.at_rest(new)), 0, 0]))
            totals[new] = _OPEN
        last = way[-1]
        new = None
        for move in last.moves:
            if move.complaint:
                return shortest(walk)
            if move.state not in totals:
                new, last.cost = move.state, move.cost
                break
            circles += totals[move.state] is _OPEN
            _add(last.sums, totals[move.state], move.cost)
        else:
            way.pop()
            total = totals[last.state] = (last.sums[0], last.sums[1], last.sums[2])
            if way:
                _add(way[-1].sums, total, way[-1].cost)
    return Walked(len(totals), *totals[walk.start()], frozenset(ends), circles)


_OPEN = (0, 0, 0)  # still on the way: a task that comes again and again makes a circle, and no other schedule


@dataclass(slots=True)
class _Open:
    """A state on the way, the moves that are still to be made from it, and the cost of the one that is being made."""

    state: State
    moves: Iterator[Move]
    sums: list[int]
    cost: tuple[int, int] = (0, 0)


def _add(sums: list[int], after: tuple[int, int, int], cost: tuple[int, int]) -> None:
    sums[0] += after[0]
    sums[1] = max(sums[1], after[1] + cost[0])
    sums[2] = max(sums[2], after[2] + cost[1])


def shortest(walk: Walk) -> Found:
    """The shortest schedule that goes wrong: breadth first."""
    came: dict[State, tuple[State, Move] | None] = {walk.start(): None}
    queue = deque(came)
    while queue:
        state = queue.popleft()
        if complaint := walk.complaint(state):
            return Found(complaint, _way(walk, state, came))
        for move in walk.moves(state):
            if move.complaint:
                return Found(move.complaint, [*_way(walk, state, came), walk.told(state, move)])
            if move.state not in came:
                came[move.state] = (state, move)
                queue.append(move.state)
    raise AssertionError("no schedule goes wrong")


def _way(walk: Walk, state: State, came: dict[State, tuple[State, Move] | None]) -> list[str]:
    lines = []
    while step := came[state]:
        state, move = step
        lines.append(walk.told(state, move))
    return lines[::-1]
