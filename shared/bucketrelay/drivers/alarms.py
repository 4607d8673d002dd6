"""Alarms told at each change of state: when one is raised, and when it ends.

What was told last stands in the log store, `marks/alarms.json`. It is written after the receiver has taken the news: a
process that dies in between tells them again, and nobody is left in the dark.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bucketrelay.drivers.status import Line
from bucketrelay.errors import Damaged
from bucketrelay.model import Meta
from bucketrelay.store import Store
from bucketrelay.values import dataclass

MARK = "marks/alarms.json"
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Alarm:
    """One thing that somebody should look at."""

    route: str
    target: str
    name: str  # lag, failed, dead, books


def announce(
    lines: Iterable[Line], log: Store, send: Callable[[Mapping[str, object]], None], now: datetime
) -> list[tuple[Alarm, bool]]:
    """Tell what has changed since the last time, and remember it.

    Args:
        lines: of all routes: an alarm that is in none of them has ended.
        send: takes one CloudEvent; raises what ends the telling.

    Returns:
        Each alarm that changed, and whether it is up now.
    """
    known = {Alarm(line.standing.route, line.standing.target, name): line for line in lines for name in line.alarms}
    up, before = set(known), _read_told_alarms(log)
    changes = [*((alarm, True) for alarm in sorted(up - before)), *((alarm, False) for alarm in sorted(before - up))]
    for alarm, raised in changes:
        send(event(alarm, raised, known.get(alarm), now))
    if changes:
        rows = [[alarm.route, alarm.target, alarm.name] for alarm in sorted(up)]
        log.put(MARK, json.dumps(rows).encode(), Meta(content_type="application/json"))
    return changes


def event(alarm: Alarm, raised: bool, line: Line | None, now: datetime) -> dict[str, object]:
    """The CloudEvent that tells of it; *line* is what stands behind one that was raised."""
    time = now.isoformat().replace("+00:00", "Z")
    state = "raised" if raised else "ended"
    return {
        "specversion": "1.0",
        "id": f"{alarm.route}/{alarm.target}/{alarm.name}/{state}/{time}",
        "source": "bucketrelay",
        "type": f"io.bucketrelay.alarm.{state}",
        "subject": f"{alarm.route}/{alarm.target}",
        "time": time,
        "datacontenttype": "application/json",
        "data": {
            "alarm": alarm.name,
            "state": state,
            "route": alarm.route,
            "target": alarm.target,
            **({"status": line.members()} if line else {}),
        },
    }


def _read_told_alarms(log: Store) -> set[Alarm]:
    mark = log.fetch(MARK, _LARGEST)
    if mark is None or not mark.body:
        return set()
    try:
        return {Alarm(*map(str, row)) for row in json.loads(mark.body)}
    except (TypeError, ValueError) as error:
        raise Damaged(
            f"{log.address.of(MARK)}: not what was written there: remove it, and all alarms are told anew"
        ) from error
