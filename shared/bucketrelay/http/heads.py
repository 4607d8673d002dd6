"""The head of an answer, from its bytes. Pure.

`http.client` reads heads by the e-mail package, which costs as much as the rest of a small request, and refuses more
than a hundred headers; objects with more metadata than that exist. Sources: RFC 9112 (2.2, 4, 5), RFC 9110 (5.2, 5.3).
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from bucketrelay.http.faults import Malformed
from bucketrelay.http.messages import Head

LONGEST = 256 * 1024  # bytes: four times what the largest metadata of any store comes to
_STATUS = re.compile(r"HTTP/1\.([0-9]) +([1-9][0-9]{2})(?: .*)?", re.DOTALL)
_FOLD = re.compile(r"[ \t]*\n[ \t]+")  # as RFC 9112 (5.2) forbids and old servers do
_BLANKS = (" ", "\t")
_END = re.compile(rb"\r?\n\r?\n")
# What servers have written so far: each writes the same lines and names again and again. And how much of it is kept.
_STATUSES: dict[str, tuple[int, bool]] = {}
_NAMES: dict[str, str] = {}
_KNOWN, _SHORT = 512, 64
T = TypeVar("T")


def end_of_head(data: bytes | bytearray, seen: int) -> tuple[int, int] | None:
    """Where the head ends and where the body begins; None if there is more of the head to come.

    Args:
        seen: bytes that were looked through in vain before.
    """
    at = data.find(b"\r\n\r\n", max(0, seen - 3))
    if at >= 0:
        return at, at + 4
    match = _END.search(data, max(0, seen - 3))  # a bare line feed ends a line too (RFC 9112, 2.2)
    return (match.start(), match.end()) if match else None


def parse(data: bytes | bytearray | memoryview) -> Head:
    """Status and headers of a whole head, without the blank line at its end. Raises Malformed."""
    text = str(data, "latin-1")
    lines = text.split("\r\n")
    rest = "".join(lines)  # looked through by the word, where counting goes by the letter
    if "\n" in rest or "\r" in rest or not lines[-1]:
        lines = _mend(text)
    status, newer = _STATUSES.get(lines[0]) or _status(lines[0])
    headers = _usual(lines)
    if headers is None:
        try:
            headers = _headers(lines)
        except _Folded:
            headers = _headers(_mend(text), folded=True)
    connection = headers.get("connection", "").lower()
    return Head(status, headers, "close" not in connection and (newer or "keep-alive" in connection))


class _Folded(Exception):
    """A line goes on in the next."""


def _usual(lines: list[str]) -> dict[str, str] | None:
    """The headers behind the first line, where each has a name that is known and no other has: in half of the time."""
    headers: dict[str, str] = {}
    known = _NAMES
    try:
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if not value:  # nor is there a colon, perhaps
                return None
            headers[known[name]] = value.strip(" \t")
    except KeyError:
        return None
    return headers if len(headers) == len(lines) - 1 else None


def _headers(lines: list[str], *, folded: bool = False) -> dict[str, str]:
    """The headers behind the first line. Raises _Folded, unless *folded* says that nothing is any more."""
    headers: dict[str, str] = {}
    known = _NAMES.get
    for line in lines[1:]:
        written, colon, value = line.partition(":")
        name = (known(written) if colon else None) or _name(written, colon, folded=folded)
        value = value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _mend(text: str) -> list[str]:
    """The lines of a head that is not written as RFC 9112 wants it."""
    text = text.replace("\r\n", "\n").replace("\r", " ")  # RFC 9112, 2.2: a bare one is a blank
    first, _, rest = text.partition("\n")
    return [first, *(_FOLD.sub(" ", rest).split("\n") if rest else ())]


def _status(line: str) -> tuple[int, bool]:
    """The status in a head's first line, and whether that is not of HTTP/1.0."""
    match = _STATUS.fullmatch(line)
    if match is None:
        raise Malformed(f"{line[:60]!r} is no answer of HTTP/1")
    return _keep(_STATUSES, line, (int(match[2]), match[1] != "0"))


def _name(written: str, colon: str, *, folded: bool) -> str:
    """A header's name in lower case."""
    if written[:1] in _BLANKS and not folded:
        raise _Folded
    name = written.rstrip(" \t").lower()
    if not colon or not name:
        raise Malformed(f"{written[:60]!r} is no header")
    return _keep(_NAMES, written, name)


def _keep(known: dict[str, T], text: str, value: T) -> T:
    """*value*, which *text* is known to mean from now on."""
    if len(known) < _KNOWN and len(text) < _SHORT:
        known[text] = value
    return value


def length_of(headers: Mapping[str, str]) -> int | None:
    """Content-Length; None where there is none. Raises Malformed where it is no number, or two."""
    text = headers.get("content-length")
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 19:  # not a word more, as nearly always
        return int(text)
    numbers = {part.strip() for part in text.split(",")}
    number = numbers.pop()
    if numbers or not (number.isascii() and number.isdigit()) or len(number) > 19:
        raise Malformed(f"Content-Length {text[:60]!r} is no number")
    return int(number)
