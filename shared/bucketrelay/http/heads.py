"""The head of an answer, from its bytes. Pure.

`http.client` reads heads by the e-mail package, which costs as much as the rest of a small request, and refuses more
than a hundred headers; objects with more metadata than that exist. Sources: RFC 9112 (2.2, 4, 5), RFC 9110 (5.2, 5.3).
"""

import re
from collections.abc import Mapping

from bucketrelay.http.faults import Malformed
from bucketrelay.http.messages import Head

LONGEST = 256 * 1024  # bytes: four times what the largest metadata of any store comes to
_STATUS = re.compile(r"HTTP/1\.([0-9]) +([1-9][0-9]{2})(?: .*)?", re.DOTALL)
_FOLD = re.compile(r"[ \t]*\n[ \t]+")  # as RFC 9112 (5.2) forbids and old servers do
_END = re.compile(rb"\r?\n\r?\n")


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
    text = str(data, "latin-1").replace("\r\n", "\n")
    if "\r" in text:
        text = text.replace("\r", " ")  # RFC 9112, 2.2: a bare one is a blank
    first, _, rest = text.partition("\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise Malformed(f"{first[:60]!r} is no answer of HTTP/1")
    if "\n " in rest or "\n\t" in rest:
        rest = _FOLD.sub(" ", rest)
    headers: dict[str, str] = {}
    for line in rest.split("\n") if rest else ():
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t").lower()
        if not colon or not name:
            raise Malformed(f"{line[:60]!r} is no header")
        value = value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    connection = headers.get("connection", "").lower()
    return Head(int(status[2]), headers, "close" not in connection and (status[1] != "0" or "keep-alive" in connection))


def length_of(headers: Mapping[str, str]) -> int | None:
    """Content-Length; None where there is none. Raises Malformed where it is no number, or two."""
    text = headers.get("content-length")
    if text is None:
        return None
    numbers = {part.strip() for part in text.split(",")}
    number = numbers.pop()
    if numbers or not (number.isascii() and number.isdigit()) or len(number) > 19:
        raise Malformed(f"Content-Length {text[:60]!r} is no number")
    return int(number)
