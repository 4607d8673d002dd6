"""The payload by which an invocation hands to the next what it could not finish: written and read here, nowhere else.

{"bucketrelay": {"version": 1, "tasks": [{"route", "key", "target", "source", "change", "cause", "time", "size",
"attempt", "differs"}]}}
"""

import json
from collections.abc import Iterable, Iterator

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import CHECK, at, describe, hint, items, moment, quote, size, text
from bucketrelay.events.keys import raw
from bucketrelay.events.payload import Deferral
from bucketrelay.model import Change

NAME = "bucketrelay"
VERSION = 1
# FunctionGraph and Lambda took 256 KB for an asynchronous call (Lambda 1 MB since 2025); the rest is for an envelope.
MAX_BYTES = 240 * 1024
_MAX_NAME = (
    1024  # characters; what is longer is no name in a configuration, and would make a line of the lists unreadable
)
_MAX_ATTEMPT = 1_000_000


def payloads(deferrals: Iterable[Deferral], *, limit: int = MAX_BYTES) -> Iterator[tuple[int, bytes]]:
    """The deferrals, in order, as payloads of at most *limit* bytes: for each how many it holds, and its JSON text."""
    head, foot = f'{{"{NAME}":{{"version":{VERSION},"tasks":['.encode(), b"]}}"
    lines: list[bytes] = []
    length = len(head) + len(foot)
    for deferral in deferrals:
        line = _line(deferral)
        if lines and length + len(line) + 1 > limit:
            yield len(lines), head + b",".join(lines) + foot
            lines, length = [], len(head) + len(foot)
        lines.append(line)
        length += len(line) + 1
    if lines:
        yield len(lines), head + b",".join(lines) + foot


def _line(deferral: Deferral) -> bytes:
    members = {
        "route": deferral.route,
        "key": deferral.key,
        "target": deferral.target,
        "source": deferral.source,
        "change": deferral.change.value,
        "cause": deferral.cause,
        "time": deferral.time.isoformat() if deferral.time else None,
        "size": deferral.size,
        "attempt": deferral.attempt,
        "differs": deferral.differs or None,
    }
    given = {name: value for name, value in members.items() if value not in ("", None)}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode()


def tasks(event: object) -> list[object]:
    """The tasks in a payload, unread.

    Raises:
        BadEvent: it is of another version, or has none.
    """
    version = at(event, NAME, "version")
    if version != VERSION or isinstance(version, bool):
        number = quote(str(version)) if isinstance(version, int | str) else describe(version)
        raise BadEvent(f"{NAME}.version is {number}, not {VERSION}: deploy one version of bucketrelay; {CHECK}")
    rows = items(at(event, NAME), "tasks")
    if not rows:
        raise BadEvent(f"{NAME}.tasks is empty; {CHECK}")
    return rows


def read(task: object) -> Deferral:
    """One task. Raises BadEvent naming what is wrong with it."""
    return Deferral(
        route=_name(task, "route"),
        key=raw(text(task, "key")),
        target=_name(task, "target") if at(task, "target") is not None else "",
        source=hint(task, "source"),
        change=_change(task),
        cause=hint(task, "cause"),
        time=moment(task, "time"),
        size=size(task, "size"),
        attempt=_attempt(task),
        differs=at(task, "differs") is True,
    )


def _name(task: object, name: str) -> str:
    value = text(task, name)
    if len(value) > _MAX_NAME:
        raise BadEvent(f"{name} {quote(value)} has more than {_MAX_NAME:,} characters; {CHECK}")
    return value


def _change(task: object) -> Change:
    value = text(task, "change")
    if value not in (Change.CREATED.value, Change.REMOVED.value):
        raise BadEvent(f"change {quote(value)} is neither created nor removed; {CHECK}")
    return Change(value)


def _attempt(task: object) -> int:
    value = size(task, "attempt")
    if value is None or not 1 <= value <= _MAX_ATTEMPT:
        raise BadEvent(f"attempt is {describe(at(task, 'attempt'))}, not a count of invocations; {CHECK}")
    return value
