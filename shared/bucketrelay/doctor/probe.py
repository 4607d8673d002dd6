"""Writes that are taken back: one small object below `.bucketrelay-doctor/`, in targets and in the log store.

Of a source only where a route has heartbeats: one small object of such a name as theirs, which no route takes.
"""

from collections.abc import Callable, Iterator, Sequence

from bucketrelay.abilities import PartStore
from bucketrelay.clouds.bucket import PROBES
from bucketrelay.config import Config
from bucketrelay.doctor.checks import CHECKS, Finding
from bucketrelay.errors import RelayError, StoreUnavailable, TargetChanged
from bucketrelay.model import Address, Meta
from bucketrelay.routes import ANY_BUCKET, Route
from bucketrelay.routes.probes import trial_key
from bucketrelay.store import ABSENT, Store
from bucketrelay.values import dataclass, replace

_BODY = b"bucketrelay doctor looks whether it may write here; this may be deleted\n"
_META = Meta(content_type="text/plain", user={"bucketrelay-doctor": "probe"})


@dataclass(frozen=True, slots=True)
class Trial:
    """One store to be written to."""

    store_name: str
    store: Store
    is_target: bool
    name: Callable[[], str]

    def finding(self, check: str, ok: bool | None, detail: str) -> Finding:
        """With the check's remedy, where it is not fine."""
        remedy = "" if ok else CHECKS[check].advice(self.store.address)
        return Finding(check, self.store_name, ok, detail, remedy)

    def refusal(self, check: str, error: RelayError) -> Finding:
        """A call that was not answered as it must be."""
        if isinstance(error, StoreUnavailable):
            return Finding(check, self.store_name, False, str(error), "try again; then check endpoint and network")
        return self.finding(check, False, str(error))


def probes(trial: Trial, config: Config, store: Callable[[str], Store]) -> Iterator[Finding]:
    """Write, read, loop, conditional, multipart, delete. What was written is removed also where something fails."""
    key = f"{PROBES}{trial.name()}"
    if (route := _event_of(trial.store.address, key, config)) is not None:
        words = f"not tried: a probe here would be an event of route {route.name}"
        yield Finding("write", trial.store_name, None, words, "try it by hand with an object that may be replicated")
        return
    try:
        trial.store.put(key, _BODY, _META)
    except RelayError as error:
        yield trial.refusal("write", error)
        return
    try:
        yield _write(trial, key)
        yield _read(trial, key)
        yield _loop(trial, key, config, store)
        if trial.is_target:
            yield _conditional(trial, key)
            yield from _tag(trial, key)
            yield from _multipart(trial, key)
    finally:
        last = _delete(trial, key)
    yield last


def heartbeats(trial: Trial, routes: Sequence[Route]) -> Iterator[Finding]:
    """Write and remove what those of *routes* that have heartbeats write to their source, which is *trial*'s store."""
    name = trial.name()
    for key in dict.fromkeys(trial_key(route, name) for route in routes if route.probe):
        try:
            trial.store.put(key, _BODY, _META)
        except RelayError as error:
            yield trial.refusal("heartbeat", error)
        else:
            yield _delete(trial, key, "heartbeat")


def _event_of(place: Address, key: str, config: Config) -> Route | None:
    """The route whose source the probe would be in: what is written there is not ours to write."""
    for route in config.routes:
        source = route.source
        same = (source.scheme, source.endpoint) == (place.scheme, place.endpoint) and source.bucket in (
            place.bucket,
            ANY_BUCKET,
        )
        if same and source.namespace in ("", place.namespace) and not _ignored(route, place):
            inner = source.relative(place.prefix + key)
            if inner is not None and route.takes(inner):
                return route
    return None


def _ignored(route: Route, place: Address) -> bool:
    bucket = (place.scheme, place.bucket, place.prefix)
    return any((known.scheme, known.bucket, known.prefix) == bucket for known in route.ignores)


def _write(trial: Trial, key: str) -> Finding:
    try:
        info = trial.store.look(key)
    except RelayError as error:
        return trial.refusal("look", error)
    if info is None:
        return trial.finding("write", False, "what was written is not there: another store answers reads")
    if dict(info.meta.user) != dict(_META.user):
        words = f"user metadata did not survive: {dict(info.meta.user)!r}"
        remedy = "this store cannot hold where a copy comes from: use another server, or one that keeps x-amz-meta-*"
        return Finding("write", trial.store_name, False, words, remedy)
    return trial.finding("write", True, f"{PROBES} takes objects")


def _read(trial: Trial, key: str) -> Finding:
    try:
        fetched = trial.store.fetch(key, len(_BODY))
    except RelayError as error:
        return trial.refusal("read", error)
    same = fetched is not None and fetched.body is not None and bytes(fetched.body) == _BODY
    return trial.finding("read", same, "the probe" if same else "the probe came back as something else")


def _loop(trial: Trial, key: str, config: Config, store: Callable[[str], Store]) -> Finding:
    full = trial.store.address.prefix + key
    for route in config.routes:
        inner = route.source.relative(full)
        if inner is None or route.source.bucket == ANY_BUCKET or not route.takes(inner):
            continue
        try:
            seen = store(route.source_store).look(inner)
        except RelayError:
            continue  # the source has findings of its own
        if seen is not None and seen.size == len(_BODY):
            words = f"what is written here appears in {route.source.url}, the source of route {route.name}"
            return trial.finding("loop", False, words)
    return trial.finding("loop", True, "no source shows the probe")


def _conditional(trial: Trial, key: str) -> Finding:
    try:
        trial.store.put(key, _BODY, _META, expect=ABSENT)
    except TargetChanged:
        return trial.finding("conditional", True, "honoured")
    except RelayError as error:
        return trial.refusal("conditional", error)
    return trial.finding("conditional", None, "not honoured: the store overwrites whatever is there")


def _tag(trial: Trial, key: str) -> Iterator[Finding]:
    """The probe once more with a tag; a server that has none is found out by it, and then declares so."""
    if not trial.store.abilities.tags:
        return
    try:
        trial.store.put(key, _BODY, replace(_META, tags={"bucketrelay-doctor": "probe"}, tag_count=1))
    except RelayError as error:
        yield trial.refusal("tags", error)
        return
    if trial.store.abilities.tags:
        yield trial.finding("tags", True, "the probe takes one")
    else:
        words = "the server takes no tags: they stay behind, as degraded, and fail a strict route"
        yield Finding("tags", trial.store_name, None, words, "nothing, where tags may stay behind")


def _multipart(trial: Trial, key: str) -> Iterator[Finding]:
    if not isinstance(trial.store, PartStore):
        yield trial.finding("multipart", None, "this store takes no parts: large objects must go over at once")
        return
    try:
        upload = trial.store.begin(f"{key}.parts", _META)
        parts = list(trial.store.parts(upload))
        trial.store.abandon(upload)
    except RelayError as error:
        yield trial.refusal("multipart", error)
        return
    yield trial.finding("multipart", not parts, "begun and abandoned" if not parts else "a new upload has parts")


def _delete(trial: Trial, key: str, check: str = "delete") -> Finding:
    try:
        trial.store.delete(key)
        left = trial.store.look(key)
    except RelayError as error:
        return trial.refusal(check, error)
    words = "removed" if left is None else f"{trial.store.address.of(key)} is still there"
    return trial.finding(check, left is None, words)
