"""Reading `[queue]`: where jobs wait, and how patient it is."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from bucketrelay.config.reading import Text
from bucketrelay.config.tables import Table
from bucketrelay.config.values import QueueConfig, Secret

_FORMS = 'write "sqlite:///relay.db", or "postgresql://user:${PASSWORD}@host:5432/database"'
_POSTGRES = ("postgresql", "postgres")


def read_queue(table: Table) -> QueueConfig:
    """The section, with its defaults for what is not given."""
    lease, attempts = table.duration("lease", 1, 86_400), table.whole("attempts", 1, 1000)
    usual = QueueConfig()
    text = None if table.lacks("url") else table.text("url")  # what connects to nothing has no use for it
    if text and not text.value.startswith("sqlite:"):
        text = table.url("url")
    url, path, shown = _place(table, text) if text else (None, table.reading.folder / usual.path, usual.shown)
    table.close()
    return QueueConfig(url, path, shown, usual.lease if lease is None else lease, attempts or usual.attempts)


def _place(table: Table, text: Text) -> tuple[Secret | None, Path, str]:
    scheme, separator, rest = text.value.partition("://")
    usual = table.reading.folder / QueueConfig().path
    if scheme == "sqlite" and separator:
        # As SQLAlchemy has it: three slashes and a relative path, four for an absolute one.
        if not rest.startswith("/") or not rest[1:] or rest.endswith("/") or "?" in rest:
            table.mistake("url", f"is no SQLite file's URL: {_FORMS}")
        return None, table.reading.folder / rest[1:], text.written
    if scheme not in _POSTGRES or not separator:
        table.mistake("url", f"is no database's URL: {_FORMS}")
    elif not _is_sound(text.value):
        table.mistake("url", f"is no PostgreSQL server's URL: {_FORMS}; a password's @ and / are written %40 and %2F")
    return Secret(text.value), usual, shown_url(text.written)


def _is_sound(url: str) -> bool:
    """Whether libpq can read it: one user, numbers for ports, a database. Several hosts are one URL to it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    user, _, hosts = parts.netloc.rpartition("@")
    ports = [re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@]*)(:[0-9]{1,5})?", host) for host in hosts.split(",")]
    return all(ports) and "@" not in user and len(parts.path) > 1 and "/" not in parts.path[1:] and not parts.fragment


def shown_url(written: str) -> str:
    """A URL for messages: as it stands in the file, without user, password and options."""
    scheme, separator, rest = written.partition("://")
    if not separator:
        return written if re.fullmatch(r"\$\{\w+\}", written) else "the URL"
    place, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"
