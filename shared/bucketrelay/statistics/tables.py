"""The tables of what the lists tell: sums by route, target and five minutes, and the keys that are not right."""

import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol, TypeVar

from bucketrelay.database.queries import queries
from bucketrelay.database.text import plain
from bucketrelay.model import Outcome, Result
from bucketrelay.reports import list_line
from bucketrelay.reports.status import Failure, KeyState, Pair, Tally
from bucketrelay.reports.sums import Sums, slice_of
from bucketrelay.values import dataclass, field

T = TypeVar("T")
_PLACEHOLDER = re.compile(r"(?<![:\w]):(\w+)")
KEPT = timedelta(days=32)  # what was done before is in no slice any more, and a failure of before is forgotten
WIDE = timedelta(hours=1)  # so late may a list come that is named before: its writer was slow, or its clock
_EVER = 0  # the start of the row that counts all
_COLUMNS = tuple(
    outcome.value
    for outcome in (
        Outcome.COPIED,
        Outcome.DELETED,
        Outcome.UNCHANGED,
        Outcome.FORWARDED,
        Outcome.UNFINISHED,
        Outcome.FAILED,
    )
)


class Database(Protocol):
    """A transaction at a time."""

    def run(self, body: Callable[[Any], T]) -> T:
        """Do *body* with a cursor, in a transaction; perhaps again, where the connection breaks."""

    def close(self) -> None:
        """Let go."""


@dataclass(frozen=True, slots=True)
class State:
    """How far the lists have been read."""

    since: datetime  # where counting began
    until: datetime  # all lists that are named before have been read, but for those that come late
    wide: datetime  # when late ones were looked for last
    version: int  # grows whenever something is counted


@dataclass(frozen=True, slots=True)
class ReadList:
    """A list that was read: its results, or why there are none."""

    stem: str
    written: datetime
    results: tuple[Result, ...] = ()
    error: str = ""


@dataclass
class Statistics:
    """The tables."""

    database: Database
    postgres: bool
    _sql: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        package, own = "bucketrelay.statistics.sql", "postgres.sql" if self.postgres else "sqlite.sql"
        statements = {**queries(package, "queries.sql"), **queries(package, own)}
        named = {name: _PLACEHOLDER.sub(r"%(\1)s", text) for name, text in statements.items()}
        self._sql = named if self.postgres else statements

    def begin(self, since: datetime) -> State:
        """How far the lists have been read; from *since* on, where nobody has begun yet."""

        def body(cursor: Any) -> State:
            self._do(cursor, "begin", since=since.timestamp())
            [(began, until, wide, version)] = self._do(cursor, "state").fetchall()
            return State(_moment(began), _moment(until), _moment(wide), version)

        return self.database.run(body)

    def known_names(self, start: datetime) -> frozenset[str]:
        """The lists named *start* or later that have been read."""
        rows = self.database.run(lambda cursor: self._do(cursor, "known", start=start.timestamp()).fetchall())
        return frozenset(str(row[0]) for row in rows)

    def add(self, read: Sequence[ReadList], until: datetime, target: Callable[[Result], str]) -> int:
        """Count lists, each once, whoever else counts it at the same time; how many of them were new.

        Args:
            until: all lists that are named before have been read.
            target: as `Tally` has it.
        """

        def body(cursor: Any) -> int:
            # The row is locked first, so that nobody else changes a sum between our look at it and our write.
            self._do(cursor, "advance", more=0, until=until.timestamp())
            new = [each for each in read if self._remembers(cursor, each)]
            if new:
                self._count(cursor, [result for each in new for result in each.results], target)
                self._do(cursor, "advance", more=1, until=until.timestamp())
            return len(new)

        return self.database.run(body)

    def advance(self, until: datetime, wide: datetime | None) -> None:
        """All lists were looked at; what nobody needs any more is forgotten.

        Args:
            wide: when those that came late were looked for, if they were.
        """
        ages = {
            "old": (until - KEPT).timestamp(),
            "lately": (until - 2 * WIDE).timestamp(),
        }

        def body(cursor: Any) -> None:
            self._do(cursor, "advance", more=0, until=until.timestamp())
            if wide:
                self._do(cursor, "widened", wide=wide.timestamp())
                self._do(cursor, "forget_lists", **ages)
                self._do(cursor, "forget_keys", **ages)
                self._do(cursor, "forget_sums", old=int(ages["old"]))

        self.database.run(body)

    def tally(self, since: datetime, target: Callable[[Result], str]) -> Tally:
        """What was done since (in whole slices) and ever, and what is not right yet."""
        made = Tally(target)

        def body(cursor: Any) -> tuple[list[Any], list[Any]]:
            sums = self._do(cursor, "sums", start=slice_of(since)).fetchall()
            return sums, self._do(cursor, "open_keys").fetchall()

        sums, keys = self.database.run(body)
        for route, target_name, start, *cells in sums:
            _fill(made.pairs.setdefault((route, target_name), Pair()), start, _sums(cells))
        for digest, route, target_name, *cells in keys:
            made.pairs.setdefault((route, target_name), Pair()).keys[digest] = _key(cells)
        return made

    def unreadable(self, since: datetime) -> list[str]:
        """A line for each list named since that could not be read."""
        rows = self.database.run(lambda cursor: self._do(cursor, "unreadable", since=since.timestamp()).fetchall())
        return [str(row[0]) for row in rows]

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    # Within a transaction.

    def _do(self, cursor: Any, query: str, **values: object) -> Any:
        return cursor.execute(self._sql[query], values)

    def _remembers(self, cursor: Any, each: ReadList) -> bool:
        """Take down that the list was read; False where it had been before."""
        values = {"stem": each.stem, "written": each.written.timestamp(), "error": plain(each.error, most=None)}
        return bool(self._do(cursor, "remember", **values).rowcount == 1)

    def _count(self, cursor: Any, results: Sequence[Result], target: Callable[[Result], str]) -> None:
        tally = Tally(target, crowd=sys.maxsize)  # no key may be forgotten before it is written
        digests = {_digest(tally.pair_of(result), result.key): result for result in results}
        for digest, _, _, *cells in self._do(cursor, "keys", digests=json.dumps(list(digests))).fetchall():
            result = digests[digest]
            tally.pairs.setdefault(tally.pair_of(result), Pair()).keys[result.key] = _key(cells)
        for result in results:
            tally.add(result)
        for name, pair in tally.pairs.items():
            ever = Sums(pair.total.outcomes, pair.total.causes, pair.total.bytes, newest=pair.total.newest)
            for start, sums in [*pair.slices.items(), (_EVER, ever)]:
                self._add_sums(cursor, {"route": plain(name[0]), "target": plain(name[1]), "start": start}, sums)
        self._put_keys(cursor, tally)

    def _add_sums(self, cursor: Any, names: Mapping[str, Any], sums: Sums) -> None:
        for _, _, _, *cells in self._do(cursor, "sum", **names).fetchall():
            sums.merge(_sums(cells))
        self._do(cursor, "put_sum", **names, **_cells(sums))

    def _put_keys(self, cursor: Any, tally: Tally) -> None:
        rows = [
            {"digest": _digest(name, key), "route": plain(name[0]), "target": plain(name[1]), **_key_cells(state)}
            for name, pair in tally.pairs.items()
            for key, state in pair.keys.items()
        ]
        # In one order everywhere; the lock above makes us the only ones who write.
        cursor.executemany(self._sql["put_key"], sorted(rows, key=lambda row: str(row["digest"])))


def _digest(pair: tuple[str, str], key: str) -> str:
    return hashlib.sha256("\0".join((*pair, key)).encode("utf-8", "surrogatepass")).hexdigest()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _fill(pair: Pair, start: int, sums: Sums) -> None:
    if start == _EVER:
        pair.total = sums
    else:
        pair.slices[start] = sums


def _sums(cells: Sequence[Any]) -> Sums:
    """A row of `relay_done` behind its key."""
    *counts, size, causes, lags, greatest, newest = cells
    return Sums(
        outcomes=Counter({name: int(count) for name, count in zip(_COLUMNS, counts, strict=True)}),
        causes=Counter(json.loads(causes)),
        bytes=int(size),
        lags=Counter({int(thousandths): count for thousandths, count in json.loads(lags).items()}),
        greatest=greatest,
        newest=None if newest is None else _moment(newest),
    )


def _cells(sums: Sums) -> dict[str, Any]:
    return {
        **{name: sums.outcomes[name] for name in _COLUMNS},
        "bytes": sums.bytes,
        "causes": json.dumps(sums.causes),
        "lags": json.dumps(sums.lags),
        "greatest": sums.greatest,
        "newest": sums.newest.timestamp() if sums.newest else None,
    }


def _key(cells: Sequence[Any]) -> KeyState:
    """A row of `relay_key` behind its names."""
    right, wrong, line = cells
    state = KeyState()
    state.right = None if right is None else _moment(right)
    failures = [
        Failure(_moment(ended), _moment(written), before[0] if before else None)
        for ended, written, *before in json.loads(wrong)
    ]
    if failures:
        failures.sort(key=lambda each: each[:2])  # an earlier release wrote them unsorted
        failures[-1] = failures[-1]._replace(result=line or None)
    state.wrong = failures
    return state


def _key_cells(state: KeyState) -> dict[str, Any]:
    last = state.wrong[-1] if state.wrong else None
    before = [(each.ended.timestamp(), each.written.timestamp(), *_lines(each.result)) for each in state.wrong[:-1]]
    return {
        "right_at": state.right.timestamp() if state.right else None,
        "failed_at": last.ended.timestamp() if last else None,
        "wrong": json.dumps([*before, (last.ended.timestamp(), last.written.timestamp())] if last else []),
        "line": "".join(_lines(last.result)) if last else "",
    }


def _lines(result: Result | str | None) -> list[str]:
    return [] if result is None else [list_line.line(result) if isinstance(result, Result) else result]
