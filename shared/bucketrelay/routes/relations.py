"""All routes looked at together: which of them can write one key, and what comes back to where it began. Pure."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from bucketrelay.model import Address
from bucketrelay.routes.places import same_bucket
from bucketrelay.routes.route import Route
from bucketrelay.routes.ways import Way, ways
from bucketrelay.values import dataclass

_MOST = 2000  # beginnings that are followed from one route: more are no configuration that anybody can read


@dataclass(frozen=True, slots=True)
class Meeting:
    """Routes that must not meet as they do.

    `route` and `target` are the places of one of them in the configuration; `text` says what is wrong and what to do.
    """

    route: int
    target: int
    text: str


def meetings(routes: Sequence[Route], stores: Mapping[str, Address]) -> list[Meeting]:
    """What is wrong with the routes as they meet, each pair and each cycle once.

    Args:
        routes: in the configuration's order.
        stores: addresses by name; a target that is missing here has a mistake of its own.
    """
    every = ways(routes, stores)
    return [*_overlaps(every), *_cycles(every)]


# Two routes that can write one key.


def _overlaps(ways: Sequence[Way]) -> Iterator[Meeting]:
    seen: set[tuple[int, int]] = set()
    for one, other in combinations(ways, 2):
        pair = one.number, other.number
        if pair in seen or (one.route.shared and other.route.shared) or not _meet(one, other):
            continue
        seen.add(pair)
        yield Meeting(other.number, other.place, _overlap_text(one, other))


def _meet(one: Way, other: Way) -> bool:
    if not same_bucket(one.into, other.into):
        return False
    if not one.after.startswith(other.after) and not other.after.startswith(one.after):
        return False
    theirs = [other.to_target(head) for head in other.heads()]
    return any(_both(one, other, one.to_target(mine), head) for mine in one.heads() for head in theirs)


def _both(one: Way, other: Way, mine: str, theirs: str) -> bool:
    head = max(mine, theirs, key=len)
    if not (head.startswith(mine) and head.startswith(theirs)):
        return False
    return one.may_take(one.to_source(head)) and other.may_take(other.to_source(head))


def _quote(text: str) -> str:
    """The text in quotes, on one line and not longer than a line."""
    plain = text if len(text) <= 60 else f"{text[:60]}…"
    return '"' + plain.encode("unicode_escape").decode().replace('"', '\\"') + '"'


def _overlap_text(one: Way, other: Way) -> str:
    first, second, place = _quote(one.route.name), _quote(other.route.name), _quote(other.target)
    if one.number == other.number:
        return f"{_quote(one.target)} and {place} are, or may be, the same place: route {first} names it twice"
    return (
        f"routes {first} and {second} can write the same keys of {place}: let their include"
        " begin differently, give one of them an add_prefix, or say shared = true in both, and the newest source wins"
    )


# What comes back to where it began.


def _cycles(ways: Sequence[Way]) -> Iterator[Meeting]:
    nexts = {way: [other for other in ways if same_bucket(way.into, other.source)] for way in ways}
    seen: set[frozenset[str]] = set()
    for way in ways:
        cycle = _cycle(way, nexts)
        if not cycle:
            continue
        names = frozenset(each.route.name for each in cycle.path)
        if names not in seen:
            seen.add(names)
            yield Meeting(way.number, way.place, _cycle_text(cycle))


@dataclass(frozen=True, slots=True)
class _Walk:
    """Keys that begin with `first` in the first route's source begin with `now` after the routes of `path`."""

    path: tuple[Way, ...]
    first: str
    now: str


def _cycle(start: Way, nexts: Mapping[Way, Sequence[Way]]) -> _Walk | None:
    """The shortest way back into the first route under another name; of a route into itself, under any name."""
    leading = _leading_to(start, nexts)
    todo = deque(_Walk((start,), head, start.to_target(head)) for head in start.heads() if start.may_take(head))
    seen: set[tuple[Way, str, str]] = set()
    while todo and len(seen) < _MOST:
        walk = todo.popleft()
        state = walk.path[-1], walk.first, walk.now
        if state in seen:
            continue
        seen.add(state)
        for way in nexts[walk.path[-1]]:
            if way not in leading or way in walk.path[1:]:
                continue
            for head in way.prefixes(walk.now):
                first = walk.first + head[len(walk.now) :]
                if way is not start:
                    todo.append(_Walk((*walk.path, way), first, way.to_target(head)))
                elif head != first or len(walk.path) == 1:
                    return _Walk(walk.path, first, head)
    return None


def _leading_to(start: Way, nexts: Mapping[Way, Sequence[Way]]) -> set[Way]:
    """The ways from which *start* can be reached, itself among them."""
    reached, todo = {start}, deque([start])
    while todo:
        goal = todo.popleft()
        for way, after in nexts.items():
            if way not in reached and goal in after:
                reached.add(way)
                todo.append(way)
    return reached


def _cycle_text(cycle: _Walk) -> str:
    names = list(dict.fromkeys(_quote(way.route.name) for way in cycle.path))
    if len(names) == 1:
        way = cycle.path[0]
        return (
            f"{_quote(way.target)} and the source {_quote(way.route.source_store)} overlap, so the route would feed"
            " itself: give"
            " them different buckets, prefixes of which none begins with the other, or filters that leave copies out"
        )
    words = f"routes {', '.join(names[:-1])} and {names[-1]} lead back to where they began, under another name"
    came, went = _quote(cycle.now), _quote(cycle.first)
    return (
        f"{words}: what begins with {went} comes back with {came}: give them opposite prefixes, or filters that end it"
    )
