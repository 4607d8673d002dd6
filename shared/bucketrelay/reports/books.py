"""The books of reconciliations, as they stand in the log store: `reconcile/<route>/<time>/books.json`."""

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from bucketrelay.errors import RelayError
from bucketrelay.store import Store

FOLDER = "reconcile/"
TIME = "%Y%m%dT%H%M%S.%fZ"  # of a folder's name, and of a book's `time`
_LARGEST = 1 << 20


def last_books(log: Store, route: str) -> list[dict[str, Any]]:
    """The newest books of a route, one for each target; none where there are none, or nobody can read them."""
    names = [info.key for info in log.list(f"{FOLDER}{route}/") if info.key.endswith("/books.json")]
    try:
        books = log.fetch(names[-1], _LARGEST) if names else None
        rows = json.loads(bytes(books.body)) if books and books.body else []
    except (RelayError, ValueError):  # who asks for books is told that there are none, and can raise an alarm for it
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def begin_time(book: Mapping[str, Any]) -> datetime | None:
    """When a book's comparison began; None where it does not say so."""
    try:
        return datetime.strptime(str(book.get("time")), TIME).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
