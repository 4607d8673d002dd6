"""Heartbeats: what the object is called that a route with `probe` writes to its source now and then. Pure.

The name says whose it is, so that no other route takes it, also of another configuration: it goes round no ring and on
along no chain. Each route has one, always of the same name: what a process that died has left is the next one's.
"""

from typing import TYPE_CHECKING

from bucketrelay.routes.globs import BadGlob, example
from bucketrelay.routes.places import identity

if TYPE_CHECKING:
    from bucketrelay.model import Address
    from bucketrelay.routes.route import Route

NAME = ".bucketrelay-probe"
_DIGITS = 12
_HEX = frozenset("0123456789abcdef")


def is_probe(key: str) -> bool:
    """Whether *key*, relative to a store or not, is that of some route's heartbeat."""
    return NAME in key and bool(owner(key))


def owner(key: str) -> str:
    """What the key of a heartbeat says of its route; "" for every other key."""
    _, name, rest = key.partition(NAME)
    digits = rest[1 : 1 + _DIGITS]
    return digits if name and rest[:1] in ("/", "-") and len(digits) == _DIGITS and _HEX.issuperset(digits) else ""


def is_anothers(key: str, source: "Address", route: str) -> bool:
    """Whether *key* is that of a heartbeat, and not of this route's."""
    return NAME in key and owner(key) not in ("", _digits(source, route))


def probe_key(route: "Route") -> str:
    """The key of the route's heartbeat, one that its filters let through; "" where none can be found."""
    digits = _digits(route.source, route.name)
    for pattern in route.include or ("**",):
        for name in (f"{NAME}/{digits}", f"{NAME}-{digits}"):
            for last in (True, False):
                made = example(pattern, name, last=last)
                for key in (made, route.strip_prefix + made):
                    if owner(key) == digits and _is_taken(route, key):
                        return key
    return ""


def trial_key(route: "Route", name: str) -> str:
    """A key like that of the route's heartbeat which is nobody's: no route takes it, and no inventory has it."""
    return probe_key(route).replace(_digits(route.source, route.name), identity(route.source, f"trial {name}"))


def _is_taken(route: "Route", key: str) -> bool:
    try:
        return route.takes(key)
    except BadGlob:  # which is a mistake of its own
        return False


def _digits(source: "Address", route: str) -> str:
    return identity(source, f"probe of {route}")
