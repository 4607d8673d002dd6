"""What is known of a route's heartbeats: `marks/probe/<route>.json` in the log store, one for all processes.

A heartbeat is under way (`Open`) or there is none; and of each target it is kept when the last one came through, and
how long that took.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from bucketrelay.errors import Damaged, RelayError, TargetChanged
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.routes.probes import is_probe
from bucketrelay.store import ABSENT, Store
from bucketrelay.values import dataclass, field

FOLDER = "marks/probe/"
_JSON = Meta(content_type="application/json")
_LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last one of a route that came through to a target.

    Attributes:
        time: when it was written.
        created: seconds from then until it was there.
        deleted: seconds from its removal until it was gone there; None where the route keeps what is deleted.
        since: from when on the next is waited for: `time`, or when the route was last seen to rest.
    """

    time: datetime
    created: float
    deleted: float | None = None
    since: datetime | None = None


@dataclass(slots=True)
class Open:
    """A heartbeat that is under way.

    Attributes:
        begun: when its object was written, or was going to be.
        removed: when its object was removed.
        created: for each target at which it was seen, after how many seconds.
    """

    begun: datetime
    removed: datetime | None = None
    created: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Pulse:
    """All that is kept of one route.

    Attributes:
        begun: when the last heartbeat was begun; None where there never was one.
        key, target_key: its object's names.
        open: the one that is under way.
        last: by target.
        rested: when the route was last seen to rest at a time when a heartbeat was due.
    """

    key: str = ""
    target_key: str = ""
    begun: datetime | None = None
    open: Open | None = None
    last: dict[str, Heartbeat] = field(default_factory=dict)
    rested: datetime | None = None

    def of(self, target: str) -> Heartbeat | None:
        """The last one that came through to *target*."""
        return self.last.get(target)


@dataclass(slots=True)
class HeartbeatMarks:
    """The marks of one log store, each written only over what was read: whoever comes second leaves it alone."""

    log: Store
    _seen: dict[str, ObjectInfo | None] = field(default_factory=dict)

    def read(self, route: str) -> Pulse:
        """What is kept of *route*; nothing where there is no mark.

        Raises:
            Damaged: it is not what was written there.
            RelayError: of the log store.
        """
        mark = self.log.fetch(f"{FOLDER}{route}.json", _LARGEST)
        self._seen[route] = mark.info if mark else None
        if mark is None or mark.body is None:
            return Pulse()
        try:
            return _pulse(json.loads(bytes(mark.body)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            where = self.log.address.of(f"{FOLDER}{route}.json")
            raise Damaged(f"{where}: not what was written there: remove it, and heartbeats begin anew") from error

    def write(self, route: str, pulse: Pulse) -> bool:
        """Keep *pulse*; False where another process has written since it was read, and has the word."""
        key, body, seen = f"{FOLDER}{route}.json", json.dumps(_members(pulse)).encode(), self._seen.get(route)
        try:
            written = self.log.put(key, body, _JSON, expect=seen or ABSENT)
        except TargetChanged:
            return False
        self._seen[route] = ObjectInfo(key, len(body), written.etag, version=written.version)
        return True


def heartbeat(log: Store, route: str, target: str) -> Heartbeat | None:
    """The last one of *route* that came through to *target*; None where none is known, or the mark cannot be read."""
    try:
        pulse = HeartbeatMarks(log).read(route)
    except RelayError:
        return None
    last = pulse.of(target)
    if last is None:
        return None
    since = max(filter(None, (last.time, pulse.rested)))
    return Heartbeat(last.time, last.created, last.deleted, since)


def _members(pulse: Pulse) -> dict[str, object]:
    opened = pulse.open
    last = {
        target: {"time": _text(each.time), "created": each.created, "deleted": each.deleted}
        for target, each in pulse.last.items()
    }
    under_way = opened and {
        "begun": _text(opened.begun),
        "removed": opened.removed and _text(opened.removed),
        "created": opened.created,
    }
    return {
        "key": pulse.key,
        "target_key": pulse.target_key,
        "begun": pulse.begun and _text(pulse.begun),
        "open": under_way,
        "last": last,
        "rested": pulse.rested and _text(pulse.rested),
    }


def _pulse(members: Mapping[str, Any]) -> Pulse:
    opened = members["open"]
    under_way = opened and Open(
        _time(opened["begun"]), opened["removed"] and _time(opened["removed"]), _seconds(opened["created"])
    )
    last = {
        str(target): Heartbeat(
            _time(each["time"]), float(each["created"]), None if each["deleted"] is None else float(each["deleted"])
        )
        for target, each in members["last"].items()
    }
    begun, rested = members["begun"], members["rested"]
    return Pulse(
        _probe_key(members["key"]),
        _probe_key(members["target_key"]),
        begun and _time(begun),
        under_way or None,
        last,
        rested and _time(rested),
    )


def _probe_key(key: str) -> str:
    """The name, which is a heartbeat's: what bears it is removed, and a mark must not say so of a user's object."""
    if key and not is_probe(key):
        raise ValueError(key)
    return key


def _seconds(row: Mapping[str, Any]) -> dict[str, float]:
    return {str(target): float(seconds) for target, seconds in row.items()}


def _text(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
