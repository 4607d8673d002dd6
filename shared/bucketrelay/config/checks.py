"""What only shows when stores, routes and the log store are looked at together."""

from collections.abc import Iterable, Mapping

from bucketrelay.config.reading import Reading, quoted
from bucketrelay.config.values import ForwardConfig, StoreConfig
from bucketrelay.model import Address, Deletes
from bucketrelay.routes import Route

# What is written below the log store's prefix. A source in there would make lists of lists.
LOG_FOLDERS = ("success_object/", "failed_object/", "replayed_object/", "checkpoints/")
_Paths = Mapping[str, str]  # of a store's name to where the user finds its URL


def check_log(reading: Reading, path: str, log: StoreConfig, routes: Iterable[Route]) -> None:
    """The lists must not be events of a source: each would call the function, which would write a list, and so on."""
    for route in routes:
        below = _below(log.address, route.source)
        above = _below(route.source, log.address)
        name = quoted(route.name)
        if below is not None and route.may_take_below(below):
            remedy = f', or exclude = ["{below}**"] in the route' if below else ""
            reading.mistake(
                path,
                f"the lists would land inside the source of route {name}, and each list would call the function again:"
                f" name a store in another bucket{remedy}",
            )
        elif above and above.startswith(LOG_FOLDERS):
            reading.mistake(path, f"the source of route {name} lies inside the lists: name another log store")


def check_lists(
    reading: Reading, path: str, log: StoreConfig, routes: Iterable[Route], stores: Mapping[str, StoreConfig]
) -> None:
    """No copy may land among the lists and checkpoints: a source's key must not be able to replace or forge one."""
    for route in routes:
        for target in (stores[name] for name in route.targets if name in stores):
            below = _below(log.address, target.address)
            inside = _below(target.address, log.address)
            over = below is not None and (below.startswith(route.add_prefix) or route.add_prefix.startswith(below))
            if over or (inside is not None and f"{inside}{route.add_prefix}".startswith(LOG_FOLDERS)):
                reading.mistake(
                    path,
                    f"a copy of route {quoted(route.name)} could land among the lists: give {quoted(target.name)} and"
                    " the log store different buckets, or prefixes of which none begins with the other",
                )


def check_route(reading: Reading, path: str, route: Route, stores: Mapping[str, StoreConfig]) -> None:
    """A route must not feed itself: what it writes would be an event of its own source. *path* is of its targets."""
    for i, name in enumerate(route.targets):
        if name in stores and _overlap(stores[name].address, route.source):
            reading.mistake(
                f"{path}[{i}]",
                f"{quoted(name)} and the source {quoted(route.source_store)} overlap, so the route would feed itself:"
                " give them different buckets, or prefixes of which none begins with the other",
            )


def check_forward(reading: Reading, path: str, route: Route, forwards: Mapping[str, ForwardConfig]) -> None:
    """OMS is told of keys only, so that a removal cannot be said."""
    to = forwards.get(route.forward)
    if to and to.type == "oms" and route.deletes is Deletes.FOLLOW:
        reading.mistake(f"{path}.deletes", '"follow" cannot be told to OMS, which takes no deletes: write "keep"')


def check_names(reading: Reading, routes: Iterable[tuple[str, Route]]) -> None:
    """A route's name is its identity in the lists and for its delete fuse."""
    seen: set[str] = set()
    for path, route in routes:
        if route.name in seen:
            reading.mistake(f"{path}.name", f"{quoted(route.name)} is the name of an earlier route, too: change one")
        seen.add(route.name)


def check_endpoints(reading: Reading, paths: _Paths, stores: Mapping[str, StoreConfig], used: Iterable[str]) -> None:
    """OBS has no endpoint for all regions, so the stores that are read or written must say where they are."""
    for name in dict.fromkeys(used):
        store = stores.get(name)
        if store and store.address.scheme == "obs" and not {"endpoint", "region"} & set(store.options):
            remedy = 'such as endpoint = "https://obs.cn-north-4.myhuaweicloud.com", or region = "cn-north-4"'
            reading.mistake(paths[name], f"an obs:// store needs its endpoint or its region, {remedy}")


def check_event_keys(reading: Reading, paths: _Paths, stores: Mapping[str, StoreConfig]) -> None:
    """An event names a bucket and no store: two stores of one bucket cannot say two things of its events."""
    seen: dict[tuple[str, str], tuple[str, object]] = {}
    for name, store in stores.items():
        said = store.options.get("event_keys")
        other, before = (
            seen.setdefault((store.address.scheme, store.address.bucket), (name, said)) if said else ("", said)
        )
        if before != said:
            reading.mistake(
                f"{paths[name]}.event_keys",
                f"differs from that of {quoted(other)}, which is the same bucket: say the same in both",
            )


def _overlap(one: Address, other: Address) -> bool:
    return _below(one, other) is not None or _below(other, one) is not None


def _below(inner: Address, outer: Address) -> str | None:
    """The prefix that *inner* has when seen from inside *outer*; None where it is not inside."""
    if inner.scheme == outer.scheme == "file":
        here, there = f"{inner.bucket}/", f"{outer.bucket}/"
        return here.removeprefix(there) if here.startswith(there) else None
    if (inner.scheme, inner.bucket, inner.endpoint) != (outer.scheme, outer.bucket, outer.endpoint):
        return None
    if inner.namespace and outer.namespace and inner.namespace != outer.namespace:
        return None
    return outer.relative(inner.prefix)
