"""The sensitive-data-archive's own configuration of its `sync` service, as one of ours.

A YAML file, and variables that go before it: a setting's path with `_` for each dot, in capitals (`SYNC_REMOTE_HOST`).
Names are the same in any case. The database's are told as `DB_…` by its documentation and as `DATABASE_…` by its code:
both are read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bucketrelay.config.realms import realm
from bucketrelay.config.values import (
    BrokerConfig,
    Config,
    DatasetsConfig,
    QueueConfig,
    RemoteConfig,
    Secret,
    StoreConfig,
)
from bucketrelay.config.yaml_file import read
from bucketrelay.errors import ConfigError
from bucketrelay.model import Address

_SSL = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration in the file and the environment; jobs wait in `relay.db`, or in what `BUCKETRELAY_QUEUE` names.

    Raises:
        ConfigError: with every mistake, each with its path in the file and the name of its variable.
    """
    settings = _Settings(read(path) if path else {}, environ)
    broker, remote, database = _broker(settings), _remote(settings), _database(settings)
    archives = list(_stores(settings, "archive"))
    targets = list(_stores(settings, "sync"))
    for name, each in (("archive", archives), ("sync", targets)):
        if not each:
            settings.mistakes.append(f"storage.{name}: is missing: give an s3 or a posix below it")
    keys = [settings.text("c4gh.filepath"), settings.text("c4gh.syncpubkeypath")]
    passphrase, prefix = settings.text("c4gh.passphrase"), settings.text("sync.centerprefix")
    queue, exchange = settings.text("broker.queue"), settings.text("broker.exchange", "sda")
    if settings.mistakes:
        raise ConfigError([f"{path}: {mistake}" if path else mistake for mistake in settings.mistakes])
    section = DatasetsConfig(
        broker,
        queue,
        exchange,
        database,
        prefix,
        archives[0][1].name,
        targets[0][1].name,
        Path(keys[0]),
        Secret(passphrase),
        Path(keys[1]),
        remote,
        locations=MappingProxyType({location: store.name for location, store in archives}),
    )
    stores = {store.name: store for _, store in (*archives, *targets[:1])}
    jobs = QueueConfig(path=Path(environ.get("BUCKETRELAY_QUEUE") or "relay.db"))
    return Config("", MappingProxyType(stores), (), queue=jobs, datasets=section)


class _Settings:
    """Settings by their paths, and what is wrong with them."""

    def __init__(self, fields: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._said, self._environ = _lower(fields), environ
        self.mistakes: list[str] = []

    def get(self, *paths: str) -> Any:
        """The first of these that is set, the environment's before the file's."""
        for path in paths:
            if told := self._environ.get(path.upper().replace(".", "_")):
                return told
        for path in paths:
            value: Any = self._said
            for name in path.split("."):
                value = value.get(name, {}) if isinstance(value, Mapping) else {}
            if value not in ({}, None, ""):
                return value
        return None

    def text(self, path: str, default: str | None = None, *others: str) -> str:
        """A setting as a text; without a default, its absence is a mistake."""
        value = self.get(path, *others)
        if value is None and default is None:
            self.mistakes.append(f"{path}: is missing: set it there, or as {path.upper().replace('.', '_')}")
        return str(value if value is not None else default or "")

    def flag(self, path: str) -> bool:
        """A setting that is true or false; false where it is missing."""
        return str(self.get(path)).lower() in ("true", "1", "yes", "t")

    def whole(self, path: str, default: int, *others: str) -> int:
        """A setting that is a number."""
        value = str(self.get(path, *others) or default)
        if not value.isascii() or not value.isdigit() or not 0 < int(value[:9]) < 10**6:
            self.mistakes.append(f"{path}: must be a number")
            return default
        return int(value)


def _broker(settings: _Settings) -> BrokerConfig:
    secure = settings.flag("broker.ssl")
    host, port = settings.text("broker.host"), settings.whole("broker.port", 5671 if secure else 5672)
    user, password = settings.text("broker.user"), settings.text("broker.password")
    vhost = settings.text("broker.vhost", "/")
    named = vhost if vhost == "/" else vhost.removeprefix("/")  # the shipped file says "/sda" and means sda
    place = f"{quote(user, safe='')}:{quote(password, safe='')}@{host}:{port}/{quote(named, safe='')}"
    trusted = settings.text("broker.cacert", "")
    return BrokerConfig(
        Secret(f"{'amqps' if secure else 'amqp'}://{place}"),
        f"{host}:{port}",
        Path(trusted) if trusted else None,
        settings.whole("broker.prefetchcount", 2),
    )


def _database(settings: _Settings) -> Secret:
    def text(name: str, default: str | None = None) -> str:
        return settings.text(f"db.{name}", default, f"database.{name}")

    host, user, password = text("host"), text("user"), text("password")
    port = settings.whole("db.port", 5432, "database.port")
    name = settings.text("db.database", None, "database.database", "database.name", "db.name")
    mode = settings.text("db.sslmode", "prefer", "database.sslmode", "database.ssl_mode", "db.ssl_mode")
    if mode not in _SSL:
        settings.mistakes.append(f"db.sslmode: {mode[:40]!a} is not one of {', '.join(_SSL)}")
    files = {"sslrootcert": text("cacert", ""), "sslcert": text("clientcert", ""), "sslkey": text("clientkey", "")}
    options = {"sslmode": mode, **{key: value for key, value in files.items() if value}}
    place = f"{quote(user, safe='')}:{quote(password, safe='')}@{host}:{port}/{quote(name, safe='')}"
    return Secret(f"postgresql://{place}?{urlencode(options, quote_via=quote)}")


def _remote(settings: _Settings) -> RemoteConfig:
    """The API's address: any path in it is left out, as the original does, which answers at `/dataset` alone."""
    host, port = settings.text("sync.remote.host"), settings.get("sync.remote.port", "sync.remote.post")
    parts = urlsplit(host if "://" in host else f"http://{host}")
    place = f"{parts.hostname}:{port}" if port else parts.netloc.rpartition("@")[2]
    if host and (parts.scheme not in ("http", "https") or not parts.hostname):
        settings.mistakes.append("sync.remote.host: must be an address such as https://host")
    url = f"{parts.scheme}://{place}"
    user, password = settings.text("sync.remote.user"), settings.text("sync.remote.password")
    return RemoteConfig(url, url, user, Secret(password))


def _stores(settings: _Settings, section: str) -> Iterator[tuple[str, StoreConfig]]:
    """The places of a storage section, each with its name in the archive's tables."""
    for number, told in enumerate(_list(settings.get(f"storage.{section}.s3"))):
        yield from _s3(settings, told, f"storage.{section}.s3[{number}]", f"{section}-{number}")
    for number, told in enumerate(_list(settings.get(f"storage.{section}.posix"))):
        path = str(told.get("path") or "")
        if not path.startswith("/"):
            settings.mistakes.append(f"storage.{section}.posix[{number}].path: must be an absolute directory")
            continue
        yield path, StoreConfig(f"{section}-posix-{number}", Address("file", path.rstrip("/") or "/"))


def _s3(settings: _Settings, told: Mapping[str, Any], at: str, name: str) -> Iterator[tuple[str, StoreConfig]]:
    """A server, and its buckets: the prefix with 1, 2, 3 … at its end."""
    endpoint, prefix = str(told.get("endpoint") or ""), str(told.get("bucket_prefix") or told.get("bucket") or "")
    if not endpoint or not prefix:
        settings.mistakes.append(f"{at}: needs its endpoint and its bucket_prefix")
        return
    if "://" not in endpoint:
        endpoint = f"{'http' if str(told.get('disable_https')).lower() == 'true' else 'https'}://{endpoint}"
    options: dict[str, object] = {
        "endpoint": endpoint,
        "region": str(told.get("region") or "us-east-1"),
        "path_style": True,
        "access_key": Secret(str(told.get("access_key") or "")),
        "secret_key": Secret(str(told.get("secret_key") or "")),
    }
    if told.get("ca_cert") or told.get("cacert"):
        options["ca_file"] = str(told.get("ca_cert") or told.get("cacert"))
    count = str(told.get("max_buckets") or 1)
    numbers = range(1, 1 + min(int(count), 1000)) if count.isdigit() else range(1, 2)
    for bucket in [prefix] if told.get("bucket") else [f"{prefix}{number}" for number in numbers]:
        address = Address("s3", bucket, endpoint=realm("s3", endpoint, str(options["region"]), {}))
        yield f"{endpoint}/{bucket}", StoreConfig(f"{name}-{bucket}", address, MappingProxyType(options))


def _list(fields: Any) -> list[Mapping[str, Any]]:
    rows = fields if isinstance(fields, list) else [fields]
    return [{str(key).lower(): value for key, value in row.items()} for row in rows if isinstance(row, Mapping)]


def _lower(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): _lower(value) if isinstance(value, dict) else value for name, value in fields.items()}
