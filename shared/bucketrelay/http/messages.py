"""What goes over an HTTP connection: requests, the heads of answers, answers. Values, standard library only."""

from collections.abc import Callable, Mapping
from typing import Protocol

from bucketrelay.model import NOTHING
from bucketrelay.store import Write
from bucketrelay.values import dataclass, field


class Pourable(Protocol):
    """A body that comes in blocks. `bucketrelay.store.Stream` is one."""

    @property
    def length(self) -> int:
        """Bytes in all."""

    @property
    def pour(self) -> Callable[[Write], object]:
        """Hands every block, from the first byte on, to the function that it is given; once for each attempt.

        What that function raises must pass through it.
        """


Body = bytes | bytearray | memoryview | Pourable
PLAIN = (bytes, bytearray, memoryview)  # bodies that are bytes; a tuple, as `isinstance` makes a union anew each time


@dataclass(frozen=True, slots=True)
class Request:
    """One request to an origin.

    Attributes:
        target: path and query, percent-encoded; never decoded or normalised from here on.
        headers: beyond Host, Content-Length, Accept-Encoding and User-Agent, which the connection adds where they are
            not given.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    body: Body = b""

    @property
    def length(self) -> int:
        """Bytes of the body."""
        body = self.body
        return len(body) if isinstance(body, PLAIN) else body.length


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer.

    Attributes:
        headers: names in lower case, values as Latin-1 text without blanks around; what came twice is joined by ", ".
        keeps: the connection stays open after this answer (RFC 9112, 9.3).
    """

    status: int
    headers: Mapping[str, str]
    keeps: bool = True


@dataclass(frozen=True, slots=True)
class Into:
    """Where an object's bytes go.

    Attributes:
        to: takes the blocks, or is the memory that they are to fill.
        length: how many bytes are wanted: that many are handed on, or the answer counts as cut, and what follows is
            dropped. -1: all there are. Memory is filled to its end.
        once: what was handed on cannot be handed on again: `http.exchange` does not repeat the request after that.
    """

    to: Write | memoryview
    length: int = -1
    once: bool = False


# Sees the head of an answer of 200 to 299 and says where its body goes; None: it is read whole, as a document.
# What it raises passes through, and the connection is closed.
Receive = Callable[[Head], Into | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that has come whole.

    Attributes:
        body: the document; empty if the body went elsewhere.
        bodiless: it came in place of `100 Continue`, and the request's body was not sent: so nothing was done.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    bodiless: bool = False
