"""What only shows when stores, routes and the log store are looked at together."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bucketrelay.config.reading import Reading, in_quotes
from bucketrelay.config.values import ForwardConfig, StoreConfig
from bucketrelay.model import Deletes
from bucketrelay.routes import ANY_BUCKET, Route
from bucketrelay.routes.log_folders import log_folder_prefixes, log_folders
from bucketrelay.routes.relations import meetings
from bucketrelay.values import replace

_Paths = Mapping[str, str]  # of a store's name to where the user finds its URL


def without_lists(route: Route, log: StoreConfig, stores: Mapping[str, StoreConfig]) -> Route:
    """The same route, told to leave the log store's own folders alone, in its source and at its targets."""
    closed = tuple(
        (target, beginning)
        for target in route.targets
        if target in stores
        for beginning in log_folder_prefixes(log.address, stores[target].address)
    )
    return replace(route, ignores=(*route.ignores, *log_folders(log.address)), shut=closed)


def check_lists(reading: Reading, path: str, log: StoreConfig, routes: Iterable[Route]) -> None:
    """A route that can bring nothing but the log store's own folders, or bring it nowhere else, does nothing at all.

    *routes* as `without_lists` makes them.
    """
    for route in routes:
        name = in_quotes(route.name)
        if "" in log_folder_prefixes(log.address, route.source) and route.source.bucket != ANY_BUCKET:
            reading.mistake(path, f"the source of route {name} lies inside the lists: name another log store")
        for target in route.targets:
            if not route.writes(target, route.add_prefix):
                reading.mistake(
                    path,
                    f"the copies of route {name} would land among the lists: give {in_quotes(target)} another place",
                )


def check_meetings(
    reading: Reading, path: Callable[[int, int], str], routes: Sequence[Route], stores: Mapping[str, StoreConfig]
) -> None:
    """Routes that can write one key, and cycles that rename it. *path* tells where a route's target stands."""
    for meeting in meetings(routes, {name: store.address for name, store in stores.items()}):
        reading.mistake(path(meeting.route, meeting.target), meeting.text)


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
            reading.mistake(f"{path}.name", f"{in_quotes(route.name)} is the name of an earlier route, too: change one")
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
        form = store.options.get("event_keys")
        other, before = (
            seen.setdefault((store.address.scheme, store.address.bucket), (name, form)) if form else ("", form)
        )
        if before != form:
            reading.mistake(
                f"{paths[name]}.event_keys",
                f"differs from that of {in_quotes(other)}, which is the same bucket: say the same in both",
            )
