"""The queue in an SQLite file: nothing to install, for all the processes of one machine."""

import json
import random
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bucketrelay.database.queries import migrations, queries
from bucketrelay.database.sqlite import Sqlite
from bucketrelay.database.text import plain
from bucketrelay.jobs.moves import Move, move
from bucketrelay.jobs.queue import Counts, Ending, Intake, Job, NewJob, Policy, Record, Room, State
from bucketrelay.jobs.rows import counts_of, dumps, job_of, record_of, silent, total
from bucketrelay.jobs.share import Head, Share

_SQL = queries("bucketrelay.jobs.sql", "sqlite.sql")
_AT_ONCE = 1000  # jobs in a transaction: others wait for its end


class SqliteQueue:
    """A JobQueue in a file.

    Args:
        path: of the file; made where it is missing.
        scatter: a number in [0, 1) for each retry.
    """

    def __init__(self, path: Path, policy: Policy | None = None, scatter: Callable[[], float] = random.random) -> None:
        self._policy, self._scatter = policy or Policy(), scatter
        self._database = Sqlite(path, "queue", migrations("bucketrelay.jobs.sql", "sqlite"))

    def enqueue(self, jobs: Iterable[NewJob]) -> Intake:
        """See JobQueue."""
        rest, rows = iter(jobs), []
        while some := list(islice(rest, _AT_ONCE)):
            with self._database.transaction() as cursor:
                now = _now(cursor)
                rows += [_enqueue(cursor, job, now) for job in some]
        new = sum(fresh for _, fresh in rows)
        return Intake(new, len(rows) - new, tuple(number for number, _ in rows))

    def claim(
        self, limit: int, *, kinds: Collection[str] | None = None, room: Room = lambda _: 2**31
    ) -> tuple[Job, ...]:
        """See JobQueue."""
        with self._database.transaction() as cursor:
            if limit < 1 or _one(cursor, "paused", {}):
                return ()
            now = _now(cursor)
            values = {
                "lease": secrets.token_hex(8),
                "now": now,
                "seconds": self._policy.lease,
                "kinds": None if kinds is None else json.dumps(sorted(kinds)),
            }

            def take(head: Head, most: int) -> list[tuple[Any, ...]]:
                wanted = {**values, "queue": head.queue, "priority": head.priority, "limit": most}
                return cursor.execute(_SQL["claim"], wanted).fetchall()

            heads = [head for head in _heads(cursor) if head.first <= now]
            return tuple(self._alive(cursor, Share(limit, room, take).among(heads)))

    def _alive(self, cursor: sqlite3.Cursor, rows: list[tuple[Any, ...]]) -> Iterator[Job]:
        """The jobs in *rows* that may be tried. Those whose worker fell silent in the last attempt are made dead."""
        for row in rows:
            job, error = job_of(row), str(row[-1])
            if job.attempts <= self._policy.attempts:
                yield job
            else:
                words = silent(job.attempts - 1, self._policy.lease, error)
                cursor.execute(_SQL["bury"], _row(job, Move(attempts=job.attempts - 1, error=words), _now(cursor)))

    def extend(self, jobs: Sequence[Job]) -> frozenset[int]:
        """See JobQueue."""
        with self._database.transaction() as cursor:
            now, seconds = _now(cursor), self._policy.lease
            rows = [{"id": job.id, "lease": job.lease, "now": now, "seconds": seconds} for job in jobs]
            return frozenset(
                job.id for job, row in zip(jobs, rows, strict=True) if cursor.execute(_SQL["extend"], row).rowcount
            )

    def settle(self, endings: Sequence[tuple[Job, Ending]]) -> tuple[State, ...]:
        """See JobQueue."""
        with self._database.transaction() as cursor:
            now = _now(cursor)
            return tuple(self._settle(cursor, job, ending, now) for job, ending in endings)

    def _settle(self, cursor: sqlite3.Cursor, job: Job, ending: Ending, now: float) -> State:
        to = move(job, ending, self._policy, self._scatter())
        row = _row(job, to, now)
        if to.gone:
            state = State.FAILED if to.failed else State.DONE
            if _one(cursor, "is_kept", row):
                cursor.execute(_SQL["forget_results"], {"before": now - self._policy.keep})
                cursor.execute(_SQL["keep_result"], {**row, "state": state.value})
            query = "finish"
        else:
            query, state = ("bury", State.DEAD) if to.dead else ("put_back", State.WAITING)
        if cursor.execute(_SQL[query], row).rowcount:
            return state
        return State.WAITING if cursor.execute(_SQL["begin_anew"], row).rowcount else State.LOST

    def counts(self, queue: str = "") -> Counts:
        """See JobQueue."""
        rows, paused = self._counts(queue)
        return total([counts_of(row, paused=paused) for row in rows], paused=paused)

    def queues(self) -> Mapping[str, Counts]:
        """See JobQueue."""
        rows, paused = self._counts("")
        return {str(row[0]): counts_of(row, paused=paused) for row in rows}

    def _counts(self, queue: str) -> tuple[list[tuple[Any, ...]], bool]:
        with self._database.reading() as cursor:
            rows = cursor.execute(_SQL["counts"], {"queue": queue, "now": _now(cursor)}).fetchall()
            return rows, bool(_one(cursor, "paused", {}))

    def dead(self) -> Iterator[Record]:
        """See JobQueue."""
        place: tuple[object, object] = (-1.0, 0)
        while True:
            with self._database.reading() as cursor:
                rows = cursor.execute(_SQL["dead"], {"at": place[0], "id": place[1]}).fetchall()
            if not rows:
                return
            yield from (record_of((*row[:7], "dead")) for row in rows)
            place = rows[-1][7], rows[-1][0]

    def deaths(self, since: float) -> int:
        """See JobQueue."""
        with self._database.reading() as cursor:
            return int(str(_one(cursor, "died", {"since": since})))

    def retry(self, keys: Collection[str] | None) -> int:
        """See JobQueue."""
        with self._database.transaction() as cursor:
            wanted = None if keys is None else json.dumps([plain(key) for key in keys])
            return cursor.execute(_SQL["retry"], {"keys": wanted, "now": _now(cursor)}).rowcount

    def pause(self, paused: bool) -> None:
        """See JobQueue."""
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["pause"], {"value": "yes" if paused else "no"})

    def get(self, number: int) -> Record | None:
        """See JobQueue."""
        if not 0 <= number < 2**63:
            return None
        with self._database.reading() as cursor:
            row = cursor.execute(_SQL["get"], {"id": number, "now": _now(cursor)}).fetchone()
            if row is None:
                row = cursor.execute(_SQL["get_ended"], {"id": number}).fetchone()
        return record_of(row) if row else None

    def now(self) -> float:
        """See JobQueue."""
        with self._database.reading() as cursor:
            return _now(cursor)

    def fire(self, name: str, due: Callable[[float | None, float], float | None], job: NewJob) -> bool:
        """See JobQueue."""
        with self._database.transaction() as cursor:
            now = _now(cursor)
            last = _one(cursor, "last_run", {"name": name})
            at = due(None if last is None else float(str(last)), now)
            if at is not None or last is None:
                cursor.execute(_SQL["set_last_run"], {"name": name, "at": now if at is None else at})
            if at is not None:
                _enqueue(cursor, job, now)
            return at is not None

    def close(self) -> None:
        """See JobQueue."""
        self._database.close()


def _now(cursor: sqlite3.Cursor) -> float:
    return float(cursor.execute(_SQL["now"]).fetchone()[0])


def _heads(cursor: sqlite3.Cursor) -> Iterator[Head]:
    row = cursor.execute(_SQL["first_head"]).fetchone()
    while row:
        yield Head(*row)
        row = cursor.execute(_SQL["next_head"], {"queue": row[0], "priority": row[1]}).fetchone()


def _one(cursor: sqlite3.Cursor, query: str, values: Mapping[str, object]) -> object:
    row = cursor.execute(_SQL[query], dict(values)).fetchone()
    return row[0] if row else None


def _enqueue(cursor: sqlite3.Cursor, job: NewJob, now: float) -> tuple[int, bool]:
    row = {
        "queue": job.queue,
        "key": plain(job.key),
        "kind": job.kind,
        "payload": dumps(job.payload),
        "told": job.told,
        "priority": job.priority,
        "keep": job.keep,
        "delay": job.delay,
        "now": now,
    }
    number, new = cursor.execute(_SQL["enqueue"], row).fetchone()
    return int(number), bool(new)


def _row(job: Job, to: Move, now: float) -> dict[str, object]:
    return {
        "id": job.id,
        "lease": job.lease,
        "generation": job.generation,
        "queue": job.queue,
        "key": job.key,
        "kind": job.kind,
        "attempts": job.attempts if to.gone else to.attempts,
        "unsettled": to.unsettled,
        "error": plain(to.error, most=None),
        "result": dumps(to.result),
        "delay": to.delay,
        "now": now,
    }
