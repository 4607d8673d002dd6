"""Whether *no such key* may be believed, on a server that may not show every write at once."""

from datetime import datetime
from itertools import islice

from bucketrelay.core.pair import Pair
from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Change, ObjectInfo
from bucketrelay.store import Store

YOUNG = 60.0  # seconds that a server may take to show everywhere what it has told of in an event


def doubt(pair: Pair, now: datetime, *, deleting: bool) -> None:
    """Refuse to believe yet that the source has no such object: its event is young, or the listing shows it.

    Raises:
        StoreUnavailable: the source may have the object after all; the task comes again.
    """
    task = pair.task
    if task.change is Change.CREATED and task.time and (now - task.time).total_seconds() < YOUNG:
        raise StoreUnavailable(
            f"{pair.source_url}: its event says that it was written, and the server does not show it"
        )
    if deleting and any(info.key == task.key for info in _first_objects(pair.source, task.key)):
        raise StoreUnavailable(f"{pair.source_url}: listed, and yet the server says no such key; nothing was deleted")


def _first_objects(store: Store, prefix: str) -> list[ObjectInfo]:
    return list(islice(store.list(prefix), 1))
