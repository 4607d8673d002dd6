"""One connection to a server: one request after another on one socket."""

import math
import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from bucketrelay.deadline import Deadline
from bucketrelay.http.faults import CutShort, HungUp, Interrupted, Malformed, NoAnswer
from bucketrelay.http.incoming import Counted, Incoming, Incomings, body_of
from bucketrelay.http.messages import PLAIN, Answer, Body, Head, Into, Receive, Request
from bucketrelay.http.outgoing import pour
from bucketrelay.store import BLOCK

if TYPE_CHECKING:
    from bucketrelay.http.tls import TlsSocket

_AT_ONCE = 64 * 1024  # bytes of a body that go out with the head, in one packet or few
_DROPPED = 64 * 1024  # bytes of an unwanted answer that cost less than a new connection
_CONTINUE = 1.0  # seconds that a server gets to say whether it wants the body; then it gets it
_EARLY = 2.0  # seconds to read why a server hung up while it was being written to
_PATIENCE = 6  # times the timeout in all for a head, a document or a block: a server that drips is not waited for
_LARGE = 1024 * 1024  # bytes of a body from which on its server may be silent for as long before it answers


class Connection:
    """A connected socket. Whatever one of its methods raises leaves it unusable: close it.

    Args:
        timeout: seconds for each read or write; never more than the deadline has left.
        now: a monotonic clock.
    """

    __slots__ = (
        "_bodiless",
        "_deadline",
        "_each",
        "_fits_until",
        "_limit",
        "_now",
        "_poll",
        "_sock",
        "_timeout",
        "_until",
        "answers",
        "deaf",
        "idle_since",
        "incoming",
        "open",
    )

    def __init__(
        self, sock: "socket.socket | TlsSocket", timeout: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._sock, self._timeout, self._now = sock, timeout, now
        self._each = timeout  # seconds for the next read or write
        self._limit = 0.0  # seconds that the system waits for the socket
        self._fits_until = -math.inf  # while that need not be compared with what is left
        self._deadline, self._until = Deadline(), now()
        self.incoming = Incoming(sock, self._wait)
        if not isinstance(sock, socket.socket):
            sock.wait = self._wait
        self._poll: select.poll | None = None  # made with the first question
        self.answers = 0  # that have come on it
        self.deaf = False  # the server has nothing to say to `Expect: 100-continue`
        self._bodiless = False  # the answer came instead of `100 Continue`, and the body was not sent
        self.open = False  # whether another request may follow the last answer
        self.idle_since = self._until

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self._sock.close()

    def abort(self) -> None:
        """End whatever another thread waits for on this connection; that thread closes it."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def stale(self) -> bool:
        """Whether there is something to read although nothing was asked: that can only be the connection's end."""
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._sock, select.POLLIN)
        return self.incoming.waiting > 0 or bool(self._poll.poll(0))

    def send(self, head: bytes, request: Request, deadline: Deadline, *, asking: bool) -> Head:
        """Send a request; the head of its answer.

        Args:
            head: of the request, as bytes.
            asking: the head asks for `100 Continue`: send the body when the server has said so, or nothing in a second.

        Raises:
            Interrupted: nothing of the request may have arrived, and there was no answer.
            HungUp, Malformed: there was no whole answer.
            BodyFailed: the body could not be had.
        """
        self._begin(deadline)
        body, early, apart = request.body, None, False
        try:
            if not asking and isinstance(body, PLAIN) and len(body) <= _AT_ONCE:
                self._write(head + body if body else head, first=True)
            else:
                apart = True
                early = self._write_apart(head, body, asking=asking)
        except Interrupted as error:
            if error.by is not self:
                raise
            return self._farewell(error)
        if early:
            return early
        if apart and request.length >= _LARGE:
            # It has a body to store, and may do other work first: `rclone serve s3` answers a part when it has written
            # those after it, too. Sent again too early, that part is confirmed while they are not yet written, and the
            # commit that follows is refused: 512 MiB did not arrive there on a busy machine.
            self._each, self._fits_until = _PATIENCE * self._timeout, -math.inf
        told = self._final(self.incoming.head())
        if self._each != self._timeout:
            self._each, self._fits_until = self._timeout, -math.inf
        return told

    def ask(self, head: bytes, deadline: Deadline) -> None:
        """Send a request that has no body, and do not wait. Raises Interrupted."""
        self._begin(deadline)
        self._write(head, first=True)

    def hear(self) -> Head:
        """The head of the answer to what `ask` has sent. Raises HungUp, Malformed."""
        self._patient()
        return self._final(self.incoming.head())

    def receive(self, request: Request, head: Head, receive: Receive | None, *, longest: int, whole: bool) -> Answer:
        """The rest of an answer whose *head* has come. Sets `open`.

        Args:
            longest: bytes of a document; *whole*: a longer one is Malformed, else it is cut there.

        Raises:
            CutShort, Malformed: and whatever *receive* and its taker raise.
        """
        self.answers += 1
        body = body_of(self.incoming, request.method, head)
        into = receive(head) if receive and 200 <= head.status < 300 else None
        document = b""
        if into is not None:
            self._patient()
            self._hand_over(body, into)
        elif body.left != 0:
            self._patient()
            document = self._document(body, longest, whole=whole)
        self.open = head.keeps and (body.left == 0 or self._ended(body)) and not self.incoming.waiting
        self.idle_since = self._now()
        return Answer(head.status, head.headers, document, self._bodiless)

    def _begin(self, deadline: Deadline) -> None:
        self._deadline, self._each = deadline, self._timeout
        self._fits_until, self._bodiless = -math.inf, False

    def _write_apart(self, head: bytes, body: Body, *, asking: bool) -> Head | None:
        """Write the head, and the body behind it; what the server answers instead of wanting that."""
        self._write(head, first=True)
        if asking and (early := self._refusal()) is not None:
            return early
        pour(body, self._write)
        return None

    def _write(self, data: bytes | bytearray | memoryview, *, first: bool = False) -> None:
        try:
            self._patient()
            self._wait()
            self._sock.sendall(data)
        except OSError as error:
            raise Interrupted(self, first=first) from error

    def _refusal(self) -> Head | None:
        """What a server answers instead of `100 Continue`; None where it wants the body, or has nothing to say."""
        self._patient(_CONTINUE)
        try:
            if not self.incoming.comes():
                self.deaf = True
                return None
            self._patient()
            head = self.incoming.head()
            if head.status == 100:
                return None
            head = self._final(head)
        except HungUp as error:
            raise Interrupted(self, first=True, bodiless=True) from error
        self._bodiless = True
        return Head(head.status, head.headers, keeps=False)  # the server may still wait for the body

    def _farewell(self, error: Interrupted) -> Head:
        """The answer of a server that hung up early; *error* where there is none."""
        self._patient(_EARLY)
        try:
            head = self._final(self.incoming.head())
        except NoAnswer:
            raise error from None
        return Head(head.status, head.headers, keeps=False)

    def _final(self, head: Head) -> Head:
        """The first head that is an answer: what is below 200 announces another."""
        for _ in range(10):
            if head.status >= 200:
                return head
            head = self.incoming.head()
        raise Malformed(f"a server that says {head.status} ten times")

    def _hand_over(self, body: Incomings, into: Into) -> None:
        if isinstance(into.to, memoryview):
            self._fill(body, into.to)
            return
        block = memoryview(bytearray(BLOCK if into.length < 0 else min(BLOCK, into.length)))
        left = into.length
        while left:
            self._patient()
            view = block if left < 0 else block[:left]
            filled = self._some(body, view)
            if filled:
                into.to(view[:filled])
            if filled < len(view):
                if left > 0:
                    raise CutShort(f"the answer ended {left - filled} bytes too early")
                return
            left = left - filled if left > 0 else left

    def _fill(self, body: Incomings, view: memoryview) -> None:
        for start in range(0, len(view), BLOCK):
            self._patient()
            part = view[start : start + BLOCK]
            if self._some(body, part) < len(part):
                raise CutShort(f"the answer ended before {len(view)} bytes")

    @staticmethod
    def _some(body: Incomings, view: memoryview) -> int:
        """Fill *view*; fewer bytes only at the body's end."""
        filled = 0
        while filled < len(view) and (count := body.into(view[filled:])):
            filled += count
        return filled

    def _document(self, body: Incomings, longest: int, *, whole: bool) -> bytes:
        if isinstance(body, Counted) and body.left <= longest:
            return body.take()
        held = bytearray()
        piece = memoryview(bytearray(_DROPPED))
        while count := body.into(piece):
            held += piece[:count]
            if len(held) > longest:
                if whole:
                    raise Malformed(f"an answer of more than {longest} bytes")
                return bytes(held[:longest])
        return bytes(held)

    def _ended(self, body: Incomings) -> bool:
        """Whether nothing is left of the body, or so little that it can be read and dropped."""
        if body.left is not None and body.left > _DROPPED:
            return False
        with suppress(NoAnswer):
            if body.left != 0:
                piece = memoryview(bytearray(_DROPPED))
                self._until, self._fits_until = min(self._until, self._now() + _CONTINUE), -math.inf
                body.into(piece)
                body.into(piece)  # of chunks: the last, which is empty
            return body.left == 0
        return False

    def _patient(self, seconds: float | None = None) -> None:
        """Wait from now on for so long in all, whatever comes meanwhile."""
        if seconds is not None:  # less than usual
            self._fits_until = -math.inf
        self._until = self._now() + (_PATIENCE * self._timeout if seconds is None else seconds)

    def _wait(self) -> None:
        now = self._now()
        if now < self._fits_until:
            return
        patience = self._until - now
        end = min(self._deadline.remaining(), patience)
        left = min(self._each, end)
        if left <= 0:
            raise TimeoutError
        if not 0.8 * self._limit <= left <= 1.25 * self._limit:  # each change is a call of the system's
            self._limit = left
            self._set(left)
        if left < patience:  # which is renewed; the rest only gets less, and this fits until so much less is left
            self._fits_until = now + min(end, _PATIENCE * self._timeout) - 0.8 * self._limit

    def _set(self, seconds: float) -> None:
        """Have the system give up on the socket after so long. The socket itself stays in blocking mode, see `tls`."""
        whole = int(seconds)
        value = struct.pack("ll", whole, max(1, int((seconds - whole) * 1e6)))
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
