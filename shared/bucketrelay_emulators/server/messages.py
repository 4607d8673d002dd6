"""What goes over HTTP beneath the emulators: requests, what they are about, answers, and who gives them. Values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came, its body read."""

    method: str
    path: str  # percent-encoded, as sent
    query: Mapping[str, str | None]  # decoded; None for a name without "="
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Named:
    """What a request is about."""

    operation: str
    bucket: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. To a HEAD request the body is not sent; `content-length` may then be given as a header."""

    status: int
    body: bytes | memoryview = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class FrontEnd(Protocol):
    """One cloud's HTTP interface."""

    def name(self, incoming: Incoming) -> Named:
        """What the request asks for; must not fail."""

    def answer(self, incoming: Incoming, named: Named) -> Reply:
        """Do it."""

    def refuse(self, incoming: Incoming, status: int, code: str, message: str) -> Reply:
        """An error in this cloud's form."""


def count(text: str) -> int | None:
    """A number as HTTP writes it: `²` is a digit to Python, too, and of 4,301 digits it makes no number at all."""
    return int(text) if re.fullmatch("[0-9]{1,19}", text) else None
