"""Which buckets there are in each cloud, and what is told of a change in those that are watched."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from zlib import crc32

SOURCE, TARGET, LOGS = "src-bucket", "target-bucket", "log-bucket"
ENDS = ("west-bucket", "east-bucket")  # of the routes that meet: sources and targets at once
BUCKETS = (SOURCE, TARGET, LOGS, *ENDS)
WATCHED = frozenset({SOURCE, *ENDS})  # whose events the cloud's function gets
STAMP = "bucketrelay"  # user metadata that every copy has and no source
CARRIED = ("content-type", "cache-control")

Tell = Callable[[dict[str, Any]], None]


def carried(headers: Mapping[str, str]) -> dict[str, str]:
    """The content headers that are compared."""
    return {name: headers[name] for name in CARRIED if name in headers}


def changed(bucket: str, key: str, second: int, state: Sequence[Any] | None) -> dict[str, Any]:
    """What the harness remembers of a change: *state* is [MD5, headers, user metadata]; None for a delete."""
    return {"bucket": bucket, "key": key, "second": second, "state": bare(state) if state else None}


def age(key: str) -> timedelta:
    """How long an event of *key* was under way, as it says: most of them a minute.

    Servers on 127.0.0.1 are none of the three clouds: an event of something that is gone by now comes again until it is
    a minute old. One key in sixteen has young events, and with them the storm lasts that minute.
    """
    return timedelta(seconds=61 if crc32(key.encode()) % 16 else 0)


def bare(state: Sequence[Any]) -> list[Any]:
    """A state without our stamp."""
    return [*state[:2], {name: value for name, value in state[2].items() if name != STAMP}]
