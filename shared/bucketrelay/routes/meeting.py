"""Which routes meet: whose target leads back to its source, by one other route or by a ring of them. Pure.

Where they do, the newest write wins on both sides; elsewhere the source rules. Only the beginnings of keys are looked
at (`ways`), and in doubt routes meet. And which routes share a target's key.
"""

from collections.abc import Iterator, Mapping, Sequence

from bucketrelay.model import Address, Task
from bucketrelay.routes.places import root, same_bucket
from bucketrelay.routes.route import ANY_BUCKET, Route
from bucketrelay.routes.tasks import task_of
from bucketrelay.routes.ways import Way, ways
from bucketrelay.values import replace

_MOST = 2000  # places that are followed from one route; past that it is taken to meet


def meeting(routes: Sequence[Route], stores: Mapping[str, Address]) -> tuple[Route, ...]:
    """The routes, each with the targets from which its keys may come back.

    Args:
        stores: addresses by name; a target that is missing here meets nobody.
    """
    every = ways(routes, stores)
    meet = [way for way in every if _leads_back(way, every)]
    return tuple(
        replace(route, meets=frozenset(way.target for way in meet if way.number == number))
        for number, route in enumerate(routes)
    )


def following(task: Task, routes: Sequence[Route], stores: Mapping[str, Address]) -> Iterator[Task]:
    """The tasks that a change of the task's target becomes, by the routes that begin there."""
    place = stores[task.target]
    full = root(place)[1] + task.target_key
    for route in routes:
        _, above = root(route.source)
        if route.source.bucket == ANY_BUCKET or not same_bucket(route.source, place) or not full.startswith(above):
            continue
        key = full[len(above) :]
        if route.takes(key):
            targets = [target for target in route.targets if route.writes(target, route.target_key(key))]
            yield from (task_of(route, key, target) for target in targets)


def sharing(task: Task, routes: Sequence[Route], stores: Mapping[str, Address]) -> Iterator[Task]:
    """The tasks of the routes that share the task's target key, each of its own source's key; the task's own, too.

    Of a route that takes events of any bucket nobody knows which sources it has: it gives none.
    """
    place = stores[task.target]
    full = root(place)[1] + task.target_key
    for route in routes:
        if not route.shared or route.source.bucket == ANY_BUCKET:
            continue
        for target in route.targets:
            _, above = root(stores[target]) if target in stores else ("", "")
            if target not in stores or not same_bucket(stores[target], place) or not full.startswith(above):
                continue
            target_key = full[len(above) :]
            key = route.strip_prefix + target_key.removeprefix(route.add_prefix)
            if target_key.startswith(route.add_prefix) and route.takes(key) and route.writes(target, target_key):
                yield task_of(route, key, target)


def _leads_back(first: Way, every: Sequence[Way]) -> bool:
    """Whether a key that *first* brings to its target may come back to its source, under whatever name."""
    todo = [(first.into, first.to_target(head)) for head in first.heads()]
    reached = list(todo)
    while todo and len(reached) < _MOST:
        place, head = todo.pop()
        if same_bucket(place, first.source) and any(True for _ in first.prefixes(head)):
            return True
        for way in every:
            if same_bucket(place, way.source):
                onward = [(way.into, way.to_target(longer)) for longer in way.prefixes(head)]
                fresh = [each for each in onward if not _covered(each, reached)]
                reached += fresh
                todo += fresh
    return bool(todo)


def _covered(one: tuple[Address, str], reached: Sequence[tuple[Address, str]]) -> bool:
    place, head = one
    return any(place == other and head.startswith(above) for other, above in reached)
