"""The queue in PostgreSQL: for workers on many machines, and for more than one disk can commit."""

import random
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from bucketrelay.database.postgres import Cursor, Postgres
from bucketrelay.database.queries import migrations, queries
from bucketrelay.database.text import plain
from bucketrelay.jobs.moves import Move, move
from bucketrelay.jobs.queue import Counts, Ending, Intake, Job, NewJob, Policy, Record, Room, State, older
from bucketrelay.jobs.rows import counts_of, dumps, job_of, record_of, silent, total
from bucketrelay.jobs.share import Head, Share
from bucketrelay.values import dataclass, field

_SQL = {name: text.encode() for name, text in queries("bucketrelay.jobs.sql", "postgres.sql").items()}
_AT_ONCE = 2000  # jobs in a statement
_FRESH = 1.0  # seconds for which a claimer relies on what it has seen of the index
_NEVER = float("-inf")


class PostgresQueue:
    """A JobQueue in a PostgreSQL database.

    Args:
        url: postgresql://…, with its password.
        shown: the same for messages, without it.
        scatter: a number in [0, 1) for each retry.
    """

    def __init__(
        self,
        url: str,
        shown: str,
        policy: Policy | None = None,
        scatter: Callable[[], float] = random.random,
    ) -> None:
        self._policy, self._scatter = policy or Policy(), scatter
        self._database = Postgres(url, shown, "queue", migrations("bucketrelay.jobs.sql", "postgres"))
        self._seen = _Seen()

    def enqueue(self, jobs: Iterable[NewJob]) -> Intake:
        """See JobQueue."""
        rest, numbers, new = iter(jobs), [], 0
        while some := list(islice(rest, _AT_ONCE)):
            ids, fresh = self._database.run(partial(_enqueue, jobs=some))
            numbers += ids
            new += fresh
            if not {(job.queue, job.priority) for job in some} <= {(h.queue, h.priority) for h in self._seen.heads}:
                self._seen = _Seen()
        return Intake(new, len(numbers) - new, tuple(numbers))

    def claim(
        self, limit: int, *, kinds: Collection[str] | None = None, room: Room = lambda _: 2**31
    ) -> tuple[Job, ...]:
        """See JobQueue."""
        if limit < 1:
            return ()
        return self._database.run(lambda cursor: self._claim(cursor, limit, kinds, room))

    def _claim(self, cursor: Cursor, limit: int, kinds: Collection[str] | None, room: Room) -> tuple[Job, ...]:
        seen, wanted_kinds = self._look(cursor), None if kinds is None else tuple(sorted(kinds))
        values = {
            "lease": secrets.token_hex(8),
            "seconds": self._policy.lease,
            "kinds": None if wanted_kinds is None else list(wanted_kinds),
        }

        def take(head: Head, most: int) -> list[tuple[Any, ...]]:
            place = head, wanted_kinds  # by kinds: a worker of other kinds may take what this one has passed over
            wanted = {**values, "queue": head.queue, "priority": head.priority, "limit": most}
            got = cursor.execute(_SQL["claim"], {**wanted, "floor": seen.floors.get(place, _NEVER)}).fetchall()
            if got:
                seen.floors[place] = min(float(row[-1]) for row in got)
            return got

        rows = Share(limit, room, take).among(seen.heads)
        if len(rows) < limit:  # what lies below the floors, or has come since, is not overlooked for long
            self._seen = _Seen()
        return self._alive(cursor, rows)

    def _look(self, cursor: Cursor) -> "_Seen":
        """The queues that have something to do, and from which moment on each is looked through.

        The index keeps an entry of every job that has been claimed until vacuum takes it away, which it cannot while
        any transaction anywhere in the database is older. Without a floor each claim would step over all of them.
        """
        now = time.monotonic()
        if now - self._seen.at > _FRESH:
            heads = tuple(Head(*row) for row in cursor.execute(_SQL["heads"]).fetchall())
            self._seen = _Seen(now, heads)
        return self._seen

    def _alive(self, cursor: Cursor, rows: list[tuple[Any, ...]]) -> tuple[Job, ...]:
        """The jobs in *rows* that may be tried. Those whose worker fell silent in the last attempt are made dead."""
        jobs = [(job_of(row), str(row[-2])) for row in rows]
        alive = tuple(job for job, _ in jobs if job.attempts <= self._policy.attempts)
        moves = [
            (job, Move(dead=True, attempts=job.attempts - 1, error=silent(job.attempts - 1, self._policy.lease, error)))
            for job, error in jobs
            if job.attempts > self._policy.attempts
        ]
        if moves:
            _update(cursor, "bury", moves)
        return alive

    def extend(self, jobs: Sequence[Job]) -> frozenset[int]:
        """See JobQueue."""
        values = {"ids": [job.id for job in jobs], "leases": [job.lease for job in jobs], "seconds": self._policy.lease}
        rows = self._database.run(lambda cursor: cursor.execute(_SQL["extend"], values).fetchall())
        return frozenset(int(row[0]) for row in rows)

    def settle(self, endings: Sequence[tuple[Job, Ending]]) -> tuple[State, ...]:
        """See JobQueue."""
        # In the order in which `enqueue` locks the same rows, so that the two never wait for one another.
        ordered = sorted(endings, key=lambda pair: (pair[0].queue, pair[0].key))
        moves = [(job, move(job, ending, self._policy, self._scatter())) for job, ending in ordered]
        states = self._database.run(lambda cursor: self._settle(cursor, moves))
        return tuple(states.get(job.id, State.LOST) for job, _ in endings)

    def _settle(self, cursor: Cursor, moves: Sequence[tuple[Job, Move]]) -> dict[int, State]:
        gone = [(job, to) for job, to in moves if to.gone]
        dead = [(job, to) for job, to in moves if to.dead]
        back = [(job, to) for job, to in moves if not to.gone and not to.dead]
        states: dict[int, State] = {}
        if gone:
            ended = {job.id: State.FAILED if to.failed else State.DONE for job, to in gone}
            rows = _update(cursor, "finish", gone)
            states |= {int(row[0]): ended[int(row[0])] for row in rows}
            if any(row[1] for row in rows):
                cursor.execute(_SQL["forget_results"], {"seconds": self._policy.keep})
        if dead:
            states |= {int(row[0]): State.DEAD for row in _update(cursor, "bury", dead)}
        if back:
            states |= {int(row[0]): State.WAITING for row in _update(cursor, "put_back", back)}
        if missing := [(job, to) for job, to in (*gone, *dead) if job.id not in states]:
            states |= {int(row[0]): State.WAITING for row in _update(cursor, "begin_anew", missing)}
        return states

    def counts(self, queue: str = "") -> Counts:
        """See JobQueue."""
        rows, paused = self._database.run(lambda cursor: _counts(cursor, queue))
        return total([counts_of(row, paused=paused) for row in rows], paused=paused)

    def queues(self) -> Mapping[str, Counts]:
        """See JobQueue."""
        rows, paused = self._database.run(lambda cursor: _counts(cursor, ""))
        return {str(row[0]): counts_of(row, paused=paused) for row in rows}

    def dead(self) -> Iterator[Record]:
        """See JobQueue."""
        place: dict[str, object] = {"at": _NEVER, "id": 0}
        while rows := self._rows("dead", place):
            yield from (record_of((*row[:7], "dead")) for row in rows)
            place = {"at": rows[-1][7], "id": rows[-1][0]}

    def deaths(self, since: float) -> int:
        """See JobQueue."""
        return int(self._rows("died", {"since": since})[0][0])

    def retry(self, keys: Collection[str] | None) -> int:
        """See JobQueue."""
        wanted = {"keys": None if keys is None else [plain(key) for key in keys]}
        return self._database.run(lambda cursor: cursor.execute(_SQL["retry"], wanted).rowcount)

    def pause(self, paused: bool) -> None:
        """See JobQueue."""
        value = {"value": "yes" if paused else "no"}
        self._database.run(lambda cursor: cursor.execute(_SQL["pause"], value).rowcount)

    def get(self, number: int) -> Record | None:
        """See JobQueue."""
        rows = self._rows("get", {"id": number}) if 0 <= number < 2**63 else []
        return record_of(rows[0]) if rows else None

    def now(self) -> float:
        """See JobQueue."""
        return float(self._rows("now", {})[0][0])

    def _rows(self, query: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        return self._database.run(lambda cursor: list(cursor.execute(_SQL[query], dict(values)).fetchall()))

    def fire(self, name: str, due: Callable[[float | None, float], float | None], job: NewJob) -> bool:
        """See JobQueue."""
        return self._database.run(lambda cursor: _fire(cursor, name, due, job))

    def close(self) -> None:
        """See JobQueue."""
        self._database.close()


@dataclass
class _Seen:
    """What the last claims saw of the index."""

    at: float = _NEVER
    heads: tuple[Head, ...] = ()
    floors: dict[tuple[Head, tuple[str, ...] | None], float] = field(default_factory=dict)


def _enqueue(cursor: Cursor, jobs: Sequence[NewJob]) -> tuple[list[int], int]:
    """The ids of the rows, in order, and how many of them are new."""
    given: dict[tuple[str, str], NewJob] = {}
    for job in jobs:
        name = job.queue, plain(job.key)
        if name not in given or not older(job, given[name]):
            given[name] = job
    # In one order everywhere, so that two who put in the same keys never wait for one another.
    rows = sorted(given.items())
    values = {
        "queues": [queue for (queue, _), _ in rows],
        "keys": [key for (_, key), _ in rows],
        "kinds": [job.kind for _, job in rows],
        "payloads": [dumps(job.payload) for _, job in rows],
        "told": [job.told for _, job in rows],
        "priorities": [int(job.priority) for _, job in rows],
        "keeps": [bool(job.keep) for _, job in rows],
        "delays": [float(job.delay) for _, job in rows],
    }
    got = cursor.execute(_SQL["enqueue"], values).fetchall()
    numbers = {(row[1], row[2]): int(row[0]) for row in got}
    return [numbers[job.queue, plain(job.key)] for job in jobs], sum(bool(row[3]) for row in got)


def _update(cursor: Cursor, query: str, moves: Sequence[tuple[Job, Move]]) -> list[tuple[Any, ...]]:
    values = {name: [column(job, to) for job, to in moves] for name, column in _COLUMNS[query].items()}
    return list(cursor.execute(_SQL[query], values).fetchall())


_Column = Callable[[Job, Move], object]
_HELD: Mapping[str, _Column] = {"ids": lambda job, _: job.id, "leases": lambda job, _: job.lease}
# Of each query what it asks for, and no more: a settlement of a thousand jobs is made of these lists.
_COLUMNS: Mapping[str, Mapping[str, _Column]] = {
    "finish": {
        **_HELD,
        "generations": lambda job, _: job.generation,
        "states": lambda _, to: (State.FAILED if to.failed else State.DONE).value,
        "results": lambda _, to: dumps(to.result),
    },
    "bury": {
        **_HELD,
        "generations": lambda job, _: job.generation,
        "attempts": lambda _, to: to.attempts,
        "errors": lambda _, to: plain(to.error, most=None),
        "results": lambda _, to: dumps(to.result),
    },
    "put_back": {
        **_HELD,
        "attempts": lambda _, to: to.attempts,
        "unsettled": lambda _, to: to.unsettled,
        "errors": lambda _, to: plain(to.error, most=None),
        "delays": lambda _, to: float(to.delay),
    },
    "begin_anew": _HELD,
}


def _counts(cursor: Cursor, queue: str) -> tuple[list[tuple[Any, ...]], bool]:
    rows = cursor.execute(_SQL["counts"], {"queue": queue}).fetchall()
    paused = cursor.execute(_SQL["paused"]).fetchone()
    return list(rows), bool(paused and paused[0])


def _fire(cursor: Cursor, name: str, due: Callable[[float | None, float], float | None], job: NewJob) -> bool:
    cursor.execute(_SQL["first_run"], {"name": name})
    last = float((cursor.execute(_SQL["last_run"], {"name": name}).fetchone() or (0.0,))[0])
    now = float((cursor.execute(_SQL["now"]).fetchone() or (0.0,))[0])
    never = last == float("inf")  # a row is needed to be locked; nobody else sees this one before the commit
    at = due(None if never else last, now)
    if at is not None or never:
        cursor.execute(_SQL["set_last_run"], {"name": name, "at": now if at is None else at})
    if at is not None:
        _enqueue(cursor, [job])
    return at is not None
