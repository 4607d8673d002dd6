"""A configuration from the environment alone: a few variables instead of a file."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import unquote

from bucketrelay.config import checks
from bucketrelay.config.reading import Reading
from bucketrelay.config.stores import store
from bucketrelay.config.tables import Table
from bucketrelay.config.urls import BadURL, endpoint_url, forward_url, store_address
from bucketrelay.config.values import Config, ForwardConfig, Secret, StoreConfig
from bucketrelay.config.variables import OMS_VARIABLES, RELAY_VARIABLES
from bucketrelay.errors import ConfigError
from bucketrelay.model import Address, Deletes
from bucketrelay.routes import ANY_BUCKET, Route
from bucketrelay.routes.log_folders import log_folders

_T = TypeVar("_T")
_OMS_MEANING = {
    "sync_url": "the address for synchronisation requests, in the OMS task's details",
    "sync_task_id": "the OMS task's id",
    "log_bucket": "the bucket that receives the lists",
    "obs_endpoint": "the OBS domain name of the log bucket's region, such as obs.cn-north-4.myhuaweicloud.com",
    "hw_ak": "the access key of the account that owns the OMS task",
    "hw_sk": "the secret key of the account that owns the OMS task",
}
_RELAY_MEANING = {
    "RELAY_SOURCE": "the URL of the store to copy from, such as s3://photos",
    "RELAY_TARGETS": "the URLs of the stores to copy to, such as oci://photos@mytenancy?region=us-ashburn-1",
    "RELAY_LOG": "the URL of the store that receives the lists",
}


def from_environment(environ: Mapping[str, str]) -> Config | None:
    """The configuration that the variables describe; None where none of them is set. Empty means not set.

    Raises:
        ConfigError: with every mistake, each with its variable; also where both sets of variables are begun.
    """
    oms, relay = _variables(environ, OMS_VARIABLES), _variables(environ, RELAY_VARIABLES)
    if oms and relay:
        both = f"{', '.join(oms)} and {', '.join(relay)}"
        raise ConfigError([f"{both}: are two configurations in one environment: remove one of them"])
    if oms:
        return _oms(Reading(environ), oms)
    return _relay(Reading(environ), relay) if relay else None


def _variables(environ: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    values = {name: str(environ.get(name) or "").strip() for name in names}
    return {name: value for name, value in values.items() if value}


def _missing(reading: Reading, given: Mapping[str, str], meanings: Mapping[str, str]) -> None:
    for name, meaning in meanings.items():
        if name not in given:
            reading.mistake(name, f"is not set in the environment: {meaning}")


# --- the OMS template's six variables ------------------------------------------------------------------------------


def _oms(reading: Reading, given: Mapping[str, str]) -> Config:
    _missing(reading, given, _OMS_MEANING)
    given = {name: value for name, value in given.items() if reading.sound(value, name)}
    log = _parse(reading, given, "log_bucket", _log_bucket)
    endpoint = _parse(reading, given, "obs_endpoint", endpoint_url)
    url = _parse(reading, given, "sync_url", forward_url)
    reading.check()
    assert log
    assert url
    keys = Secret(given["hw_ak"]), Secret(given["hw_sk"])
    options = MappingProxyType({"endpoint": endpoint, "access_key": keys[0], "secret_key": keys[1]})
    # Every created object of the bucket in the event, whichever cloud calls; the template's own is the first.
    sources = {"source": "obs", "source-s3": "s3", "source-oci": "oci"}
    stores = {name: StoreConfig(name, Address(scheme, ANY_BUCKET)) for name, scheme in sources.items()}
    stores["log"] = StoreConfig("log", log, options)
    shown = url.partition("?")[0]
    oms = ForwardConfig("oms", "oms", url, shown, given["sync_task_id"], keys[0], keys[1])
    routes = tuple(
        Route(
            name.replace("source", "oms"), stores[name].address, name, forward="oms", ignores=(log, *log_folders(log))
        )
        for name in sources
    )
    return Config("log", MappingProxyType(stores), routes, MappingProxyType({"oms": oms}))


def _parse(reading: Reading, given: Mapping[str, str], name: str, parse: Callable[[str], _T]) -> _T | None:
    try:
        return parse(given[name]) if name in given else None
    except BadURL as error:
        reading.mistake(name, str(error))
        return None


def _log_bucket(value: str) -> Address:
    if "/" in value:
        raise BadURL("must be the bucket's name alone, without obs:// or a folder")
    return store_address(f"obs://{value}/oms_source_record")


# --- RELAY_SOURCE and its companions -------------------------------------------------------------------------------


def _relay(reading: Reading, given: Mapping[str, str]) -> Config:
    _missing(reading, given, _RELAY_MEANING)
    paths = {name: path for name, path, _ in _places(given)}
    read = {name: _store(reading, name, path, written) for name, path, written in _places(given)}
    stores = {name: table for name, table in read.items() if table}
    deletes = Table(reading, given).choice("RELAY_DELETES", [rule.value for rule in Deletes]) or "keep"
    routes = []
    if "source" in stores:
        targets = tuple(name for name in paths if name.startswith("target"))
        routes = [Route("relay", stores["source"].address, "source", targets, deletes=Deletes(deletes))]
    if "log" in stores:
        routes = [checks.without_lists(route, stores["log"], stores) for route in routes]
        checks.check_lists(reading, "RELAY_LOG", stores["log"], routes)
    checks.check_meetings(reading, lambda _, target: f"RELAY_TARGETS[{target}]", routes, stores)
    checks.check_endpoints(reading, paths, stores, stores)
    reading.check()
    return Config("log", MappingProxyType(stores), tuple(routes))


def _places(given: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Each store's name, where it stands, and what stands there."""
    if "RELAY_SOURCE" in given:
        yield "source", "RELAY_SOURCE", given["RELAY_SOURCE"]
    for i, written in enumerate(given.get("RELAY_TARGETS", "").split()):
        yield f"target{i + 1}", f"RELAY_TARGETS[{i}]", written
    if "RELAY_LOG" in given:
        yield "log", "RELAY_LOG", given["RELAY_LOG"]


def _store(reading: Reading, name: str, path: str, written: str) -> StoreConfig | None:
    url, _, query = written.partition("?")
    options: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        key, equals, value = pair.partition("=")
        # `+` stays `+`: keys are made of base64, and nobody needs a blank here
        key, value = unquote(key), unquote(value)
        if not equals or key in options:
            reading.mistake(path, "has an option without = or twice: write ?name=value&name=value after the URL")
        else:
            options[key] = value
    table = Table(reading, options, path, texts=True)
    return store(table, name, reading.fill(url, path), path)
