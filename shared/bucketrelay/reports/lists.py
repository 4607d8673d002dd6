"""The success and failed object lists: Result ⇄ one JSON line, and the objects that hold the lines.

Pure but for the store it is handed. One invocation writes at most one object to each list; `replay` reads the failed
ones back.
"""

import json
import math
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NoReturn, TypeVar

from bucketrelay.errors import BadEvent, ObjectGone, StoreUnavailable, TargetChanged
from bucketrelay.model import Meta, Outcome, Result
from bucketrelay.routes.probes import is_probe
from bucketrelay.store import ABSENT, MiB, Store

SUCCESS = "success_object/"
FAILED = "failed_object/"
REPLAYED = "replayed_object/"  # failed ones that were run again
CONTENT_TYPE = "application/x-ndjson"

_CHUNK = MiB
_LONGEST_LINE = MiB  # a key is at most 1,024 bytes and an error a sentence: more than this is not one of our lines
_LONGEST_ID = 64
_LONGEST_REASON = 200  # characters: Python's messages quote what they do not understand, however long it is
_RANDOM = 5  # bytes in a name that this process has given before
_given: dict[str, None] = {}  # the names that it gave last, the oldest first
_REMEMBERED = 1000  # of them
_lock = threading.Lock()
_REST = "~rest-"  # no invocation's id has a ~ in a name
_ATTEMPTS = 50  # as many lists of one invocation in one microsecond are not to be had honestly

# What JSON allows unescaped and a line must not hold: DEL and C1 controls, the separators at which str.splitlines and
# JavaScript break lines, direction marks that make a log read backwards, and lone surrogates, which no UTF-8 can hold.
UNPRINTABLE = "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
_WHEN = r"(\d{4})/(\d\d)/(\d\d)/(\d\d)(\d\d)(\d\d)"  # in a list's name, behind its folder
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")

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


def write(store: Store, results: Iterable[Result], *, invocation: str, now: datetime) -> tuple[str, ...]:
    """Put the failed (and unfinished) and the successful results into one new object each, the failed ones first.

    A heartbeat's success is in no list: where it stands, `status` says.

    Args:
        store: the log store.
        results: nothing is written for none.
        invocation: the platform's id of this invocation; characters that are awkward in a name become `_`.
        now: timezone-aware.

    Returns:
        The keys that were written.

    Raises:
        RelayError: a list could not be written. The invocation must fail then, so that the event comes again.
    """
    ended = list(results)
    lists = ((FAILED, [r for r in ended if not r.ok]), (SUCCESS, [r for r in ended if r.ok and not is_probe(r.key)]))
    stem = f"{_instant(now):%m/%d/%H%M%S.%fZ}-{_name(invocation)}"
    year = f"{_instant(now).year:04d}"  # strftime("%Y") does not pad
    return tuple(_write_new(store, f"{folder}{year}/{stem}", _body(chosen)) for folder, chosen in lists if chosen)


def write_rest(store: Store, name: str, kept: Sequence[bool], *, invocation: str) -> str:
    """Put what is left of the failed list *name* into a list beside it, of the same time, each line byte for byte.

    Who counts results has counted these: `is_rest` tells such a list by its name.

    Args:
        kept: of each line, in their order, whether it is left.

    Returns:
        The key that was written.

    Raises:
        ObjectGone: there is no such list any more.
        RelayError: it could not be written; *name* must stay then.
    """
    texts = [text for text in _lines(store, name) if text.strip()]
    if len(texts) != len(kept):
        raise StoreUnavailable(f"{store.address.of(name)}: somebody has written this list anew: replay it again")
    body = b"".join(text + b"\n" for text, left in zip(texts, kept, strict=True) if left)
    stem = name.removesuffix(".jsonl").partition(_REST)[0]
    return _write_new(store, f"{stem}{_REST}{_name(invocation)}", body)


def is_rest(name: str) -> bool:
    """Whether the list *name* holds only lines of another list, which has been handled as far as somebody wanted."""
    return _REST in name


def read(store: Store, name: str) -> Iterator[Result]:
    """The results in the list *name* (a key in *store*), in bounded reads of one version of it.

    Raises:
        BadEvent: a line is none of ours; the text names the list and the line's number.
        ObjectGone: there is no such list.
        SourceChanged: somebody wrote it meanwhile.
    """
    for number, text in enumerate(_lines(store, name), start=1):
        if text.strip():
            yield parse_line(text, where=f"{store.address.of(name)} line {number}")


def readable(store: Store, name: str) -> Iterator[Result | BadEvent]:
    """As `read`, but a line that is none of ours is given as what is wrong with it, and the next ones are read."""
    try:
        for number, text in enumerate(_lines(store, name), start=1):
            if text.strip():
                yield _result_or_damage(text, f"{store.address.of(name)} line {number}")
    except BadEvent as error:  # a line without end
        yield error


def time_of(name: str, folder: str) -> datetime | None:
    """When a list in *folder* was written, by its name; None where somebody else has named it."""
    match = re.match(_WHEN, name[len(folder) :])
    try:
        return datetime.strptime("".join(match.groups()) + "Z", "%Y%m%d%H%M%S%z") if match else None
    except ValueError:  # the 99th of a month
        return None


def _result_or_damage(text: bytes, where: str) -> Result | BadEvent:
    try:
        return parse_line(text, where=where)
    except BadEvent as error:
        return error


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
        # Of what is not right yet alone: since when, however often it fails.
        **({"written": _moment(result.written)} if result.written else {}),
    }


def _moment(time: datetime) -> str:
    return _instant(time).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _instant(time: datetime) -> datetime:
    """*time* in UTC; a naive one would silently be read as the local time of whatever machine this is."""
    if time.tzinfo is None:
        raise ValueError(f"the time {time} has no timezone")
    return time.astimezone(timezone.utc)


def _name(invocation: str) -> str:
    return _NOT_IN_A_NAME.sub("_", invocation)[:_LONGEST_ID] or "invocation"


def _body(results: Iterable[Result]) -> bytes:
    return "".join(f"{line(result)}\n" for result in results).encode()


def _write_new(store: Store, stem: str, body: bytes) -> str:
    """Write *body* under a free name that begins with *stem*; a platform may run one invocation id twice at once."""
    for attempt in range(1, _ATTEMPTS + 1):
        # Where the server is not known to enforce the condition, a look before the write would cost a request, and show
        # nothing of a write at the same time. The time has microseconds and the id is one invocation's, so nobody else
        # has the name; this process gives none twice. The condition is sent all the same: the store learns from it.
        more = "" if attempt == 1 else f".{attempt}"
        if not store.conditional and _was_given(f"{store.address.of(stem)}{more}"):
            more = f".{os.urandom(_RANDOM).hex()}"
        key = f"{stem}{more}.jsonl"
        try:
            store.put(key, body, Meta(content_type=CONTENT_TYPE), expect=ABSENT)
        except TargetChanged:
            if _holds(store, key, body):  # our own write, whose answer was lost, and which the store's client repeated
                return key
        else:
            return key
    place = store.address.of(stem)
    raise StoreUnavailable(f"{place}: {_ATTEMPTS} lists of this name exist: is the clock standing still?")


def _was_given(name: str) -> bool:
    """Whether this process has given the name before."""
    with _lock:
        given = name in _given
        _given[name] = None
        if len(_given) > _REMEMBERED:
            del _given[next(iter(_given))]
    return given


def _holds(store: Store, key: str, body: bytes) -> bool:
    fetched = store.fetch(key, len(body))
    return fetched is not None and fetched.info.size == len(body) and fetched.body == body


# Reading.


def _lines(store: Store, name: str) -> Iterator[bytes]:
    info = store.look(name)
    if info is None:
        raise ObjectGone(f"{store.address.of(name)}: there is no such list: it was handled or removed")
    rest = b""
    for start in range(0, info.size, _CHUNK):
        # Only "\n" ends a line: bytes.splitlines would also break at "\r", "\v" and "\f".
        *whole, rest = (rest + store.read(info, start, min(_CHUNK, info.size - start))).split(b"\n")
        yield from whole
        if len(rest) > _LONGEST_LINE:
            raise BadEvent(f"{store.address.of(name)}: a line of more than {_LONGEST_LINE} bytes: not one of our lists")
    if rest:
        yield rest


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
    return _instant(datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text))
