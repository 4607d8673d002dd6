"""What somebody typed, or a schedule says, as a wish: or every reason why it cannot be one."""

from collections.abc import Callable, Sequence

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile.compare import nothing
from bucketrelay.drivers.reconcile.run import Reconciliation
from bucketrelay.drivers.reconcile.ways import RunAtOnce
from bucketrelay.drivers.reconcile.wish import Remembering, Wish, World, nowhere
from bucketrelay.errors import ConfigError, StoreUnavailable
from bucketrelay.reports import log_line as observe
from bucketrelay.routes import ANY_BUCKET, Route
from bucketrelay.routes.log_folders import log_folder_prefixes
from bucketrelay.system import System
from bucketrelay.values import replace

STREAMS = 8  # listings of one side at once at most, in a namespace that is worth cutting
_FLAT = frozenset({"s3", "obs", "oci"})  # whose servers find any key as fast as any other


def wish(system: System, name: str, targets: Sequence[str] = (), prefix: str = "") -> Wish:
    """The wish to compare the route with all its targets, or with some of them.

    Raises:
        ConfigError: there is no such route, it has no such target, or nothing that could be compared.
    """
    route = next((known for known in system.routes if known.name == name), None)
    if route is None:
        known = ", ".join(known.name for known in system.routes)
        raise ConfigError([f"no route is named {name[:100]!r}; there are: {known or 'none'}"])
    mistakes = [*_comparable(route), *_targets(route, targets), *_prefix(route, prefix)]
    if mistakes:
        raise ConfigError(mistakes)
    chosen = tuple(target for target in route.targets if not targets or target in targets)
    within = prefix if len(prefix) > len(route.strip_prefix) else ""
    streams = STREAMS if route.source.scheme in _FLAT else 1
    return Wish(route, chosen, prefix=within, streams=streams, at_most=True)


def world(system: System) -> World:
    """What a reconciliation needs beside its wish."""
    log = system.log()

    def skip(name: str) -> Callable[[str], bool]:
        beginnings = log_folder_prefixes(log.address, system.store(name).address)
        return (lambda key: key.startswith(beginnings)) if beginnings else nothing

    return World(log, system.store, skip, system.now, threads=system.runner.budget.threads)


def _comparable(route: Route) -> list[str]:
    if route.forward:
        return [f"route {route.name} tells {route.forward} of keys, and has no target to compare the source with"]
    if route.source.bucket == ANY_BUCKET:
        return [f"route {route.name} takes events of any bucket: name the bucket as its source to compare it"]
    return []


def _targets(route: Route, targets: Sequence[str]) -> list[str]:
    known = ", ".join(route.targets)
    return [
        f"--target {name}: no target of route {route.name}; there are: {known}"
        for name in targets
        if name not in route.targets
    ]


def _prefix(route: Route, prefix: str) -> list[str]:
    if prefix.startswith(route.strip_prefix) or route.strip_prefix.startswith(prefix):
        return []
    return [f"--prefix {prefix}: route {route.name} takes only keys that begin with {route.strip_prefix}"]


def by_schedule(
    system: System, name: str, deadline: Deadline, invocation: str, remembering: Remembering = nowhere
) -> None:
    """Reconcile a route until the deadline, and say the books as far as they have come; the next call goes on there.

    Args:
        remembering: where the pairs of a wish are remembered.

    Raises:
        ConfigError: there is no such route, or nothing to compare.
        StoreUnavailable: repairs failed that may do later: the failed list has them, and so has the next comparison.
        RelayError: a side could not be listed, the log store not be written.
    """
    repair = RunAtOnce(system, invocation)
    order = replace(wish(system, name), repair=repair, way="run")
    problems: list[str] = []
    with remembering(order, problems.append) as faces:
        work = Reconciliation(order, replace(world(system), faces=faces, complain=problems.append), deadline)
        work.begin()
        books = work.run()
    for book in books:
        told = {"problems": problems[:10]} if problems else {}
        system.emit(observe.book_line({**book.members(), **told}, invocation))
    if repair.again:
        raise StoreUnavailable(f"{repair.again} repairs of route {name} failed, and may do later: see failed_object/")
