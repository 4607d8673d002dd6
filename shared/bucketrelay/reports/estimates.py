"""What a backfill would take, as it was counted last: an object for each route in the log store."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from bucketrelay.model import Meta
from bucketrelay.store import Store
from bucketrelay.values import dataclass

FOLDER = "marks/estimates/"
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptEstimate:
    """An estimate: when it was made, and a row for each target, as `estimate --json` says it."""

    time: datetime
    rows: tuple[Mapping[str, Any], ...]


def keep_estimate(log: Store, route: str, rows: Sequence[Mapping[str, object]], now: datetime) -> None:
    """Put it in the place of the last one. Raises RelayError."""
    members = {"time": now.astimezone(timezone.utc).isoformat(), "rows": list(rows)}
    log.put(f"{FOLDER}{route}.json", json.dumps(members).encode(), Meta(content_type="application/json"))


def last_estimate(log: Store, route: str) -> KeptEstimate | None:
    """The last one of a route; None where there is none, or nothing that can be read. Raises RelayError."""
    kept = log.fetch(f"{FOLDER}{route}.json", _LARGEST)
    if kept is None or not kept.body:
        return None
    try:
        members = json.loads(bytes(kept.body))
        return KeptEstimate(datetime.fromisoformat(members["time"]), tuple(dict(row) for row in members["rows"]))
    except (KeyError, TypeError, ValueError):  # an estimate is made anew in a minute
        return None
