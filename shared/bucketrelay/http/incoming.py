"""Reading from a connection: a buffered socket, and the bodies that answers may have."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from bucketrelay.http.faults import CutShort, HungUp, Malformed, Misaddressed, NoAnswer
from bucketrelay.http.heads import LONGEST, end_of_head, length_of, parse
from bucketrelay.http.messages import Head

if TYPE_CHECKING:
    from bucketrelay.http.tls import TlsSocket

_RECEIVED = 64 * 1024  # bytes asked for while it is not known how many there will be
_ALERT = b"\x15\x03"  # how TLS says no (RFC 8446, 5.1 and 6)
_LONGEST_LINE = 8 * 1024  # of a chunk's size with its extensions, or of a trailer


class Incoming:
    """The receiving side of a socket, with what came early.

    Args:
        wait: sets the socket's timeout for the next read; raises TimeoutError where the time is up.
    """

    __slots__ = ("_at", "_held", "_sock", "_wait")

    def __init__(self, sock: "socket.socket | TlsSocket", wait: Callable[[], None]) -> None:
        self._sock, self._wait = sock, wait
        self._held: bytes | bytearray = b""
        self._at = 0

    @property
    def waiting(self) -> int:
        """Bytes that have come and were not asked for yet."""
        return len(self._held) - self._at

    def comes(self) -> bool:
        """Whether the server says something in time, or hangs up; what it says is kept.

        A socket under TLS being readable says nothing: that may be a ticket for the next session.
        """
        if self.waiting:
            return True
        try:
            self._wait()
            self._held, self._at = self._sock.recv(_RECEIVED), 0
        except OSError as error:
            if late(error):
                return False
            raise HungUp(_why(error)) from error
        return True

    def head(self) -> Head:
        """The next head. Raises HungUp, Malformed."""
        data: bytes | bytearray = self._held[self._at :] if self._at else self._held
        seen = 0
        while True:
            if data and (end := end_of_head(data, seen)) is not None:
                self._held, self._at = data, end[1]
                return parse(memoryview(data)[: end[0]])
            if len(data) > LONGEST:
                raise Malformed(f"a head of more than {LONGEST} bytes")
            seen = len(data)
            more = self._receive(HungUp)
            if not more:
                if bytes(data[:2]) == _ALERT:
                    raise Misaddressed("its address says http, and the server speaks TLS")
                raise HungUp("the server hung up without an answer" if not data else "the answer's head was cut")
            data = more if not data else bytearray(data) + more

    def into(self, view: memoryview, sure: int = 0) -> int:
        """Fill some of *view*; how many bytes, 0 at the connection's end. Raises CutShort where nothing comes.

        Args:
            sure: bytes that are known to come yet. As many of them as fit are waited for, for as long as for any.
        """
        if held := self.waiting:
            count = min(held, len(view))
            view[:count] = memoryview(self._held)[self._at : self._at + count]
            self._at += count
            if self._at == len(self._held):
                self._held, self._at = b"", 0
            return count
        try:
            self._wait()
            if isinstance(self._sock, socket.socket):
                return self._sock.recv_into(view, 0, socket.MSG_WAITALL if sure >= len(view) else 0)
            return self._sock.recv_into(view, sure)
        except OSError as error:
            raise CutShort(_why(error, "no more of the answer")) from error

    def take(self, count: int) -> bytes | None:
        """The next *count* bytes, if they have come already."""
        if self.waiting < count:
            return None
        if not count:
            return b""
        taken = bytes(memoryview(self._held)[self._at : self._at + count])
        self._at += count
        return taken

    def line(self) -> bytes:
        """The next line, without its end. Raises CutShort, Malformed."""
        while (end := self._held.find(b"\n", self._at)) < 0:
            if self.waiting > _LONGEST_LINE:
                raise Malformed("a line without an end")
            more = self._receive(CutShort)
            if not more:
                raise CutShort("the answer was cut")
            self._held, self._at = bytes(self._held[self._at :]) + more, 0
        text = bytes(self._held[self._at : end])
        self._at = end + 1
        return text.rstrip(b"\r")

    def _receive(self, fault: type[NoAnswer]) -> bytes:
        try:
            self._wait()
            return self._sock.recv(_RECEIVED)
        except OSError as error:
            raise fault(_why(error)) from error


class Counted:
    """A body of known length."""

    __slots__ = ("_incoming", "left")

    def __init__(self, incoming: Incoming, length: int) -> None:
        self._incoming, self.left = incoming, length

    def into(self, view: memoryview) -> int:
        """Fill some of *view*; 0 at the body's end. Raises CutShort where it comes too early."""
        if not self.left:
            return 0
        count = self._incoming.into(view[: self.left] if len(view) > self.left else view, self.left)
        if not count:
            raise CutShort(f"the answer was cut, {self.left} bytes before its end")
        self.left -= count
        return count

    def take(self) -> bytes:
        """All that is left. Raises CutShort."""
        if (early := self._incoming.take(self.left)) is not None:
            self.left = 0
            return early
        held = bytearray(self.left)
        with memoryview(held) as view:
            while self.left:
                self.into(view[len(view) - self.left :])
        return bytes(held)


class Chunked:
    """A body in chunks (RFC 9112, 7.1); its trailers are read and dropped."""

    __slots__ = ("_chunk", "_incoming", "left")

    def __init__(self, incoming: Incoming) -> None:
        self._incoming, self._chunk = incoming, 0
        self.left: int | None = None  # unknown until the last chunk: then 0

    def into(self, view: memoryview) -> int:
        """As Counted's."""
        if self.left == 0:
            return 0
        if not self._chunk and not self._next():
            return 0
        count = self._incoming.into(view[: self._chunk] if len(view) > self._chunk else view, self._chunk)
        if not count:
            raise CutShort("the answer was cut within a chunk")
        self._chunk -= count
        if not self._chunk and self._incoming.line():
            raise Malformed("a chunk is longer than it says")
        return count

    def _next(self) -> bool:
        size = self._incoming.line().partition(b";")[0].strip()
        if not 0 < len(size) <= 16 or not all(digit in b"0123456789abcdefABCDEF" for digit in size):
            raise Malformed(f"{size[:20]!r} is no size of a chunk")
        self._chunk = int(size, 16)
        if not self._chunk:
            for _ in range(100):
                if not self._incoming.line():
                    self.left = 0
                    return False
            raise Malformed("more than a hundred trailers")
        return True


class UntilEnd:
    """A body that ends with the connection: of HTTP/1.0, or of a server that says no length."""

    __slots__ = ("_incoming", "left")

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self.left: int | None = None

    def into(self, view: memoryview) -> int:
        """As Counted's, but that no end is too early."""
        return self._incoming.into(view)


Incomings = Counted | Chunked | UntilEnd


def body_of(incoming: Incoming, method: str, head: Head) -> Incomings:
    """The body that follows *head* (RFC 9112, 6.3). Raises Malformed."""
    if method == "HEAD" or head.status in (204, 304) or head.status < 200:
        return Counted(incoming, 0)
    if coding := head.headers.get("transfer-encoding", "").lower():
        if coding != "chunked":
            raise Malformed(f"Transfer-Encoding {coding[:60]!r} was not asked for")
        return Chunked(incoming)
    length = length_of(head.headers)
    return UntilEnd(incoming) if length is None else Counted(incoming, length)


def late(error: OSError) -> bool:
    """Whether it says that a socket's time was up; a blocking one says EAGAIN."""
    return isinstance(error, TimeoutError | BlockingIOError)


def _why(error: OSError, missing: str = "no answer") -> str:
    return f"{missing} in time" if late(error) else str(error) or type(error).__name__
