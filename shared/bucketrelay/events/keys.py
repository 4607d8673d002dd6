"""Keys as the clouds write them into events. Each is decoded exactly once, by the rule of its dialect."""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import CHECK, hint, quote, text
from bucketrelay.model import Change

MAX_KEY = 1024  # bytes of UTF-8: S3, OBS and OCI agree
MAX_BUCKET = 256  # bytes: OCI's limit, the widest
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

RAW_REMEDY = 'if this server writes keys as they are, say event_keys = "raw" in its store'

Decode = Callable[[str], str]


def raw(key: str) -> str:
    """A key that is sent as it is: EventBridge, OCI, EventGrid without `Key_encode`."""
    return _legal(key)


def decode_form(key: str, *, remedy: str = CHECK) -> str:
    """A form-URL-encoded key, as in `Records` and S3 Batch Operations: `a+b%2Bc` is `a b+c`."""
    return _legal(_strictly(key.replace("+", " "), key, remedy))


def decode_percent(key: str) -> str:
    """A percent-encoded key, where a plus is a plus: `a+b%20c` is `a+b c`."""
    return _legal(_strictly(key, key, CHECK))


def place(
    source: object, bucket: tuple[str, ...], key: tuple[str, ...], *, decode: Decode, change: Change
) -> tuple[str, str]:
    """The bucket and the key at these paths.

    Of an event that asks for nothing they are read as far as they can be: an unknown kind of event may have other
    fields, and to refuse it would have it delivered again and again.

    Raises:
        BadEvent: there is something to do, and bucket or key are missing or malformed.
    """
    try:
        return _bucket(text(source, *bucket)), decode(text(source, *key))
    except BadEvent:
        if change is Change.IGNORED:
            return hint(source, *bucket), ""
        raise


def _bucket(name: str) -> str:
    if len(name.encode()) > MAX_BUCKET:
        raise BadEvent(f"bucket name {quote(name)} has more than {MAX_BUCKET} bytes; {CHECK}")
    return name


def _strictly(escaped: str, key: str, remedy: str) -> str:
    """What *escaped* says; *key* is how it came."""
    # Left to itself, urllib's unquote puts U+FFFD for bytes that are not UTF-8 and keeps a lone `%`: a wrong key that
    # looks like a right one, and a delete would follow it.
    if "%" not in escaped:
        return escaped
    if _LONE_PERCENT.search(key):
        raise BadEvent(f"key {quote(key)} is not URL-encoded (it has a bare %); {remedy}")
    try:
        return unquote_to_bytes(escaped).decode()
    except UnicodeDecodeError as error:
        raise BadEvent(f"key {quote(key)} is not URL-encoded UTF-8: its escapes are other bytes; {remedy}") from error


def _legal(key: str) -> str:
    length = len(key.encode())
    if length > MAX_KEY:
        raise BadEvent(f"key {quote(key)} has {length:,} bytes of UTF-8, and no store takes more than 1,024; {CHECK}")
    return key
