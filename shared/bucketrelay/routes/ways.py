"""What a route does to keys, as beginnings of keys. Pure.

A route brings the keys that begin with its source's prefix and `strip_prefix` to keys that begin with the target's
prefix and `add_prefix`; what follows stays as it is. So what a chain of routes does to a key is one prefix in place of
another, and whether it does anything at all can be told from the fixed beginnings of the filters. Where they do not
tell, a key is taken to pass.
"""

from collections.abc import Iterator, Mapping, Sequence

from bucketrelay.model import Address
from bucketrelay.routes.globs import beginning
from bucketrelay.routes.places import root
from bucketrelay.routes.route import ANY_BUCKET, Route
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """A route and one of its targets; beginnings are those of whole keys of a bucket."""

    number: int
    place: int
    route: Route
    target: str
    source: Address
    into: Address
    above: str  # the source store's prefix in its bucket
    before: str  # what is taken away from a key: `above` and strip_prefix
    after: str  # what is put there instead

    def heads(self) -> Iterator[str]:
        """What the keys that it takes begin with."""
        strip = self.route.strip_prefix
        for fixed in dict.fromkeys(beginning(pattern) for pattern in self.route.include or ("**",)):
            if fixed.startswith(strip) or strip.startswith(fixed):
                yield self.above + max(fixed, strip, key=len)

    def prefixes(self, head: str) -> Iterator[str]:
        """The beginnings, at least as long as *head*, of keys that begin with it and that the route may take."""
        for mine in self.heads():
            longer = max(mine, head, key=len)
            if longer.startswith(mine) and longer.startswith(head) and self.may_take(longer):
                yield longer

    def may_take(self, head: str) -> bool:
        """Whether keys with that beginning may pass the filters; it is not shorter than one of `heads`."""
        return self.route.may_take_below(head[len(self.above) :])

    def to_target(self, head: str) -> str:
        """What the keys that begin with *head* begin with at the target."""
        return self.after + head[len(self.before) :]

    def to_source(self, head: str) -> str:
        """The opposite of `to_target`, for a beginning that begins with `after`."""
        return self.before + head[len(self.after) :]


def ways(routes: Sequence[Route], stores: Mapping[str, Address]) -> list[Way]:
    """One for each target of each route; a route of any bucket, and a target that *stores* lacks, have none."""
    return [way for number, route in enumerate(routes) for way in _of_route(number, route, stores)]


def _of_route(number: int, route: Route, stores: Mapping[str, Address]) -> Iterator[Way]:
    if route.source.bucket == ANY_BUCKET:
        return
    source, above = root(route.source)
    for place, target in enumerate(route.targets):
        if target in stores:
            into, below = root(stores[target])
            before, after = above + route.strip_prefix, below + route.add_prefix
            yield Way(number, place, route, target, source, into, above, before, after)
