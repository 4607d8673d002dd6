"""Reading JSON that strangers wrote: what is missing or of a wrong type is a BadEvent, and never another exception."""

import json
import re
from datetime import datetime, timedelta, timezone
from itertools import islice

from bucketrelay.errors import BadEvent

CHECK = "check which service calls this function, and with what"
# The platforms' own limits are 6 MB (FunctionGraph, Lambda, OCI Functions); HTTP and files have none.
MAX_TEXT = 16 * 1024 * 1024
MAX_ITEMS = 20_000  # the smallest events that services send have 300 bytes: 6 MB of them
MAX_HINT = 1024
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:([Zz])|([+-])(\d\d):?(\d\d))", re.ASCII
)


def quote(text: str, limit: int = 60) -> str:
    """*text* in quotes, on one line, without its end if it is long: fit for a message."""
    return repr(text) if len(text) <= limit else repr(text[:limit]) + "…"


def describe(value: object) -> str:
    """What *value* is, without its content, which may be secret: `an object with the keys 'a', 'b'`."""
    if isinstance(value, dict):
        keys = ", ".join(quote(str(key), 40) for key in islice(value, 8))
        more = f" and {len(value) - 8} more" if len(value) > 8 else ""
        return f"an object with the keys {keys}{more}" if keys else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return "a number" if isinstance(value, int | float) else f"a Python {type(value).__name__}"


def decode_json(value: object) -> object:
    """The value of JSON text or bytes; anything else as it is.

    Raises:
        BadEvent: not UTF-8, not JSON, nested too deeply, empty or absurdly long.
    """
    if not isinstance(value, str | bytes | bytearray):
        return value
    if len(value) > MAX_TEXT:
        raise BadEvent(
            f"the payload has {len(value):,} bytes, and no platform delivers more than {MAX_TEXT:,}; {CHECK}"
        )
    if not value.strip():
        raise BadEvent(f"the payload is empty, not JSON; {CHECK}")
    try:
        # A file that a Windows editor saved begins with a byte order mark.
        return json.loads((value if isinstance(value, str) else value.decode()).removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        raise BadEvent(f"the payload is not UTF-8 from byte {error.start} on; {CHECK}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadEvent(f"the payload is not JSON ({error.msg} at {where}); {CHECK}") from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of more than 4,300 digits
        raise BadEvent(f"the payload is JSON out of all bounds (nesting or digits); {CHECK}") from error


def at(source: object, *path: str) -> object:
    """What is at *path*; None where there is nothing."""
    for name in path:
        if not isinstance(source, dict):
            return None
        source = source.get(name)
    return source


def text(source: object, *path: str) -> str:
    """The text at *path*, at least one character. Raises BadEvent naming the path."""
    value = at(source, *path)
    name = ".".join(path)
    if value is None:
        raise BadEvent(f"{name} is missing; {CHECK}")
    if not isinstance(value, str):
        raise BadEvent(f"{name} is {describe(value)}, not text; {CHECK}")
    if not value:
        raise BadEvent(f"{name} is empty; {CHECK}")
    if not is_unicode(value):
        raise BadEvent(f"{name} {quote(value)} has a lone surrogate, which no UTF-8 can say; {CHECK}")
    return value


def hint(source: object, *path: str) -> str:
    """The text at *path* if there is a usable one of at most 1,024 characters, else ""."""
    for name in path:  # as `at` does, without the calls: a record is asked for a dozen of these
        if not isinstance(source, dict):
            return ""
        source = source.get(name)
    if not isinstance(source, str) or len(source) > MAX_HINT:
        return ""
    return source if source.isascii() or is_unicode(source) else ""


def items(source: object, name: str) -> list[object]:
    """The list at *name*. Raises BadEvent if it is anything else."""
    value = at(source, name)
    if not isinstance(value, list):
        raise BadEvent(f"{name} is {describe(value)}, not a list; {CHECK}")
    return check_length(value)


def check_length(value: list[object]) -> list[object]:
    """A list that is not absurdly long: `[{},{},…` of 6 MB would be two million errors, and a GiB of memory."""
    if len(value) > MAX_ITEMS:
        raise BadEvent(f"a list of {len(value):,}, and no service sends more than {MAX_ITEMS:,} at once; {CHECK}")
    return value


def size(source: object, *path: str) -> int | None:
    """The number of bytes at *path*; None where the event does not say it."""
    value = at(source, *path)
    is_size = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63
    return value if is_size and isinstance(value, int) else None


def moment(source: object, *path: str) -> datetime | None:
    """The time at *path*, in UTC; None if it is missing, malformed or without a zone, since it serves reports only.

    RFC 3339 with any number of decimals: OCI sends whole seconds or milliseconds, EventGrid nanoseconds, and
    `datetime.fromisoformat` of Python 3.10 knows neither nanoseconds nor `Z`.
    """
    value = at(source, *path)
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not match:
        return None
    *numbers, fraction, universal, sign, hours, minutes = match.groups()
    try:
        year, month, day, hour, minute, second = map(int, numbers)
        microsecond = int((fraction or "0")[:6].ljust(6, "0"))
        if universal:
            return datetime(year, month, day, hour, minute, second, microsecond, timezone.utc)
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(-offset if sign == "-" else offset)
        return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def is_unicode(value: str) -> bool:
    """Whether UTF-8 can say it: JSON may hold half of a surrogate pair."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
