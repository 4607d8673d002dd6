"""Reading `[datasets]`: which archive's datasets are synced, and where to."""

from collections.abc import Collection
from datetime import datetime, timezone
from urllib.parse import urlsplit

from bucketrelay.config.copier import read_broker
from bucketrelay.config.queue import shown_url
from bucketrelay.config.reading import Text, did_you_mean, in_quotes
from bucketrelay.config.tables import Table
from bucketrelay.config.values import DatasetsConfig, Offset, RemoteConfig, Secret


def read_datasets(table: Table, stores: Collection[str]) -> DatasetsConfig | None:
    """The section; *stores* are the names of all stores in the file. None after a mistake that leaves too little."""
    broker = read_broker(table, ("amqp", "amqps"))
    queue = table.text("queue", need="name the queue or the stream that mappings come by")
    exchange = table.text("exchange")
    database = _database(table)
    prefix = table.text("center_prefix", need="say how the ids of this centre's datasets begin")
    archive = _store(table, "archive", stores, "name the store that the archive's files are in")
    target = _store(table, "target", stores, "name the store that the partner reads")
    key_file, passphrase = table.file("key_file"), table.secret("passphrase")
    receiver = table.file("receiver_key")
    locations = _locations(table, stores)
    remote = _remote(table.table("remote"))
    offset = _offset(table)
    for name, file in (("key_file", key_file), ("receiver_key", receiver)):
        if file is None and name not in table:
            table.mistake(name, "is missing: name a Crypt4GH key file")
    table.close()
    if not (broker and queue and database and prefix and archive and target and key_file and receiver and remote):
        return None
    return DatasetsConfig(
        broker,
        queue.value,
        exchange.value if exchange else "sda",
        database,
        prefix.value,
        archive,
        target,
        key_file,
        passphrase,
        receiver,
        remote,
        offset,
        locations,
    )


def _offset(table: Table) -> Offset:
    """Where a stream is begun. A time may be TOML's own or a text; without a zone it is UTC's."""
    told = table.value("offset")
    if not isinstance(told, datetime):
        text = table.text("offset")
        told = text.value if text else "first"
    if told in ("first", "next"):
        return "next" if told == "next" else "first"
    try:
        moment = datetime.fromisoformat(str(told).replace("Z", "+00:00"))
    except ValueError:
        table.mistake("offset", 'must be "first", "next", or a time such as "2026-11-29T00:00:00Z"')
        return "first"
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _database(table: Table) -> Secret | None:
    if table.lacks("database"):
        return Secret("postgresql://host/sda")
    text = table.url("database", need="say where the archive's database is, postgresql://user:${PASSWORD}@host/sda")
    if text and urlsplit(text.value).scheme not in ("postgresql", "postgres"):
        table.mistake(
            "database", 'is no PostgreSQL database\'s URL: write "postgresql://user:${PASSWORD}@host:5432/sda"'
        )
        return None
    return Secret(text.value) if text else None


def _store(table: Table, key: str, stores: Collection[str], need: str) -> str:
    text = table.text(key, need=need)
    return text.value if text and _known(table, key, text, stores) else ""


def _known(table: Table, key: str, name: Text, stores: Collection[str]) -> bool:
    if name.value not in stores:
        table.mistake(key, f"no store is named {in_quotes(name.written)}{did_you_mean(name.written, stores)}")
    return name.value in stores


def _locations(table: Table, stores: Collection[str]) -> dict[str, str]:
    """Where the archive has several places: a place's name in its tables = a store's name here."""
    below = table.table("archive_location")
    return {name: text.value for name in below if (text := below.text(name)) and _known(below, name, text, stores)}


def _remote(table: Table) -> RemoteConfig | None:
    url = None if table.lacks("url") else table.url("url", need="say where the receiving end's API is")
    user, password = table.text("user", need="name the user that we are there"), table.secret("password")
    trusted = table.file("ca_file")
    if "password" not in table:
        table.mistake("password", "is missing: give the user's password")
    table.close()
    if url is None or user is None or password is None:
        return RemoteConfig("https://host", "", "", Secret("")) if table.lacks("url") else None
    if urlsplit(url.value).scheme not in ("http", "https") or "@" in urlsplit(url.value).netloc:
        table.mistake("url", "must be an address such as https://host[:port][/path], without user and password")
        return None
    return RemoteConfig(url.value.rstrip("/"), shown_url(url.written), user.value, password, trusted)
