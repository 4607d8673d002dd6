"""A PostgreSQL server: connections that are made anew when they break, and transactions that are done again."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from bucketrelay.database.queries import Migration, newer
from bucketrelay.errors import StoreRefused, StoreUnavailable

T = TypeVar("T")
Cursor = psycopg.Cursor[tuple[Any, ...]]
Connection = psycopg.Connection[tuple[Any, ...]]

# Seconds between one try and the next of a transaction whose connection broke: together longer than a server takes to
# be restarted on a quiet machine, shorter than a worker's lease.
_PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
_IDLE = 8  # connections kept open
_LOCK = 0x6275636B  # "buck": the advisory lock under which tables are migrated
# A peer that is gone without a word is noticed within a minute, on both sides.
_KEEPALIVE = {
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 50_000,
    "connect_timeout": 10,
    "application_name": "bucketrelay",
}
_SESSION = "SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = '300s'"
# The transaction had no effect, and may well have one the next time: PostgreSQL's own words for it, and what a server
# says that ends, starts, or has become a standby.
_AGAIN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
    errors.ForeignKeyViolation,  # another transaction has just removed what this one links to, as nothing did
    errors.UniqueViolation,  # or has just added the same
)
_REFUSED = (  # libpq gives no code for these
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "root certificate",
    "certificate verify failed",
    "server does not support SSL",
)


class Postgres:
    """Connections to one database, made when they are needed and kept for the next.

    Args:
        url: postgresql://…, with its password.
        shown: the same for messages, without it.
        room: whose tables these are: "queue", "inventory".
        steps: the migrations of that room; none where the tables are somebody else's.
        sleep: waits between tries.
    """

    def __init__(
        self,
        url: str,
        shown: str,
        room: str,
        steps: Sequence[Migration],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url, self._shown, self._room, self._steps, self._sleep = url, shown, room, steps, sleep
        self._idle: list[Connection] = []
        self._migrated = False
        self._lock = threading.Lock()

    def run(self, body: Callable[[Cursor], T]) -> T:
        """Do *body* in a transaction and return what it returns; done again where the connection breaks.

        What was committed when the connection broke is then done twice: *body* must bear that.

        Raises:
            StoreUnavailable: the server cannot be reached, or not for long enough.
            StoreRefused: it does not want us: the password, a permission, the tables' version.
        """
        for pause in (*_PAUSES, None):
            try:
                return self._once(body)
            except _AGAIN as error:
                if _refuses(error):
                    raise StoreRefused(f"{self._shown}: {_line(error)}") from error
                if pause is None:
                    raise StoreUnavailable(f"{self._shown}: {_line(error)}") from error
                self._sleep(pause)
            except (errors.InsufficientPrivilege, errors.UndefinedTable, errors.DiskFull) as error:
                raise StoreRefused(f"{self._shown}: {_line(error)}") from error
        raise AssertionError

    def _once(self, body: Callable[[Cursor], T]) -> T:
        connection = self._take()
        try:
            with connection.cursor() as cursor:
                result = body(cursor)
            connection.commit()
        except BaseException:
            connection.close()  # whatever it was in the middle of is undone by the server
            raise
        with self._lock:
            if len(self._idle) < _IDLE:
                self._idle.append(connection)
                return result
        connection.close()
        return result

    def _take(self) -> Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        connection = psycopg.connect(self._url, **_missing(self._url))
        try:
            connection.execute(_SESSION)
            connection.commit()
            if self._steps and not self._migrated:
                migrate(connection, self._room, self._steps)
                self._migrated = True
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connections; new ones are made when they are needed."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def migrate(connection: Connection, room: str, steps: Sequence[Migration]) -> None:
    """Bring the tables of *room* to the newest version, all steps or none. Raises StoreRefused where they are newer."""
    with connection.transaction(), connection.cursor() as cursor:
        if _version(cursor, room) == steps[-1].number:
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        cursor.execute("CREATE TABLE IF NOT EXISTS relay_schema (room text PRIMARY KEY, version integer NOT NULL)")
        has = _version(cursor, room)  # again: another process may have been quicker
        if has > steps[-1].number:
            raise StoreRefused(newer(room, has))
        for step in steps:
            if step.number > has:
                cursor.execute(step.text.encode())
        cursor.execute(
            "INSERT INTO relay_schema VALUES (%s, %s) ON CONFLICT (room) DO UPDATE SET version = excluded.version",
            (room, steps[-1].number),
        )


def _version(cursor: Cursor, room: str) -> int:
    cursor.execute("SELECT to_regclass('relay_schema') IS NOT NULL")
    if not (cursor.fetchone() or (False,))[0]:
        return 0
    cursor.execute("SELECT version FROM relay_schema WHERE room = %s", (room,))
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def _missing(url: str) -> dict[str, Any]:
    """The options that we want of a connection and that its URL says nothing of."""
    given = psycopg.conninfo.conninfo_to_dict(url)
    wanted: dict[str, Any] = dict(_KEEPALIVE)
    if "," in str(given.get("host", "")):  # several servers, of which one can be written to
        wanted["target_session_attrs"] = "read-write"
    return {name: value for name, value in wanted.items() if name not in given}


def _refuses(error: psycopg.Error) -> bool:
    return error.sqlstate is None and any(words in str(error) for words in _REFUSED)


def _line(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
