"""What a person may have done from the page: each for exactly what the filter shows, and written down with his name."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from bucketrelay.errors import RelayError
from bucketrelay.model import Meta
from bucketrelay.store import Store

FOLDER = "marks/acts/"
_LARGEST = 1 << 16
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Act:
    """One deed: who, when, what, for what, how many it was about."""

    time: datetime
    who: str
    what: str
    filter: Mapping[str, str]
    count: int


def write_down(log: Store, act: Act) -> None:
    """Keep it in the log store, before it is done: a deed that nobody can trace must not happen."""
    members = {
        "time": act.time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z"),
        "who": act.who,
        "what": act.what,
        "filter": dict(act.filter),
        "count": act.count,
    }
    name = f"{FOLDER}{act.time.astimezone(timezone.utc):%Y/%m/%d/%H%M%S.%f}Z.json"
    log.put(name, json.dumps(members).encode(), Meta(content_type="application/json"))


def last(log: Store, now: datetime) -> list[dict[str, Any]]:
    """What was done in this month, the newest first."""
    names = [info.key for info in log.list(f"{FOLDER}{now.astimezone(timezone.utc):%Y/%m/}")]
    return list(_read(log, reversed(names[-_SHOWN:])))


def _read(log: Store, names: "Iterator[str]") -> Iterator[dict[str, Any]]:
    for name in names:
        try:
            kept = log.fetch(name, _LARGEST)
            act = json.loads(bytes(kept.body)) if kept and kept.body else None
        except (RelayError, ValueError):  # one that cannot be read hides no other
            continue
        if isinstance(act, dict):
            yield act
