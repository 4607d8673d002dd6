"""Which routes meet: whose target leads back to its source, by one other route or by a ring of them. Pure.

Where they do, the newest write wins on both sides; elsewhere the source rules. In doubt they meet. And which routes
share a target's key.
"""

from collections.abc import Iterator, Mapping, Sequence

from bucketrelay.model import Address, Task
from bucketrelay.routes import ANY_BUCKET, Route, task_of
from bucketrelay.routes.places import root, same_bucket
from bucketrelay.values import replace

_Way = tuple[Address, Address]  # from where to where


def meeting(routes: Sequence[Route], stores: Mapping[str, Address]) -> tuple[Route, ...]:
    """The routes, each with the targets from which its keys may come back.

    Args:
        stores: addresses by name; a target that is missing here meets nobody.
    """
    ways = [(route.source, stores[name]) for route in routes for name in route.targets if name in stores]
    return tuple(
        replace(route, meets=frozenset(name for name in route.targets if _leads_back(route, stores.get(name), ways)))
        for route in routes
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
            there = full[len(above) :]
            key = route.strip_prefix + there.removeprefix(route.add_prefix)
            if there.startswith(route.add_prefix) and route.takes(key) and route.writes(target, there):
                yield task_of(route, key, target)


def _leads_back(route: Route, target: Address | None, ways: Sequence[_Way]) -> bool:
    if target is None or route.source.bucket == ANY_BUCKET:
        return False
    reached, todo = {target}, [target]
    while todo:
        place = todo.pop()
        if _overlap(place, route.source):
            return True
        following = {to for source, to in ways if _overlap(place, source)} - reached
        reached |= following
        todo += following
    return False


def _overlap(one: Address, other: Address) -> bool:
    """Whether some object may lie in both."""
    mine, theirs = root(one)[1], root(other)[1]
    return same_bucket(one, other) and (mine.startswith(theirs) or theirs.startswith(mine))
