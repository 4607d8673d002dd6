"""The success and failed object lists: the objects in the log store that hold the lines, see `list_line`.

One invocation writes at most one object to each list; `replay` reads the failed ones back.
"""

import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from bucketrelay.errors import BadEvent, ObjectGone, StoreUnavailable, TargetChanged
from bucketrelay.model import Meta, Result
from bucketrelay.reports.list_line import in_utc, line, parse_line
from bucketrelay.routes.probes import is_probe
from bucketrelay.store import ABSENT, MiB, Store

SUCCESS = "success_object/"
FAILED = "failed_object/"
REPLAYED = "replayed_object/"  # failed ones that were run again
CONTENT_TYPE = "application/x-ndjson"
_META = Meta(content_type=CONTENT_TYPE)

_CHUNK = MiB
_LONGEST_LINE = MiB  # a key is at most 1,024 bytes and an error a sentence: more than this is not one of our lines
_LONGEST_ID = 64
_RANDOM = 5  # bytes in a name that this process has given before
_given: dict[str, None] = {}  # the names that it gave last, the oldest first
_REMEMBERED = 1000  # of them
_lock = threading.Lock()
_REST = "~rest-"  # no invocation's id has a ~ in a name
_ATTEMPTS = 50  # as many lists of one invocation in one microsecond are not to be had honestly

_WHEN = r"(\d{4})/(\d\d)/(\d\d)/(\d\d)(\d\d)(\d\d)"  # in a list's name, behind its folder
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")


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
    t = in_utc(now)
    # By hand: strftime takes four times as long, and does not pad the year.
    day, time = f"{t.year:04}/{t.month:02}/{t.day:02}", f"{t.hour:02}{t.minute:02}{t.second:02}.{t.microsecond:06}Z"
    stem = f"{day}/{time}-{_name(invocation)}"
    return tuple(_write_new(store, folder + stem, _body(chosen)) for folder, chosen in lists if chosen)


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
            store.put(key, body, _META, expect=ABSENT)
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
