"""The options of each kind of store."""

from collections.abc import Callable
from types import MappingProxyType
from urllib.parse import urlsplit

from bucketrelay.clouds.aws.partitions import is_amazons
from bucketrelay.clouds.facts import COMMON, Option
from bucketrelay.clouds.oracle.facts import AUTHS
from bucketrelay.clouds.registry import SCHEMES, facts, storage_classes
from bucketrelay.config.reading import Reading, Text, did_you_mean
from bucketrelay.config.realms import realm
from bucketrelay.config.tables import Table
from bucketrelay.config.urls import BadURL, endpoint_url, scheme_of, store_address
from bucketrelay.config.values import StoreConfig
from bucketrelay.values import replace

_OCI = "oci://bucket@namespace[/prefix]"
_KEYS = ("access_key", "secret_key", "session_token")
_API_KEY = ("user", "tenancy", "fingerprint", "key_file")


def _text(table: Table, key: str) -> object:
    text = table.text(key)
    return text.value if text else None


def _endpoint(table: Table, key: str) -> object:
    text = table.text(key)
    try:
        return endpoint_url(text.value) if text else None
    except BadURL as error:
        table.mistake(key, str(error))
        return None


def _classes(table: Table, key: str) -> object:
    """Storage classes of other stores, and what becomes of each here; see `_check_classes`."""
    below = table.table(key)
    classes = {word: text.value for word in below if (text := below.text(word))}
    return MappingProxyType(classes) if classes else None


def _reader(option: Option) -> Callable[[Table, str], object]:
    """How the value of an option is read."""
    readers: dict[str, Callable[[Table, str], object]] = {
        "text": _text,
        "secret": Table.secret,
        "flag": Table.flag,
        "endpoint": _endpoint,
        "classes": _classes,
        "choice": lambda table, key: table.choice(key, option.choices),
        "number": lambda table, key: table.number(key, option.low, option.high),
        "whole": lambda table, key: table.whole(key, int(option.low), int(option.high)),
    }
    return readers[option.kind]


def read_store(table: Table, name: str) -> StoreConfig | None:
    """One store of the file; None after a mistake that leaves it without an address."""
    url = table.text("url", need="say where the store is, such as s3://bucket/prefix")
    return store(table, name, url, table.at("url"))


def store(table: Table, name: str, url: Text | None, path: str) -> StoreConfig | None:
    """One store from its URL, which stands at *path*, and its options; None after a mistake in the URL."""
    address = None
    scheme = scheme_of(url.value) if url else ""
    try:
        address = store_address(url.value) if url else None
    except BadURL as error:
        table.reading.mistake(path, str(error))
    options = _options(table, scheme)
    if not address:
        return None
    if address.scheme == "oci" and not address.namespace:
        table.reading.mistake(path, f"names no namespace: write {_OCI}; `oci os ns get` tells it")
    place = realm(scheme, str(options.get("endpoint", "")), str(options.get("region", "")), table.reading.environ)
    return StoreConfig(name, replace(address, endpoint=place), MappingProxyType(options))


def _options(table: Table, scheme: str) -> dict[str, object]:
    """The options that are there; of an unknown scheme, those of any store, so that the URL alone is reported."""
    known = {option.name: option for option in COMMON}
    for of in [scheme] if scheme else SCHEMES:
        known |= {option.name: option for option in facts(of).options}
    read = {key: _reader(option)(table, key) for key, option in known.items()}
    table.close(_elsewhere(scheme) if scheme else None)
    _check_keys(table, scheme)
    if scheme == "s3":
        _check_s3(table, read)
    if scheme == "obs" and "kms_key" in table and read["sse"] != "kms":
        table.mistake("kms_key", 'needs sse = "kms"')
    if scheme in ("s3", "obs", "oci"):
        _check_classes(table, scheme, str(read["endpoint"] or ""))
    if scheme == "oci":
        _check_oci(table)
    return {key: value for key, value in read.items() if value is not None}


def _elsewhere(scheme: str) -> dict[str, str]:
    places: dict[str, list[str]] = {}
    for other in SCHEMES:
        for option in facts(other).options:
            places.setdefault(option.name, []).append(f"{other}://")
    return {key: f"is an option of {' and '.join(of)} stores, not of {scheme}://" for key, of in places.items()}


def _check_keys(table: Table, scheme: str) -> None:
    if scheme and (remedy := facts(scheme).instead_of_keys):
        for key in _KEYS:
            if key in table:
                table.mistake(key, f"means nothing to {scheme}:// stores: {remedy}")
        return
    both(table, "access_key", "secret_key")
    if "session_token" in table and "access_key" not in table:
        table.mistake("session_token", "needs the access_key and the secret_key that it was issued with")


def both(table: Table, one: str, other: str) -> None:
    """Note where one of two keys is given without the other."""
    for given, missing in ((one, other), (other, one)):
        if given in table and missing not in table:
            table.mistake(missing, f"is missing, though {given} is given: give both or neither")


def _check_s3(table: Table, read: dict[str, object]) -> None:
    for key in ("dual_stack", "fips"):
        if key in table and "endpoint" in table:
            table.mistake(key, "and endpoint are two addresses: remove one")
    if "profile" in table and "access_key" in table:
        table.mistake("profile", "and access_key are two sets of credentials: remove one")
    if "kms_key" in table and read["sse"] not in ("aws:kms", "aws:kms:dsse"):
        table.mistake("kms_key", 'needs sse = "aws:kms"')


def _check_classes(table: Table, scheme: str, endpoint: str) -> None:
    """A class that no cloud has would only be found out by the first object that is in it."""
    host = urlsplit(endpoint).hostname or ""
    custom = scheme == "s3" and bool(host) and not is_amazons(host)  # whoever runs the server names the classes
    if scheme == "s3" and not custom:
        table.choice("storage_class", storage_classes("s3"))
    below = table.table("storage_classes")
    for word in below:
        if not custom:
            below.choice(word, storage_classes(scheme))
        if word not in storage_classes() and not custom:
            below.mistake(word, f"is no cloud's storage class{did_you_mean(word, storage_classes())}")


def _check_oci(table: Table) -> None:
    by_key = [key for key in _API_KEY if key in table]
    by_file = [key for key in ("config_file", "profile") if key in table]
    if by_key and by_file:
        table.mistake(by_file[0], f"and {by_key[0]} are two sets of credentials: remove one")
    elif by_key:
        for key in _API_KEY:
            if key not in table:
                table.mistake(key, f"is missing, though {by_key[0]} is given: give {', '.join(_API_KEY)}, or none")
    auth = table.text("auth")
    if auth and auth.value in AUTHS and auth.value != "api_key" and by_key + by_file:
        table.mistake((by_key + by_file)[0], 'goes with auth = "api_key" only: remove it, or change auth')


def read_stores(reading: Reading, tables: dict[str, Table]) -> dict[str, StoreConfig]:
    """The stores that have an address, by name."""
    if not tables:
        reading.mistake("stores", 'is missing: name at least a source and a log store, [stores.name] with url = "…"')
    stores = {name: read_store(table, name) for name, table in tables.items()}
    return {name: store for name, store in stores.items() if store}
