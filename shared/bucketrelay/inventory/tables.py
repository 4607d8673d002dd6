"""The inventory's tables, in either database: one query language for both, as far as these queries go."""

import re
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import groupby
from typing import Any, Protocol, TypeVar

from bucketrelay.abilities import Version
from bucketrelay.database.queries import queries
from bucketrelay.values import dataclass, field

T = TypeVar("T")
_PLACEHOLDER = re.compile(r"(?<![:\w]):(\w+)")


class Cursor(Protocol):
    """What both databases' cursors have in common."""

    def execute(self, query: Any, values: Any = ..., /) -> Any:
        """Run a query."""

    def fetchall(self) -> list[Any]:
        """Its rows."""


class Database(Protocol):
    """A transaction at a time."""

    def run(self, body: Callable[[Any], T]) -> T:
        """Do *body* with a cursor, in a transaction; perhaps again, where the connection breaks."""

    def close(self) -> None:
        """Let go."""


@dataclass(frozen=True, slots=True)
class Row:
    """A version as the tables have it."""

    id: str
    version: str  # "" where the store keeps none
    mime: str
    marker: bool
    etag: str
    size: int
    latest: bool
    modified: str  # ISO 8601 in UTC

    def is_of(self, version: Version) -> bool:
        """Whether it is that very version, whichever is the latest now: what was asked of it still holds."""
        return (self.etag, self.size, self.modified) == (version.etag, version.size, moment(version.modified))

    def equals(self, version: Version) -> bool:
        """Whether nothing that a listing tells has changed."""
        mine = (self.version, self.marker, self.etag, self.size, self.latest, self.modified)
        return mine == (
            version.version,
            version.marker,
            version.etag,
            version.size,
            version.latest,
            moment(version.modified),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A version as the store has it, with what was asked of it: None where it was not."""

    version: Version
    mime: str | None = None
    tags: Mapping[str, str] | None = None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a write changed."""

    object: bool = False
    versions: int = 0


@dataclass
class Tables:
    """The tables."""

    database: Database
    postgres: bool
    _sql: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        statements = queries("bucketrelay.inventory.sql", "queries.sql")
        self._sql = (
            {name: _PLACEHOLDER.sub(r"%(\1)s", text) for name, text in statements.items()}
            if self.postgres
            else statements
        )

    def rows(self, store: str, path: str) -> tuple[str, list[Row]] | None:
        """The object's id and its versions; None where there is no such object."""

        def body(cursor: Cursor) -> tuple[str, list[Row]] | None:
            number = self._one(cursor, "find", store=store, path=path)
            return None if number is None else (number, self._versions(cursor, number))

        return self.database.run(body)

    def pages(self, store: str, prefix: str) -> Iterator[tuple[str, list[Row]]]:
        """All objects of a store below *prefix* with their versions, ascending by UTF-8 bytes."""
        after = ""
        while True:
            rows = self._ask("page", store=store, prefix=prefix, after=after)
            for path, some in groupby(rows, key=lambda row: str(row[0])):
                if not path.startswith(prefix):
                    return
                after = path
                yield path, [_row(row[1:]) for row in some if row[1] is not None]
            if not rows:
                return

    def place(self, number: str) -> tuple[str, str] | None:
        """The store and the path of an object."""
        rows = self._ask("place", id=number)
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def count(self, store: str) -> int:
        """How many objects of a store there are."""
        return int(self._ask("count", store=store)[0][0])

    def stores(self) -> frozenset[str]:
        """The stores that have been taken stock of."""
        return frozenset(str(row[0]) for row in self._ask("stores"))

    def ask(self, store: str) -> None:
        """Note that a store is taken stock of: from now on its events keep it right."""
        self.database.run(lambda cursor: self._do(cursor, "ask", store=store))

    def drop(self, store: str, path: str) -> bool:
        """Remove an object with all its versions, and the words that nothing else says; whether there was one."""

        def body(cursor: Cursor) -> bool:
            number = self._one(cursor, "find", store=store, path=path)
            if number is None:
                return False
            words = [
                (kind, key, value)
                for row in self._versions(cursor, number)
                for kind in ("tag", "metadata")
                for key, value in self._words(cursor, kind, row.id).items()
            ]
            self._do(cursor, "drop_object", store=store, path=path)
            for kind, key, value in words:
                self._do(cursor, f"prune_{kind}", key=key, value=value)
            return True

        return self.database.run(body)

    def write(self, store: str, path: str, wanted: str, entries: Sequence[Found]) -> Change:
        """Make the object's rows equal to *entries*; *wanted* is the id of a new object."""

        def body(cursor: Cursor) -> Change:
            name = path.rstrip("/").rpartition("/")[2] or path
            new = self._one(cursor, "find", store=store, path=path) is None
            number = str(self._one(cursor, "put_object", id=wanted, store=store, path=path, name=name))
            old = {row.version: row for row in self._versions(cursor, number)}
            changed = sum(self._write(cursor, number, old.pop(each.version.version, None), each) for each in entries)
            for row in old.values():
                self._drop_version(cursor, row)
            return Change(new, changed + len(old))

        return self.database.run(body)

    def _write(self, cursor: Cursor, number: str, old: Row | None, entry: Found) -> bool:
        version = entry.version
        values = {
            "id": old.id if old else str(uuid.uuid4()),
            "object": number,
            "version": version.version or None,  # as COMS has it: NULL where the store keeps none
            "mime": entry.mime if entry.mime is not None else old.mime if old else "",
            "marker": version.marker,
            "etag": version.etag,
            "size": version.size,
            "latest": version.latest,
            "modified": moment(version.modified),
        }
        same = old is not None and old.equals(version) and old.mime == values["mime"]
        if not same:
            self._do(cursor, "change_version" if old else "add_version", **values)
        for kind, words in (("tag", entry.tags), ("metadata", entry.metadata)):
            if words is not None:
                self._relate(cursor, kind, str(values["id"]), words)
        return not same

    def _relate(self, cursor: Cursor, kind: str, version: str, wanted: Mapping[str, str]) -> None:
        """Make the words of a version those that are wanted: what is gone is unlinked, what is new linked."""
        has = self._words(cursor, kind, version)
        for key, value in has.items() - wanted.items():
            self._do(cursor, f"unlink_{kind}", version=version, key=key, value=value)
            self._do(cursor, f"prune_{kind}", key=key, value=value)
        for key, value in sorted(wanted.items() - has.items()):
            self._do(cursor, f"add_{kind}", id=str(uuid.uuid4()), key=key, value=value)
            word = self._one(cursor, f"find_{kind}", key=key, value=value)
            self._do(cursor, f"link_{kind}", version=version, word=word)

    def _drop_version(self, cursor: Cursor, row: Row) -> None:
        words = {kind: self._words(cursor, kind, row.id) for kind in ("tag", "metadata")}
        self._do(cursor, "drop_version", id=row.id)
        for kind, pairs in words.items():
            for key, value in pairs.items():
                self._do(cursor, f"prune_{kind}", key=key, value=value)

    def _words(self, cursor: Cursor, kind: str, version: str) -> dict[str, str]:
        return dict(self._all(cursor, "tags" if kind == "tag" else "metadata", id=version))

    def _versions(self, cursor: Cursor, number: str) -> list[Row]:
        return [_row(row) for row in self._all(cursor, "versions", object=number)]

    def faces(self, scope: str, after: str, last: str) -> dict[str, str]:
        """What is remembered of the next thousand pairs behind *after*, up to *last*; see `drivers.reconcile`."""
        return {str(key): str(face) for key, face in self._ask("pairs", scope=scope, after=after, last=last)}

    def drop_faces(self, scope: str, keys: Collection[str]) -> None:
        """Forget pairs."""

        def body(cursor: Cursor) -> None:
            for key in sorted(keys):
                self._do(cursor, "drop_pair", scope=scope, key=key)

        self.database.run(body)

    def keep_faces(self, scope: str, faces: Mapping[str, str]) -> None:
        """Remember pairs."""

        def body(cursor: Cursor) -> None:
            for key, face in sorted(faces.items()):
                self._do(cursor, "keep_pair", scope=scope, key=key, face=face)

        self.database.run(body)

    def _ask(self, query: str, **values: object) -> list[Any]:
        return self.database.run(lambda cursor: self._all(cursor, query, **values))

    def _all(self, cursor: Cursor, query: str, **values: object) -> list[Any]:
        cursor.execute(self._sql[query], values)
        return list(cursor.fetchall())

    def _one(self, cursor: Cursor, query: str, **values: object) -> str | None:
        rows = self._all(cursor, query, **values)
        return str(rows[0][0]) if rows else None

    def _do(self, cursor: Cursor, query: str, **values: object) -> None:
        cursor.execute(self._sql[query], values)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def moment(time: datetime | None) -> str:
    """A time as it stands in the tables, in which texts compare as times."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if time else ""


def _row(row: Iterable[Any]) -> Row:
    number, version, mime, marker, etag, size, latest, modified = row
    return Row(number, version or "", mime, bool(marker), etag, int(size), bool(latest), modified or "")
