"""What is asked, in which order: store by store, and within a store nothing that an earlier failure has answered."""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime, timedelta

from bucketrelay.abilities import Tagged
from bucketrelay.clouds.bucket import CREATED, EXPIRED, REMOVED, Greeting, Health, Need, Wired
from bucketrelay.config import Config
from bucketrelay.doctor.checks import CHECKS, Finding
from bucketrelay.doctor.probe import Trial, heartbeats, probes
from bucketrelay.doctor.questions import Question, answers
from bucketrelay.errors import RelayError, StoreUnavailable
from bucketrelay.model import Deletes, ObjectInfo
from bucketrelay.routes import ANY_BUCKET, Route
from bucketrelay.store import Store
from bucketrelay.values import dataclass, replace

SKEW = timedelta(minutes=5)  # what S3, OBS and OCI allow before they refuse a signature
_WELL = {"credentials": "accepted", "bucket": "is there", "look": "a key that is not there is said to be none"}
# What `Address.endpoint` is for the clouds' own servers: nothing, or a word; for others it is their host.
_OWN_SERVER = re.compile(r"[a-z0-9-]*")
_NO_KEY = ".bucketrelay-doctor/no-such-key"


@dataclass(frozen=True, slots=True)
class World:
    """What is examined, and by which means.

    Attributes:
        store: the configured store of that name.
        health: what its bucket can be asked besides; None where it is in no cloud.
        name: a new name for a probe, unlike any other's.
        questions: to others than stores.
    """

    config: Config
    store: Callable[[str], Store]
    health: Callable[[str], Health | None]
    now: Callable[[], datetime]
    name: Callable[[], str]
    questions: Sequence[Question] = ()


def examine(world: World) -> Iterator[Finding]:
    """Every finding, store by store, sources first; a store that cannot be used at all has one, of the first reason."""
    for name in _stores_in_use(world.config):
        yield from _store(world, name)
    for name in dict.fromkeys(route.forward for route in world.config.routes if route.forward):
        shown = world.config.forwards[name].shown
        yield Finding("forward", name, None, f"{shown}: not tried", CHECKS["forward"].remedy)
    yield from answers(world.questions)


def _stores_in_use(config: Config) -> list[str]:
    sources = [route.source_store for route in config.routes]
    targets = [target for route in config.routes for target in route.targets]
    by_message = [*(config.copier.roots.values() if config.copier else ()), *_dataset_stores(config)]
    return list(dict.fromkeys([*sources, *targets, *by_message, *([config.log] if config.log else [])]))


def _dataset_stores(config: Config) -> tuple[str, ...]:
    """The stores of `[datasets]`, its target last."""
    section = config.datasets
    return (section.archive, *section.locations.values(), section.target) if section else ()


def _store(world: World, name: str) -> Iterator[Finding]:
    config = world.config
    if config.stores[name].address.bucket == ANY_BUCKET:
        yield Finding("reach", name, None, "any bucket is the source: which one, only an event says", "name one")
        return
    try:
        store, health = world.store(name), world.health(name)
    except RelayError as error:
        yield Finding("reach", name, False, str(error), CHECKS["reach"].remedy)
        return
    usable = yield from _arrival(world, name, store, health)
    if not usable:
        return
    listed = _try(
        "list", name, store, lambda: f"begins with {info.key!r}" if (info := _first_object(store)) else "empty"
    )
    yield listed
    source_of = [route for route in config.routes if route.source_store == name]
    target_of = [route for route in config.routes if name in route.targets]
    if source_of:
        if listed.ok:
            yield _try("read", name, store, lambda: _byte(store))
            yield from _tags(name, store)
        yield from heartbeats(Trial(name, store, is_target=False, name=world.name), source_of)
        yield from _source(world, name, store, health, source_of)
    if target_of or name == config.log or name in _dataset_stores(config)[-1:]:
        yield from probes(Trial(name, store, is_target=bool(target_of), name=world.name), config, world.store)
    if target_of and health is not None:
        yield from _target(name, store, health, target_of)


def _arrival(world: World, name: str, store: Store, health: Health | None) -> Generator[Finding, None, bool]:
    """Reach, clock, credentials, bucket, look: all from one answer. Returns whether to go on."""
    if health is None:
        looked = _try("look", name, store, lambda: "there" if store.look(_NO_KEY) else store.address.url)
        yield looked
        return bool(looked.ok)
    try:
        greeting = health.greet()
    except RelayError as error:
        yield _failure("reach", name, store, str(error))
        return False
    yield Finding("reach", name, True, store.address.url)
    clock = _clock(world, name, store, greeting)
    if clock is not None:
        yield clock
    if greeting.trouble == "clock":
        return False
    for check in ("credentials", "bucket", "look"):
        if greeting.trouble == check:
            yield _failure(check, name, store, greeting.said)
            return False
        yield Finding(check, name, True, _WELL[check])
    return True


def _clock(world: World, name: str, store: Store, greeting: Greeting) -> Finding | None:
    """A clock that is off does not keep us from asking on, unless the server says so: some are lenient."""
    apart = abs(world.now() - greeting.date) if greeting.date is not None else None
    if greeting.trouble == "clock" or (apart is not None and apart > SKEW):
        words = greeting.said if apart is None else f"{apart.total_seconds():.0f} s apart from the server's"
        return _failure("clock", name, store, words)
    return None if apart is None else Finding("clock", name, True, f"{apart.total_seconds():.0f} s apart")


def _first_object(store: Store, *, filled: bool = False) -> ObjectInfo | None:
    """The first object; with *filled* the first that has a byte to read."""
    return next((info for info in store.list() if info.size or not filled), None)


def _byte(store: Store) -> str:
    info = _first_object(store, filled=True)
    if info is None:
        return "nothing is there to read"
    return "one byte" if store.fetch(info.key, 1) else f"{info.key!r} was deleted meanwhile"


def _tags(name: str, store: Store) -> Iterator[Finding]:
    """Whether tags may be read: a source that may not show them shows no number of them either, and they are lost."""
    info = _first_object(store) if isinstance(store, Tagged) and store.abilities.tags else None
    if info is not None and isinstance(store, Tagged):
        doubtful, tagged = replace(info, meta=replace(info.meta, tags_told=False)), store
        yield _try("tags", name, store, lambda: f"of {info.key!r}: {len(tagged.tags(doubtful))}")


def _source(world: World, name: str, store: Store, health: Health | None, routes: list[Route]) -> Iterator[Finding]:
    if health is None:
        remedy = f"run bucketrelay reconcile {routes[0].name} on a schedule"
        yield Finding("wired", name, None, f"{store.address.scheme}:// has no events", remedy)
        return
    yield from _wiring(world, name, store, health, routes)


def _wiring(world: World, name: str, store: Store, health: Health, routes: list[Route]) -> Iterator[Finding]:
    route = routes[0].name
    try:
        wired = health.wiring()
    except RelayError as error:
        yield _untold("wired", name, store, str(error), route)
        return
    if store.address.scheme == "oci":
        yield _switch(name, store, wired, route)
    removals = any(route.deletes is Deletes.FOLLOW for route in routes)
    needed = [CREATED, *([REMOVED, EXPIRED] if removals else [])]
    yield _wired_finding(name, store, wired, needed, route)
    unsaid = [event for event in needed if event in wired.cannot]
    if unsaid:
        remedy = f"run bucketrelay reconcile {route} on a schedule where lifecycle rules delete objects"
        yield Finding("wired", name, None, f"{', '.join(unsaid)} is not told by this cloud", remedy)
    need = Need(world.config.limits.margin, world.config.limits.memory)
    try:
        for fact in health.facts(wired.targets, need):
            yield Finding("function", name, fact.ok, fact.detail, fact.remedy)
    except RelayError as error:
        yield _untold("function", name, store, str(error))


def _switch(name: str, store: Store, wired: Wired, route: str) -> Finding:
    """Whether a bucket of OCI tells its events at all: it does not, unless that is switched on."""
    if wired.enabled:
        return Finding("events", name, True, "objectEventsEnabled is true")
    words = "objectEventsEnabled is false: the bucket tells nobody anything"
    return _finding("events", name, store, False, words, route)


def _wired_finding(name: str, store: Store, wired: Wired, needed: list[str], route: str) -> Finding:
    """Whether somebody is told of all events that are needed, as far as the cloud can tell them."""
    sayable = [event for event in needed if event not in wired.cannot]
    missing = [event for event in sayable if event not in wired.events]
    where = ", ".join(wired.targets)
    if not missing:
        return Finding("wired", name, True, f"{', '.join(sayable)} to {where}")
    if wired.targets or wired.whole or store.address.scheme == "oci":
        words = f"nobody is told of {', '.join(missing)}" + (f"; {where}" if where else "")
        return _finding("wired", name, store, False, words, route)
    words = "the bucket has no rule of its own; whether EventGrid has, is not seen here"
    return _finding("wired", name, store, None, words, route)


def _target(name: str, store: Store, health: Health, routes: list[Route]) -> Iterator[Finding]:
    try:
        kept = health.versioning()
    except RelayError as error:
        yield _untold("versioning", name, store, str(error))
    else:
        if kept or not any(route.deletes is Deletes.FOLLOW for route in routes):
            yield Finding("versioning", name, True, "on" if kept else "off, and no route deletes here")
        else:
            yield _finding("versioning", name, store, None, "off: what a route deletes here is gone for good")
    try:
        swept = health.sweeps()
    except RelayError as error:
        yield _untold("uploads", name, store, str(error))
        return
    if swept:
        yield Finding("uploads", name, True, "a lifecycle rule removes them")
    elif store.address.scheme != "s3" or _OWN_SERVER.fullmatch(store.address.endpoint):  # only S3 is spoken by others
        yield _finding("uploads", name, store, False, _NOT_SWEPT)
    else:  # many servers know no such rule, or remove them by themselves
        yield Finding("uploads", name, None, _NOT_SWEPT, "if the server knows such a rule, add one; else nothing")


_NOT_SWEPT = "no lifecycle rule removes abandoned multipart uploads"


def _try(check: str, name: str, store: Store, call: Callable[[], str]) -> Finding:
    try:
        return Finding(check, name, True, call())
    except StoreUnavailable as error:
        return Finding(check, name, False, str(error), "try again; then check endpoint and network")
    except RelayError as error:
        return _failure(check, name, store, str(error))


def _finding(check: str, name: str, store: Store, ok: bool | None, detail: str, route: str = "") -> Finding:
    """The finding of a question that the store has answered."""
    return Finding(check, name, ok, detail, CHECKS[check].advice(store.address, route, answered=True))


def _failure(check: str, name: str, store: Store, detail: str) -> Finding:
    return Finding(check, name, False, detail, CHECKS[check].advice(store.address))


def _untold(check: str, name: str, store: Store, detail: str, route: str = "") -> Finding:
    return Finding(check, name, None, detail, CHECKS[check].advice(store.address, route))
