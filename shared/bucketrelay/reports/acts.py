"""Who did what: each deed of a person, by the page, the API or a command, is an object below `marks/acts/`."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from bucketrelay.errors import RelayError
from bucketrelay.model import Meta
from bucketrelay.store import Store
from bucketrelay.values import dataclass

FOLDER = "marks/acts/"
_LARGEST = 1 << 16
_SHOWN = 20
_RANDOM = 4  # bytes in a name: two processes may do something in one microsecond
_LONGEST = 1024  # characters of a member of a filter
_MOST_KEYS = 10


@dataclass(frozen=True, slots=True)
class Act:
    """One deed.

    Attributes:
        who: a user of `serve`, or that a token was shown, and from where; `user@host` of a command.
        what: `redo`, `forget`, `go`, `retry`, `pause`, …
        filter: for what, by name; `words` makes it of any.
        count: how many it was about; None where that says nothing.
    """

    time: datetime
    who: str
    what: str
    filter: Mapping[str, str]
    count: int | None = None


def write_down(log: Store, act: Act) -> None:
    """Keep it in the log store, before it is done: a deed that nobody can trace must not happen."""
    time = act.time.astimezone(timezone.utc)
    members = {
        "time": time.isoformat().replace("+00:00", "Z"),
        "who": act.who,
        "what": act.what,
        "filter": dict(act.filter),
        "count": act.count,
    }
    name = f"{FOLDER}{time:%Y/%m/%d/%H%M%S.%f}Z-{os.urandom(_RANDOM).hex()}.json"
    log.put(name, json.dumps(members).encode(), Meta(content_type="application/json"))


def words(members: Mapping[str, object]) -> dict[str, str]:
    """A filter as an act has it: what it does not limit is left out, of many keys the first are named."""
    return {name: _text(value)[:_LONGEST] for name, value in members.items() if value not in ("", None)}


def _text(value: object) -> str:
    if not isinstance(value, list | tuple):
        return str(value)
    more = f" and {len(value) - _MOST_KEYS:,} more" if len(value) > _MOST_KEYS else ""
    return ", ".join(map(str, value[:_MOST_KEYS])) + more


def last(log: Store, now: datetime) -> list[dict[str, Any]]:
    """What was done in this month and the one before, the newest first."""
    first = now.astimezone(timezone.utc).replace(day=1)
    names: list[str] = []
    for month in (first, first - timedelta(days=1)):
        if len(names) < _SHOWN:
            names = [*(info.key for info in log.list(f"{FOLDER}{month:%Y/%m/}")), *names]
    return list(_read(log, reversed(names[-_SHOWN:])))


def _read(log: Store, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        try:
            kept = log.fetch(name, _LARGEST)
            act = json.loads(bytes(kept.body)) if kept and kept.body else None
        except (RelayError, ValueError):  # one that cannot be read hides no other
            continue
        if isinstance(act, dict):
            yield act
