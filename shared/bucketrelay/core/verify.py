"""Keys that have to be looked at once more, as a write of them may take effect after everybody has gone.

A request whose answer never came may be done by the server at any later moment, also after newer ones: where no
condition stops it, that puts an old version over a new one, and no event tells of it. So for each such key a marker is
put into the log store, `verify/<due>/<identity>.json` (`writes.py` says when): past the longest time that the request
may take, the housekeeping runs its task again. Due is half an hour after the end of the invocation that sent it.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256

from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError
from bucketrelay.model import Change, Meta, Task
from bucketrelay.routes.places import identity
from bucketrelay.store import Store
from bucketrelay.values import dataclass

FOLDER = "verify/"
AFTER = timedelta(minutes=30)
_LONGEST = 64 * 1024  # bytes of a marker: a key of 1,024 bytes and a few names
_DUE = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Marker:
    """A task that is to be run again, as names of the configuration; `name` is the marker's key in the log store."""

    name: str
    route: str
    source: str  # the store's name; or the URL of a bucket, where the route takes events of any
    key: str
    target: str
    change: Change


@dataclass(frozen=True, slots=True)
class Verify:
    """The markers.

    Args:
        log: the log store.
        stores: a configured store by its name.
        now: the time of day, timezone-aware.
    """

    log: Callable[[], Store]
    stores: Callable[[str], Store]
    now: Callable[[], datetime]

    def put(self, task: Task, deadline: Deadline, nonce: str = "") -> str:
        """Put the marker of a task whose write may take effect after its end; the marker's name.

        Raises:
            RelayError: of the log store, or of a store that is no longer configured.
        """
        left = deadline.remaining()
        due = self.now() + AFTER + timedelta(seconds=0 if left == float("inf") else left)
        text = _text(task)
        # Two sources of one shared target key are two tasks, and one's marker must not take the other's place.
        whose = sha256(text).hexdigest()[:8]
        called = "-".join(filter(None, [identity(self.stores(task.target).address, task.target_key), whose, nonce]))
        name = f"{FOLDER}{due:{_DUE}}/{called}.json"
        self.log().put(name, text, Meta(content_type="application/json"))
        return name

    def due(self) -> Iterator[Marker | str]:
        """The markers whose time has come, the oldest first; of one that cannot be read, why."""
        log, now = self.log(), f"{self.now():{_DUE}}"
        for info in log.list(FOLDER):
            if info.key[len(FOLDER) :].partition("/")[0] > now:
                return
            try:
                fetched = log.fetch(info.key, _LONGEST)
            except RelayError as error:
                yield str(error)
                continue
            marker = _parse(info.key, bytes(fetched.body)) if fetched and fetched.body else None
            if marker:
                yield marker
            elif fetched:
                yield f"{log.address.of(info.key)}: no marker of ours: look at it, or remove it"

    def forget(self, name: str) -> None:
        """Take the marker of that name away."""
        self.log().delete(name)


def _text(task: Task) -> bytes:
    fields = {"route": task.route, "source": task.source, "key": task.key, "target": task.target}
    return json.dumps({**fields, "change": task.change.value}).encode()


def _parse(name: str, raw: bytes) -> Marker | None:
    """The marker in *raw*; None where it is none of ours."""
    try:
        parsed = json.loads(raw)
        route, source, key, target = (str(parsed[member]) for member in ("route", "source", "key", "target"))
        return Marker(name, route, source, key, target, Change(parsed["change"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
