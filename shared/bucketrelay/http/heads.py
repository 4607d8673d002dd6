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
_END = re.compile(rb"\r?\n\r?\n")


def end_of_head(data: bytes | bytearray, seen: int) -> tuple[int, int] | None:
    """Where the head ends and where the body begins; None if there is more of the head to come.

    Args:
        seen: bytes that were looked through in vain before.
    """
    at = data.find(b"\r\n\r\n", max(0, seen - 3))
    if at >= 0:
        return at, at + 4
    found = _END.search(data, max(0, seen - 3))  # a bare line feed ends a line too (RFC 9112, 2.2)
    return (found.start(), found.end()) if found else None


def parse(data: bytes | bytearray | memoryview) -> Head:
    """Status and headers of a whole head, without the blank line at its end. Raises Malformed."""
    lines = str(data, "latin-1").split("\n")
    status = _STATUS.fullmatch(lines[0].rstrip("\r"))
    if status is None:
        raise Malformed(f"{lines[0][:60]!r} is no answer of HTTP/1")
    headers: dict[str, str] = {}
    name = ""
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and name:  # folded, as RFC 9112 (5.2) forbids and old servers do
            headers[name] = f"{headers[name]} {_text(line)}".strip()
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t").lower()
        if not colon or not name:
            raise Malformed(f"{line[:60]!r} is no header")
        value = _text(value)
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


def _text(value: str) -> str:
    value = value.strip(" \t\r")
    return value.replace("\r", " ") if "\r" in value else value  # RFC 9112, 2.2: a bare one is a blank
