"""Every schedule of a world of moves, each state once; and the shortest schedule that ends wrong."""

import gc
from collections import deque
from collections.abc import Iterator
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
    known: dict[State, _Known] = {}
    ends, circles = set(), 0
    way: list[_Known] = []
    new: State | None = walk.start()
    while new is not None or way:
        if new is not None:
            if walk.complaint(new):
                return shortest(walk)
            rests = walk.at_rest(new)
            if rests:
                ends.add((walk.acts(new), walk.target(new)))
            known[new] = _Known(walk.moves(new), int(rests))
            way.append(known[new])
        last = way[-1]
        new = None
        for move in last.moves:
            if move.complaint:
                return shortest(walk)
            after = known.get(move.state)
            if after is None:
                new, last.cost = move.state, move.cost
                break
            circles += after.moves is not None
            last.add(after, move.cost)
        else:
            last.moves = None
            way.pop()
            if way:
                way[-1].add(last, way[-1].cost)
    start = known[walk.start()]
    return Walked(len(known), start.schedules, start.requests, start.writes, frozenset(ends), circles)


class _Known:
    """What is known of a state: how many schedules follow it, and the most requests and writes of one of them.

    While it is on the way: the moves that are still to be made from it, and the cost of the one that is being made.
    """

    __slots__ = ("cost", "moves", "requests", "schedules", "writes")

    def __init__(self, moves: Iterator[Move], schedules: int) -> None:
        self.moves: Iterator[Move] | None = moves
        self.schedules, self.requests, self.writes = schedules, 0, 0
        self.cost = (0, 0)

    def add(self, after: "_Known", cost: tuple[int, int]) -> None:
        """What follows the state that a move of this *cost* leads to.

        From one that is on the way itself nothing follows: a task that comes again and again makes a circle, and no
        other schedule.
        """
        schedules, requests, writes = after.schedules, after.requests, after.writes
        if after.moves is not None:
            schedules = requests = writes = 0
        self.schedules += schedules
        self.requests = max(self.requests, requests + cost[0])
        self.writes = max(self.writes, writes + cost[1])


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


def assert_right(result: "Walked | Found", writes: int) -> None:
    """The walk found nothing wrong, came to its end, and no way through it wrote more than *writes* times."""
    assert isinstance(result, Walked), str(result)
    assert result.circles == 0, "a schedule can go on for ever"
    assert result.writes <= writes, f"{result.writes} writes"
