"""One line of a success or failed object list: Result ⇄ JSON. Pure."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NoReturn, TypeVar

from bucketrelay.errors import BadEvent
from bucketrelay.model import Outcome, Result

_LONGEST_REASON = 200  # characters: Python's messages quote what they do not understand, however long it is

# What JSON allows unescaped and a line must not hold: DEL and C1 controls, the separators at which str.splitlines and
# JavaScript break lines, direction marks that make a log read backwards, and lone surrogates, which no UTF-8 can hold.
UNPRINTABLE = "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
# Made once: `json.dumps` would make one for each line.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_T = TypeVar("_T")


def line(result: Result) -> str:
    r"""*result* as one JSON object, without a line end; printable, and one line whatever the key holds.

    Letters of all scripts stay readable; controls, line separators and lone surrogates are written as `\uXXXX`.
    `parse_line` gives the same Result back. (Except that a high and a low surrogate that somebody put side by side
    into a str come back as the one character that they stand for: JSON cannot tell the two apart.)

    Raises:
        ValueError: `seconds` or `lag` is not a finite number, or `time` has no timezone.
    """
    return compact(_fields(result))


def compact(members: Mapping[str, object]) -> str:
    """*members* as one JSON object on one line that prints as it is, whatever text is in it."""
    text = _JSON.encode(members)
    if text.isascii() and "\x7f" not in text:
        return text
    return re.sub(UNPRINTABLE, lambda match: f"\\u{ord(match[0]):04x}", text)


def parse_line(text: str | bytes, *, where: str = "list line") -> Result:
    """The Result that `line` wrote as *text*. Unknown members are ignored: a later version may write more.

    Args:
        text: one line, with or without its end.
        where: which line of which list, for the message.

    Raises:
        BadEvent: it is no line of a list; the text says *where* and what is wrong.
    """
    try:
        members = json.loads(text, parse_constant=_no_such_number)
    except (ValueError, RecursionError) as error:
        raise BadEvent(
            f"{where}: not JSON ({str(error)[:_LONGEST_REASON]}): not a line of a bucketrelay list, or a damaged one"
        ) from error
    if not isinstance(members, dict):
        raise BadEvent(f"{where}: a JSON {type(members).__name__} instead of an object: not a line of a list")
    try:
        return _result(members)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise BadEvent(
            f"{where}: {reason[:_LONGEST_REASON]}: not a line of a bucketrelay list, or a damaged one"
        ) from error


# Writing.


def _fields(result: Result) -> dict[str, object]:
    """The members of a line, in the contract's order."""
    return {
        "time": _moment(result.time),
        "route": result.route,
        "cause": result.cause,
        "change": result.change,
        "source": result.source,
        "target": result.target,
        "key": result.key,
        "outcome": result.outcome.value,
        "bytes": result.bytes,
        "seconds": result.seconds,
        "lag": result.lag,
        "degraded": list(result.degraded),
        "note": result.note,
        "error": result.error,
        "retryable": result.retryable,
        # Only of failures: since when the target has lacked it, however often it failed.
        **({"written": _moment(result.written)} if result.written else {}),
    }


def _moment(time: datetime) -> str:
    return in_utc(time).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def in_utc(time: datetime) -> datetime:
    """*time* in UTC; a naive one would silently be read as the local time of whatever machine this is."""
    if time.tzinfo is None:
        raise ValueError(f"the time {time} has no timezone")
    return time.astimezone(timezone.utc)


# Reading.


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _result(members: dict[str, Any]) -> Result:
    def text(name: str) -> str:
        return _of_type(members, name, str)

    return Result(
        route=text("route"),
        cause=text("cause"),
        change=text("change"),
        source=text("source"),
        target=text("target"),
        key=text("key"),
        outcome=Outcome(text("outcome")),
        time=_time(text("time")),
        bytes=_of_type(members, "bytes", int),
        seconds=_seconds(members, "seconds"),
        lag=None if members["lag"] is None else _seconds(members, "lag"),
        degraded=tuple(_each(_of_type(members, "degraded", list), "degraded")),
        note=text("note") if "note" in members else "",  # lists of before 0.2 have none
        error=text("error"),
        retryable=_of_type(members, "retryable", bool),
        written=_time(text("written")) if "written" in members else None,
    )


def _of_type(members: dict[str, Any], name: str, wanted: type[_T]) -> _T:
    value = members[name]
    if isinstance(value, wanted) and type(value) is wanted:  # true is an int to Python and none to JSON
        return value
    raise TypeError(f"{name!r} holds a {type(value).__name__}, not a {wanted.__name__}")


def _seconds(members: dict[str, Any], name: str) -> float:
    value = float(members[name] if type(members[name]) is int else _of_type(members, name, float))
    if not math.isfinite(value):  # 1e999 is a JSON number, and infinite to Python
        raise ValueError(f"{name!r} is not finite")
    return value


def _each(values: list[Any], name: str) -> Iterator[str]:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{name!r} holds a {type(value).__name__} among its strings")
        yield value


def _time(text: str) -> datetime:
    # Python 3.10's fromisoformat does not know the letter Z.
    return in_utc(datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text))
