"""A configuration from the text of a TOML file."""

import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bucketrelay.config import checks
from bucketrelay.config.alarms import read_alarms
from bucketrelay.config.copier import read_copier
from bucketrelay.config.datasets import read_datasets
from bucketrelay.config.queue import read_queue
from bucketrelay.config.reading import Reading, did_you_mean, in_quotes
from bucketrelay.config.schedules import read_schedules
from bucketrelay.config.sections import check_name, read_forward, read_limits, read_route
from bucketrelay.config.serve import read_serve
from bucketrelay.config.stores import read_stores
from bucketrelay.config.tables import Table
from bucketrelay.config.values import Config, ForwardConfig, StoreConfig
from bucketrelay.errors import ConfigError
from bucketrelay.routes import Route

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PLACE = r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$"


def load(
    text: str, environ: Mapping[str, str], folder: Path = Path(), *, where: str = "", secrets: bool = True
) -> Config:
    """The configuration that *text*, a TOML file's, describes; `${NAME}` is looked up in *environ*, with `.get` alone.

    Args:
        folder: what the paths in it are relative to.
        where: the file's name, for a syntax error, which alone needs it.
        secrets: whether the variables of secrets must be set; False for what connects to nothing.

    Raises:
        ConfigError: with every mistake, each with its path in the file; a syntax error alone, with line and column.
    """
    reading = Reading(environ, connects=secrets, folder=folder)
    top = Table(reading, parse(text, where))
    alone = "routes" not in top and ("copier" in top or "datasets" in top)
    log = top.text("log", need="" if alone else 'name the store that receives the lists, log = "…"')
    store_tables, forward_tables = top.tables("stores"), top.tables("forwards")
    _check_names(reading, [*store_tables.items(), *forward_tables.items()])
    if log and log.value not in store_tables:
        reading.mistake("log", f"no store is named {in_quotes(log.written)}{did_you_mean(log.written, store_tables)}")
    stores = read_stores(reading, store_tables)
    routes = [] if alone else _routes(top, store_tables, stores, forward_tables)
    read = {name: read_forward(table, name) for name, table in forward_tables.items()}
    forwards = {name: forward for name, forward in read.items() if forward}
    limits = read_limits(top.table("limits"))
    probes = [route.probe for _, route in routes if route.probe]
    alarms = read_alarms(top.table("alarms"), forward_tables, forwards, probes)
    queue = read_queue(top.table("queue"))
    schedules = read_schedules(top.rows("schedules", need=""), store_tables, {route.name for _, route in routes})
    serving = read_serve(top.table("serve"), store_tables)
    copier = read_copier(top.table("copier"), store_tables) if "copier" in top else None
    datasets = read_datasets(top.table("datasets"), store_tables) if "datasets" in top else None
    top.close()
    if log and log.value in stores:
        routes = [(path, checks.without_lists(route, stores[log.value], stores)) for path, route in routes]
    paths = {name: table.path for name, table in store_tables.items()}
    _check(reading, log.value if log else "", stores, paths, routes, forwards)
    reading.check()
    return Config(
        log.value if log else "",
        MappingProxyType(stores),
        tuple(route for _, route in routes),
        MappingProxyType(forwards),
        limits,
        alarms,
        queue,
        schedules,
        serving,
        copier,
        datasets,
    )


def _check_names(reading: Reading, tables: Iterable[tuple[str, Table]]) -> None:
    for name, table in tables:
        check_name(reading, table.path, name)


def parse(text: str, where: str = "") -> dict[str, Any]:
    """The tables of a file as they are written. Raises ConfigError where it is no TOML, with line and column."""
    text = text.removeprefix("\ufeff")
    try:
        document: dict[str, Any] = tomllib.loads(text)
        return document
    except RecursionError as error:
        raise ConfigError([f"{where or 'the text'} is nested too deeply to be a configuration"]) from error
    except ValueError as error:  # TOMLDecodeError is one; so is an integer of more than 4,300 digits
        raise ConfigError([(f"{where}: " if where else "") + _syntax(str(error), text)]) from error


def _syntax(message: str, text: str) -> str:
    place = re.search(_PLACE, message)
    if not place:
        return "the text is not TOML: a number in it is too long"
    line, column = place["line"], place["column"]
    if not line:
        last = text.rsplit("\n", 1)[-1]
        line, column = str(text.count("\n") + 1), str(len(last) + 1)
    return f"line {line}, column {column}: {message[: place.start()]}: this is not TOML (toml.io)"


def _routes(
    top: Table, names: Collection[str], stores: Mapping[str, StoreConfig], forwards: Collection[str]
) -> list[tuple[str, Route]]:
    rows = top.rows("routes", need="write at least one [[routes]] with a name, a source and targets")
    read = [(row.path, read_route(row, names, stores, forwards)) for row in rows]
    return [(path, route) for path, route in read if route]


def _check(
    reading: Reading,
    log: str,
    stores: Mapping[str, StoreConfig],
    paths: Mapping[str, str],
    routes: list[tuple[str, Route]],
    forwards: Mapping[str, ForwardConfig],
) -> None:
    checks.check_names(reading, routes)
    for path, route in routes:
        checks.check_forward(reading, path, route, forwards)
    known = [route for _, route in routes]
    checks.check_meetings(reading, lambda number, target: f"{routes[number][0]}.targets[{target}]", known, stores)
    if log in stores:
        checks.check_lists(reading, "log", stores[log], known)
    checks.check_event_keys(reading, paths, stores)
    used = [name for _, route in routes if route.targets for name in (route.source_store, *route.targets)]
    checks.check_endpoints(reading, paths, stores, [log, *used])
