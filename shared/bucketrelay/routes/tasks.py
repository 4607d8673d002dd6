"""From an event to tasks: which routes it concerns, or why none; the same task again; whose event it is."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from bucketrelay.errors import RelayError
from bucketrelay.model import Address, Change, Cloud, ObjectEvent, Task
from bucketrelay.routes.probes import is_probe
from bucketrelay.routes.route import ANY_BUCKET, Route

_CLOUDS: tuple[Cloud, ...] = ("s3", "obs", "oci")
_BUCKET_URL = re.compile(r"([a-z0-9]+)://([^/@]{1,256})(?:@([^/@]{1,256}))?")


class NotASource(RelayError):
    """No route has the event's bucket as its source: add a route, or remove the event rule."""


class NotPlanned(RelayError):
    """The routes would make no such task: they have changed since it was deferred, or it was made up."""


class UnclearCloud(RelayError):
    """The event does not say which cloud it comes from, and the sources do not settle it: say `--as`."""


def plan(event: ObjectEvent, routes: Iterable[Route]) -> tuple[Task, ...]:
    """The tasks that an event asks for: routes in order, each with its targets in order, one task for a forward.

    None for a change that is no change of an object, for what lies in the log store's own folders, for a key outside of
    every source's prefix (the prefix itself, as a folder marker, is no key of the store), and for keys that a route
    leaves out: `why_not` says which and why.

    Raises:
        NotASource: no route has the bucket as its source.
    """
    known = list(routes)
    if event.change is Change.IGNORED or is_in_log_folders(event, known):
        return ()
    candidates = [route for route in known if _is_source(route.source, event)]
    if not candidates:
        raise NotASource(_not_a_source(event))
    return tuple(task for route in candidates for task in _tasks(route, event))


def replan(
    route: str, key: str, target: str, routes: Iterable[Route], *, change: Change = Change.CREATED, source: str = ""
) -> Task:
    """What `plan` would make for *key* and one target of a route: the same task again, in another invocation.

    The arguments may have been made up by whoever can call the function, so they only choose among what the
    configuration allows; everything else in the task is the configuration's.

    Args:
        key: relative to the route's source store.
        target: the target store's name; "" for the route's forward.
        source: the URL of the bucket, for a route that takes events of any bucket; otherwise ignored.

    Raises:
        NotPlanned: no route has this name, the target is not one of its own, or its filters do not take the key.
    """
    known_route = next((known for known in routes if known.name == route), None)
    if known_route is None:
        raise NotPlanned(f"no route is named {_quote(route)}: was it renamed? Run `bucketrelay reconcile` for it")
    event = _claim(known_route, key, change, source)
    for task in _tasks(known_route, event):
        if task.target == target:
            return task
    wanted = f"{_quote(key)} to {_quote(target)}" if target else f"{_quote(key)} to its forward"
    raise NotPlanned(f"the route {known_route.name} does not bring {wanted}: its filters or targets have changed since")


def task_of(route: Route, key: str, target: str, *, change: Change = Change.CREATED, size: int | None = None) -> Task:
    """The task that an event about *key* would make for one target, for a driver that has looked by itself.

    Args:
        route: with a named bucket as its source.
        key: relative to the source store, and one that the route takes.
        target: one of the route's own.
        size: a hint.
    """
    place = route.source
    return _task(route, ObjectEvent("s3", place.bucket, place.prefix + key, change, size=size), key, target)


def _claim(route: Route, key: str, change: Change, source: str) -> ObjectEvent:
    """The event that a task of this route would come from."""
    place = route.source
    if place.bucket == ANY_BUCKET:
        match = _BUCKET_URL.fullmatch(source)
        if not match or match[1] != place.scheme or match[2] == ANY_BUCKET:
            raise NotPlanned(f"the route {route.name} has sources in {place.scheme}://, and none in {_quote(source)}")
        place = Address(match[1], match[2], match[3] or "", place.prefix)
    # No cloud sends events about a directory, but reconciling makes tasks of it all the same.
    cloud = next((cloud for cloud in _CLOUDS if cloud == place.scheme), _CLOUDS[0])
    return ObjectEvent(cloud, place.bucket, place.prefix + key, change, place.namespace)


def _quote(text: str) -> str:
    return repr(text) if len(text) <= 100 else repr(text[:100]) + "…"


def resolve(event: ObjectEvent, routes: Sequence[Route]) -> Cloud:
    """The cloud of an event whose own word for it is not to be trusted: OBS records may call themselves `aws:s3`.

    Raises:
        NotASource: no configured source has the bucket.
        UnclearCloud: sources in several clouds have it.
    """
    clouds = [
        cloud for cloud in _CLOUDS if any(r.source.scheme == cloud and _has_bucket(r.source, event) for r in routes)
    ]
    if len(clouds) == 1:
        return clouds[0]
    if clouds and not any(r.source.bucket == event.bucket for r in routes):
        # Who takes any bucket of every cloud, as the OMS template does, means his own cloud's, which he names first.
        first = next(r.source.scheme for r in routes if r.source.bucket == ANY_BUCKET)
        return next(cloud for cloud in clouds if cloud == first)
    if not clouds:
        known = "no source in the configuration has this bucket; add a route, remove the event rule, or say --as"
        raise NotASource(f"which cloud does the event for bucket {event.bucket} come from? {known} s3|obs|oci")
    words = " and ".join(f"{cloud}://{event.bucket}" for cloud in clouds)
    raise UnclearCloud(f"which cloud does the event come from? {words} are both sources: say --as {'|'.join(clouds)}")


def _is_source(source: Address, event: ObjectEvent) -> bool:
    return source.scheme == event.cloud and _has_bucket(source, event)


def _has_bucket(source: Address, event: ObjectEvent) -> bool:
    same_namespace = not event.namespace or not source.namespace or event.namespace == source.namespace
    return same_namespace and source.bucket in (event.bucket, ANY_BUCKET)


def _not_a_source(event: ObjectEvent) -> str:
    bucket = Address(event.cloud, event.bucket, event.namespace).url
    return f"no route has the bucket {bucket} as its source: add a route, or remove the event rule"


def _tasks(route: Route, event: ObjectEvent) -> Iterator[Task]:
    key = route.source.relative(event.key)
    if not key or not route.takes(key):
        return
    if route.forward:
        yield _task(route, event, key)
        return
    for target in route.targets:
        if route.writes(target, route.target_key(key)):
            yield _task(route, event, key, target)


def _task(route: Route, event: ObjectEvent, key: str, target: str = "") -> Task:
    # Where any bucket is the source, the store's name would not say which one it was; its URL does, also in the lists.
    named = route.source.bucket != ANY_BUCKET
    return Task(
        route=route.name,
        source=route.source_store if named else Address(event.cloud, event.bucket, event.namespace).url,
        key=key,
        target=target,
        target_key=route.target_key(key) if target else "",
        forward=route.forward,
        change=event.change,
        deletes=route.deletes,
        strict=route.strict,
        # A heartbeat's removal is no delete of anybody's: the fuse neither counts nor holds it.
        max_deletes=sys.maxsize if is_probe(key) else route.max_deletes,
        overwrite=route.overwrite,
        shared=route.shared,
        meets=target in route.meets,
        urgent=route.is_urgent(key),
        cause=event.cause,
        time=event.time,
        size=event.size,
    )


def is_in_log_folders(event: ObjectEvent, routes: Iterable[Route], *, any_cloud: bool = False) -> bool:
    """Whether the event is about the log store's own folders, whoever delivers it: each list would make another.

    Args:
        any_cloud: the event does not say of which cloud it is.
    """
    key = event.key
    for route in routes:
        for place in route.ignores if key.startswith(route.beginnings) else ():
            if (
                key.startswith(place.prefix)
                and _has_bucket(place, event)
                and (any_cloud or _alike(place.scheme, event.cloud))
            ):
                return True
    return False


def _alike(scheme: str, cloud: str) -> bool:
    """Whether events of *cloud* may be about a store of *scheme*: OBS may be configured as S3, which it speaks."""
    return scheme == cloud or {scheme, cloud} == {"s3", "obs"}


def reasons_against(event: ObjectEvent, routes: Iterable[Route]) -> list[str]:
    """A line for each route of the event's bucket that makes no task of it, and why."""
    known = list(routes)
    if is_in_log_folders(event, known):
        return ["the log store's own folders are nobody's business"]
    candidates = [route for route in known if _is_source(route.source, event)]
    return [f"route {route.name}: {why}" for route in candidates if (why := _why(route, event))]


def _why(route: Route, event: ObjectEvent) -> str:
    key = route.source.relative(event.key)
    if key is None:
        return f"it lies outside of the source, {route.source.url}"
    why = route.why_not(key)
    shut = [target for target in route.targets if not why and not route.writes(target, route.target_key(key))]
    return f"at {', '.join(shut)} it would be among the lists" if shut else why
