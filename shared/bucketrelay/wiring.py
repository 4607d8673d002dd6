"""Configuration to a working system: the only module that knows the concrete classes."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from bucketrelay.abilities import PartStore, Upload
from bucketrelay.config import Config, ForwardConfig, Secret, StoreConfig
from bucketrelay.core.bandwidth import Bandwidth
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints, MemoryCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_claims import Claims
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.pauses import Gate, Pauses, resting
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.core.run import ByDestination, Runner
from bucketrelay.core.verify import Verify
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError
from bucketrelay.events import EventKeys, KeyForm
from bucketrelay.forward import Forward
from bucketrelay.forward.deliver import Forwarding
from bucketrelay.http.pace import Pace
from bucketrelay.model import Address, Task
from bucketrelay.routes.meeting import following, meeting
from bucketrelay.store import Store
from bucketrelay.system import System

if TYPE_CHECKING:
    from bucketrelay.forward.webhook import WebhookForward

Keys = tuple[str, str, str]  # access key, secret key, security token
FORGOTTEN = timedelta(days=7)  # as the lifecycle rules of the templates say of unfinished uploads
NO_KEYS: Keys = ("", "", "")
_TELLING = 30.0  # seconds for the receiver of an alarm


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 — standard output is where every function platform takes its log lines from


def system(
    found: Config,
    *,
    emit: Callable[[str], None] = _say,
    keys: Callable[[], Keys] = lambda: NO_KEYS,
    metrics: bool = False,
    project: str = "",
) -> System:
    """Everything that an invocation needs, for a configuration. Connects to nothing yet.

    Args:
        keys: this invocation's temporary keys, for what has none of its own.
        project: the Huawei Cloud project that this runs in, for an OMS address that has none.

    Raises:
        ConfigError: the address of a forward lacks something.
    """
    stores = Stores(found.stores, keys, found.log)
    budget = Budget(found.limits.memory, found.limits.concurrency)
    claims = Claims(lambda: stores.get(found.log), _now)
    checkpoints = LogCheckpoints(lambda: stores.get(found.log)) if found.log else MemoryCheckpoints()

    def urls(task: Task) -> tuple[str, str]:
        source = _url(found, task.source, task.key)
        if not task.forward:
            return source, _url(found, task.target, task.target_key)
        return source, found.forwards[task.forward].shown if task.forward in found.forwards else task.forward

    written = {target for route in found.routes for target in route.targets}

    def targets(name: str) -> Store:
        """A store that a route writes to: a forged checkpoint must not have an upload of a source abandoned."""
        if name not in written:
            raise ConfigError([f"no route writes to {name!r}"])
        return stores.get(name)

    forwards = _forwards(found, keys, project)
    results = Results(urls, _now)
    windows = {route.name: route.windows for route in found.routes if route.windows}
    limited = {name: Bandwidth(each.bandwidth) for name, each in windows.items() if each.bandwidth}
    resources = Resources(found.limits.part_size, budget, checkpoints, bandwidths=limited)
    places = {name: store.address for name, store in found.stores.items()}
    routes = meeting(found.routes, places)
    fuse = Fuse(claims.grant)
    converge = Converge(stores.get, resources, fuse, results, lambda task: tuple(following(task, routes, places)))
    forwarding = Forwarding(forwards, found.address, results)
    pauses = Pauses(lambda: stores.get(found.log)) if found.log else None
    why = resting([route.name for route in found.routes], pauses, windows, _now)

    def close() -> None:
        stores.close()
        for forward in forwards.values():
            forward.close()

    made = System(
        routes=routes,
        runner=Runner(
            Gate(ByDestination(converge, forwarding), why, results),
            budget,
            results,
            # Without a log store all copies are by message: the job itself comes again, and looks.
            Verify(lambda: stores.get(found.log), stores.get, _now).note if found.log else None,
        ),
        log=lambda: stores.get(found.log) if found.log else _no_lists(),
        store=stores.get,
        close=close,
        sweep=lambda: _swept(checkpoints.sweep(targets, _now(), FORGOTTEN)),
        margin=found.limits.margin,
        now=_now,
        emit=emit,
        metrics=metrics,
        event_keys=_event_keys(found),
        rests=why,
    )
    return replace(made, reconcile=lambda route, deadline, invocation: _reconcile(made, route, deadline, invocation))


def _reconcile(made: System, route: str, deadline: Deadline, invocation: str) -> None:
    from bucketrelay.drivers.reconcile.order import by_schedule  # noqa: PLC0415 — a function that gets events needs none of it

    by_schedule(made, route, deadline, invocation)


def _swept(found: Iterable[Upload | str]) -> tuple[int, list[str]]:
    """How many uploads were abandoned, and what could not be."""
    swept = list(found)
    return sum(1 for each in swept if isinstance(each, Upload)), [each for each in swept if isinstance(each, str)]


def _no_lists() -> Store:
    words = "is missing: all copies here are by message, which are answered and not listed; name a store to have lists"
    raise ConfigError([f"log: {words}"])


def _event_keys(found: Config) -> EventKeys:
    """What the stores say of how keys are written in the events of their buckets."""
    said: dict[tuple[str, str], KeyForm] = {}
    for store in found.stores.values():
        form = store.options.get("event_keys")
        if form in ("raw", "encoded"):
            said[store.address.scheme, store.address.bucket] = "raw" if form == "raw" else "encoded"
    return said


def _url(found: Config, store: str, key: str) -> str:
    """Where a key is. A store that is no longer configured keeps its name: the task's result says what is wrong."""
    try:
        return found.address(store).of(key)
    except ConfigError:
        return f"{store}/{key}"


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Stores:
    """The configured stores by name, each made at first use and kept."""

    def __init__(self, configured: Mapping[str, StoreConfig], keys: Callable[[], Keys], log: str = "") -> None:
        self._configured, self._keys, self._log = configured, keys, log
        self._made: dict[str, Store] = {}
        self._paces: dict[tuple[str, object], Pace] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections; a store that is used again opens new ones."""
        with self._lock:
            for made in self._made.values():
                if hasattr(made, "close"):
                    made.close()

    def get(self, name: str) -> Store:
        """The store; the same one for the same name. Raises ConfigError where none is configured by that name."""
        with self._lock:
            if name not in self._configured:
                raise ConfigError([f"no store is named {name!r}: was it renamed or removed from the configuration?"])
            if name not in self._made:
                found = self._configured[name]
                # Not the log store's: lists must not wait for what some bucket on the same server has refused.
                pace = Pace() if name == self._log else self._paces.setdefault(_server(found), Pace())
                self._made[name] = _store(found, self._keys, pace)
            return self._made[name]


def _server(found: StoreConfig) -> tuple[str, object]:
    """What the stores have in common that share one limit of requests."""
    return found.address.scheme, found.options.get("endpoint") or found.options.get("region", "")


def _store(found: StoreConfig, keys: Callable[[], Keys], pace: Pace) -> Store:
    options = {n: v.reveal() if isinstance(v, Secret) else v for n, v in found.options.items()}
    for name in ("event_keys", "coms_id", "coms_bucket_id"):  # of events and of the inventory, not of the store
        options.pop(name, None)
    try:
        return _MAKERS[found.address.scheme](found, {**options, "pace": pace}, keys)
    except ModuleNotFoundError as error:
        scheme, lacks = found.address.scheme, f"{error.name} is not here"
        remedy = f"build the archive with --config or --stores {scheme}, or install bucketrelay's extra `{scheme}`"
        raise ConfigError(
            [f"stores.{found.name}: {scheme}:// stores need what was left out, {lacks}: {remedy}"]
        ) from error


def _s3(found: StoreConfig, options: dict[str, object], _: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.aws.store import s3_store  # noqa: PLC0415 — a function imports only what its routes need

    return s3_store(found.address, **options)  # type: ignore[arg-type]  # config has checked every option's type


def _obs(found: StoreConfig, options: dict[str, object], keys: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.huawei.store import obs_store  # noqa: PLC0415 — a function imports only what its routes need

    return obs_store(found.address, keys=keys, **options)  # type: ignore[arg-type]  # config has checked every option's type


def _oci(found: StoreConfig, options: dict[str, object], _: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.oracle.store import oci_store  # noqa: PLC0415 — a function imports only what its routes need

    return oci_store(found.address, **options)  # type: ignore[arg-type]  # as above


def _local(found: StoreConfig, options: dict[str, object], _: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.local.store import LocalStore  # noqa: PLC0415 — a function imports only what its routes need

    del options  # nothing of a connection applies to a directory
    return LocalStore(found.address)


def _rclone(found: StoreConfig, options: dict[str, object], _: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.rclone.daemon import shared  # noqa: PLC0415 — a function imports only what its routes need
    from bucketrelay.clouds.rclone.store import RcloneStore  # noqa: PLC0415 — as above

    rclone = shared(str(options.get("binary", "")), str(options.get("config", "")))
    return RcloneStore(found.address, rclone, lambda: _spool(found.address))


def _spool(address: Address) -> PartStore:
    """Where the parts of objects are gathered that go through rclone: this user's, on this machine."""
    from bucketrelay.clouds.local.store import LocalStore  # noqa: PLC0415 — as above

    place = Path(tempfile.gettempdir()) / f"bucketrelay-{os.getuid()}" / "parts" / address.bucket
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(Address("file", str(place), prefix=address.prefix))


_MAKERS: dict[str, Callable[[StoreConfig, dict[str, object], Callable[[], Keys]], Store]] = {
    "s3": _s3,
    "obs": _obs,
    "oci": _oci,
    "file": _local,
    "rclone": _rclone,
}


def _forwards(found: Config, keys: Callable[[], Keys], project: str) -> dict[str, Forward]:
    """The forwards that the routes name; only what they need is imported, and nothing is connected yet."""
    made: dict[str, Forward] = {}
    mistakes: list[str] = []
    for name in dict.fromkeys(route.forward for route in found.routes if route.forward):
        forward = found.forwards[name]
        path = "sync_url" if forward.task_id else f"forwards.{name}"
        try:
            made[name] = _oms(forward, keys, project) if forward.type == "oms" else _webhook(forward)
        except ConfigError as error:
            mistakes += [f"{path}: {mistake}" for mistake in error.mistakes]
    if mistakes:
        raise ConfigError(mistakes)
    return made


def _oms(found: ForwardConfig, keys: Callable[[], Keys], project: str) -> Forward:
    from bucketrelay.forward.oms import OmsForward  # noqa: PLC0415 — a function imports only what its routes need

    own = _revealed(found.access_key), _revealed(found.secret_key), ""
    return OmsForward(
        found.url, found.task_id, keys=(lambda: own) if own[0] else keys, project=project, shown=found.shown
    )


def _webhook(found: ForwardConfig) -> "WebhookForward":
    from bucketrelay.forward.webhook import WebhookForward  # noqa: PLC0415 — a function imports only what its routes need

    access_key, secret_key = _revealed(found.access_key), _revealed(found.secret_key)
    return WebhookForward(found.url, access_key=access_key, secret_key=secret_key, shown=found.shown)


def alarm_receiver(found: Config) -> Callable[[Mapping[str, object]], None]:
    """Who is told of alarms, as something that takes a CloudEvent and raises unless it was taken."""
    forward = found.forwards[found.alarms.webhook]
    receiver = _webhook(forward)

    def send(event: Mapping[str, object]) -> None:
        try:
            receiver.send(event, Deadline(_TELLING))
        finally:
            receiver.close()

    return send


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""
