"""An SQLite file that many threads and processes write to."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from bucketrelay.database.queries import Migration, newer
from bucketrelay.errors import StoreRefused, StoreUnavailable

T = TypeVar("T")

_PATIENCE = 30.0  # seconds to wait for another process's transaction; ours take milliseconds
_LATER = ("database is locked", "database table is locked")


class Sqlite:
    """One connection, used by one thread at a time, opened at first use.

    Args:
        path: of the file, which is made where it is missing; its folder is not.
        room: whose tables these are: "queue", "inventory".
        steps: the migrations of that room.
    """

    def __init__(self, path: Path, room: str, steps: Sequence[Migration]) -> None:
        self._path, self._room, self._steps = path, room, steps
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """A transaction that writes: durable when the block ends, undone where it raises.

        Raises:
            StoreUnavailable: another process kept the file for half a minute, or the disk is full.
            StoreRefused: the file cannot be opened, or is none of ours.
        """
        with self._lock, _errors(self._path):
            connection = self._open()
            cursor = connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                cursor.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        """For queries that change nothing."""
        with self._lock, _errors(self._path):
            cursor = self._open().cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def run(self, body: Callable[[sqlite3.Cursor], T]) -> T:
        """Do *body* in a transaction that writes, and return what it returns."""
        with self.transaction() as cursor:
            return body(cursor)

    def close(self) -> None:
        """Close the file; it is opened again at its next use."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")  # what was committed survives a power cut, too
                connection.execute("PRAGMA foreign_keys=ON")
                migrate(connection, self._room, self._steps)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def migrate(connection: sqlite3.Connection, room: str, steps: Sequence[Migration]) -> None:
    """Bring the tables of *room* to the newest version, all steps or none. Raises StoreRefused where they are newer."""
    connection.execute("CREATE TABLE IF NOT EXISTS relay_schema (room TEXT PRIMARY KEY, version INTEGER NOT NULL)")
    if _version(connection, room) == steps[-1].number:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _step(connection, room, steps)
        connection.execute(
            "INSERT INTO relay_schema VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET version = excluded.version",
            (room, steps[-1].number),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has undone it by itself where the disk was full
            connection.execute("ROLLBACK")
        raise


def _step(connection: sqlite3.Connection, room: str, steps: Sequence[Migration]) -> None:
    has = _version(connection, room)  # again: another process may have been quicker
    if has > steps[-1].number:
        raise StoreRefused(newer(room, has))
    for step in steps:
        if step.number > has:
            for statement in _statements(step.text):
                connection.execute(statement)


def _version(connection: sqlite3.Connection, room: str) -> int:
    row = connection.execute("SELECT version FROM relay_schema WHERE room = ?", (room,)).fetchone()
    return int(row[0]) if row else 0


def _statements(text: str) -> Iterator[str]:
    """The statements of a script: `executescript` would commit the transaction that they are to be part of."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """The database's errors as ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error).startswith(_LATER):
            raise StoreUnavailable(f"{path}: another process has kept it locked for {_PATIENCE:g} s") from error
        if "full" in str(error) or "disk I/O" in str(error):
            raise StoreUnavailable(f"{path}: {error}: make room on the disk") from error
        raise StoreRefused(f"{path}: {error}: is the folder there, and may this user write to it?") from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
            raise  # a defect of ours
        raise StoreRefused(f"{path}: {error}: it is no SQLite database, or is damaged: name another file") from error
