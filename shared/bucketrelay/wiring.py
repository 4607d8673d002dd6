"""Configuration to a working system; with the other `wiring` modules all that knows the concrete classes."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial

from bucketrelay.abilities import Upload
from bucketrelay.config import Config
from bucketrelay.core.bandwidth import Bandwidth
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import Checkpoints, LogCheckpoints, MemoryCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_claims import Claims
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.pauses import Gate, Pauses, Why, resting
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.core.run import ByDestination, Runner
from bucketrelay.core.verify import Verify
from bucketrelay.core.writes import Writes
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError
from bucketrelay.events import EventKeys, KeyForm
from bucketrelay.forward.deliver import Forwarding
from bucketrelay.model import Address, Task
from bucketrelay.reports import log_line
from bucketrelay.routes import Route
from bucketrelay.routes.meeting import following, meeting
from bucketrelay.store import Store
from bucketrelay.system import System
from bucketrelay.values import replace
from bucketrelay.wiring_forwards import forwards
from bucketrelay.wiring_stores import NO_KEYS, Keys, Stores

_ENDPOINT, _TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
FORGOTTEN = timedelta(days=7)  # as the lifecycle rules of the templates say of unfinished uploads


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 — standard output is where every function platform takes its log lines from


def system(
    config: Config,
    *,
    emit: Callable[[str], None] = _say,
    keys: Callable[[], Keys] = lambda: NO_KEYS,
    metrics: bool = False,
    project: str = "",
    environ: Mapping[str, str] = os.environ,
) -> System:
    """Everything that an invocation needs, for a configuration. Connects to nothing yet.

    Args:
        keys: this invocation's temporary keys, for what has none of its own.
        project: the Huawei Cloud project that this runs in, for an OMS address that has none.
        environ: says where traces go, if anywhere.

    Raises:
        ConfigError: the address of a forward lacks something.
    """
    stores = Stores(config.stores, keys, config.log)
    log = partial(_log, config, stores)
    receivers = forwards(config, keys, project)
    routes = meeting(config.routes, _places(config))
    results = Results(partial(_urls, config), _now)
    checkpoints = LogCheckpoints(log) if config.log else MemoryCheckpoints()
    # Without a log store all copies are by message: the job itself comes again, and looks.
    writes = Writes(Verify(log, stores.get, _now) if config.log else None)
    resources = _resources(config, checkpoints, writes)
    converge = _converge(config, stores, routes, resources, results)
    deliver = ByDestination(converge, Forwarding(receivers, config.address, results))
    rests = _rests(config, log)

    def close() -> None:
        stores.close()
        for receiver in receivers.values():
            receiver.close()

    made = System(
        routes=routes,
        runner=Runner(Gate(deliver, rests, results), resources.budget, results, writes),
        log=log,
        store=stores.get,
        connect=stores.connect,
        close=close,
        sweep=lambda: _sweep(config, stores, checkpoints),
        margin=config.limits.margin,
        now=_now,
        emit=emit,
        metrics=metrics,
        event_keys=_event_keys(config),
        rests=rests,
    )
    made = replace(made, reconcile=partial(_reconcile, config, made))
    return _trace(made, environ) if _ENDPOINT in environ or _TRACES_ENDPOINT in environ else made


def _trace(made: System, environ: Mapping[str, str]) -> System:
    """The same, with traces; without them where OpenTelemetry is switched off, or not installed."""
    endpoint = environ.get(_TRACES_ENDPOINT) or f"{environ.get(_ENDPOINT, '').rstrip('/')}/v1/traces"
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return made

    def say(words: str) -> None:
        made.emit(log_line.notice(words))

    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in (None, "", "http/protobuf"):
        say(f"no traces: OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}, and only http/protobuf is spoken here")
        return made
    try:
        from bucketrelay.traces import Traces  # OpenTelemetry is an extra, and takes a second to load
    except ModuleNotFoundError as error:
        say(f"no traces: {error.name} is missing: pip install 'bucketrelay[otel]', or unset {_ENDPOINT}")
        return made
    traces = Traces(endpoint, environ, say)

    def close() -> None:
        traces.close()
        made.close()

    return replace(made, traced=traces.invocation, close=close)


def _log(config: Config, stores: Stores) -> Store:
    if config.log:
        return stores.get(config.log)
    words = "is missing: all copies here are by message, which are answered and not listed; name a store to have lists"
    raise ConfigError([f"log: {words}"])


def _places(config: Config) -> Mapping[str, Address]:
    return {name: store.address for name, store in config.stores.items()}


def _converge(
    config: Config, stores: Stores, routes: Sequence[Route], resources: Resources, results: Results
) -> Converge:
    places, log = _places(config), partial(_log, config, stores)
    fuse = Fuse(Claims(log, _now).grant)
    return Converge(stores.get, resources, fuse, results, lambda task: tuple(following(task, routes, places)))


def _resources(config: Config, checkpoints: Checkpoints, writes: Writes) -> Resources:
    windows = {route.name: route.windows for route in config.routes if route.windows}
    bandwidths = {name: Bandwidth(each.bandwidth) for name, each in windows.items() if each.bandwidth}
    budget = Budget(config.limits.memory, config.limits.concurrency)
    return Resources(config.limits.part_size, budget, checkpoints, writes=writes, bandwidths=bandwidths)


def _rests(config: Config, log: Callable[[], Store]) -> Why:
    windows = {route.name: route.windows for route in config.routes if route.windows}
    return resting([route.name for route in config.routes], Pauses(log) if config.log else None, windows, _now)


def _reconcile(config: Config, made: System, route: str, deadline: Deadline, invocation: str) -> None:
    from bucketrelay.drivers.reconcile.order import by_schedule  # a function that gets events needs none of it

    if not config.queue.url:
        by_schedule(made, route, deadline, invocation)
        return
    from bucketrelay.wiring_tables import faces  # as above

    by_schedule(made, route, deadline, invocation, partial(faces, config))


def _sweep(config: Config, stores: Stores, checkpoints: LogCheckpoints | MemoryCheckpoints) -> tuple[int, list[str]]:
    """Abandon forgotten uploads: how many were, and what could not be."""
    targets = {target for route in config.routes for target in route.targets}

    def target(name: str) -> Store:
        """A store that a route writes to: a forged checkpoint must not have an upload of a source abandoned."""
        if name not in targets:
            raise ConfigError([f"no route writes to {name!r}"])
        return stores.get(name)

    swept = list(checkpoints.sweep(target, _now(), FORGOTTEN))
    return sum(1 for each in swept if isinstance(each, Upload)), [each for each in swept if isinstance(each, str)]


def _event_keys(config: Config) -> EventKeys:
    """What the stores say of how keys are written in the events of their buckets."""
    forms: dict[tuple[str, str], KeyForm] = {}
    for store in config.stores.values():
        form = store.options.get("event_keys")
        if form in ("raw", "encoded"):
            forms[store.address.scheme, store.address.bucket] = "raw" if form == "raw" else "encoded"
    return forms


def _urls(config: Config, task: Task) -> tuple[str, str]:
    """Of the task's source, and of its target or of whom is told of it."""
    source = _url(config, task.source, task.key)
    if not task.forward:
        return source, _url(config, task.target, task.target_key)
    return source, config.forwards[task.forward].shown if task.forward in config.forwards else task.forward


def _url(config: Config, store: str, key: str) -> str:
    """Where a key is. A store that is no longer configured keeps its name: the task's result says what is wrong."""
    try:
        return config.address(store).of(key)
    except ConfigError:
        return f"{store}/{key}"


def _now() -> datetime:
    return datetime.now(timezone.utc)
