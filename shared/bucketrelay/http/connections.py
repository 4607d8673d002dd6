"""Connections to one server, kept between requests and shared by threads: HTTP/1.1 over plain sockets.

How a store or a forward uses it:

    connections = Connections("https://bucket.s3.eu-central-1.amazonaws.com", ca_file="", timeout=10.0)
    answer = connections.send(Request("GET", "/a%20b.txt", {"range": "bytes=0-99"}), repeatable=True)
    answer.status, answer.headers["etag"], answer.body

Every status is an answer, a redirect too: nothing is followed. What is no answer raises one of `http.faults`. Most
callers want `http.exchange`, which signs, repeats, and says what an answer means.

An object's bytes do not become a document: `receive` sees the head of a 2xx answer and says where they go, block by
block or straight into memory. Likewise a body to be sent is bytes, or pours itself block by block.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

from bucketrelay import deadline as deadlines
from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError
from bucketrelay.http import trace
from bucketrelay.http.connection import Connection
from bucketrelay.http.faults import HungUp, Interrupted, NoAnswer, NotSent
from bucketrelay.http.messages import Answer, Receive, Request
from bucketrelay.http.origin import Ahead, Connect, Origin
from bucketrelay.http.outgoing import head_of
from bucketrelay.store import LONGEST_DOCUMENT

_KEPT = 64  # idle connections
_IDLE = 55.0  # seconds; most front doors close after 60
_IDLE_FOR_WRITES = 5.0  # seconds: a connection that ends under a write leaves its outcome open
_AT_ONCE = 0.2  # seconds
_ASKING = 1024 * 1024  # bytes from which on the server is asked whether it wants a body


class Connections:
    """The connections to one origin; for many threads.

    Args:
        url: scheme, host and port; what follows is not looked at.
        ca_file: authorities to trust instead of the system's.
        timeout: seconds to connect, and for each read and write; less where the thread's deadline has less left.
        environ: holds the proxies; see `http.proxies`.
        connect: opens a socket to host and port within seconds.

    Raises:
        ConfigError: *url* or a proxy's is no address of the web.
    """

    def __init__(
        self,
        url: str,
        *,
        ca_file: str = "",
        timeout: float = 10.0,
        environ: Mapping[str, str] = os.environ,
        connect: Connect = socket.create_connection,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = Origin(url, ca_file, timeout, environ, connect, now)
        self.host, self._timeout, self._now = self.origin.host, timeout, now
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._ahead: Ahead | None = None
        self._asks = True  # whether the server answers `Expect: 100-continue`

    def close(self) -> None:
        """Close all connections, those that threads are waiting at too; the next request opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
            ahead, self._ahead = self._ahead, None
            if ahead is not None:
                ahead.wanted = False
            for connection in self._busy:
                connection.abort()
        for connection in idle:
            connection.close()

    @property
    def ready(self) -> bool:
        """Whether one is open and idle, with no proxy between: to open one may take longer than any deadline."""
        return bool(self._idle) and self.origin.direct

    def handshake(self) -> Callable[[], None] | None:
        """The work of opening a connection before there is a request for it; for another thread to do.

        The first request meanwhile waits for this connection, and raises what went wrong with it; where none waits,
        nobody is told. None where one is open, or about to be.
        """
        with self._lock:
            if self._idle or self._busy or self._ahead:
                return None
            ahead = self._ahead = Ahead()
        deadline = deadlines.current()
        return lambda: self._open_ahead(ahead, deadline)

    def send(
        self,
        request: Request,
        receive: Receive | None = None,
        *,
        repeatable: bool,
        longest: int = LONGEST_DOCUMENT,
        whole: bool = True,
    ) -> Answer:
        """The answer to one request, whatever its status; within the deadline of the calling thread.

        Args:
            receive: see `messages.Receive`; without it, and for what is not 2xx, the body comes as a document.
            repeatable: the request may be done twice: it is sent again at once where a connection that was kept turns
                out to have been closed meanwhile; and it may go over one that has been idle for long.
            longest: bytes of a document; if *whole*, a longer one is Malformed, else it ends there.

        Raises:
            NoAnswer: see `http.faults`.
            BodyFailed: the request's body could not be had.
            Exception: what *receive* raised.
        """
        began = self._now() if trace.listened() else 0.0
        try:
            answer = self._send(request, receive, repeatable=repeatable, longest=longest, whole=whole)
        except NoAnswer as error:
            trace.tell(request.method, self.origin.url, request.target, str(error), self._now() - began)
            raise
        if trace.listened():
            words = f"{answer.status}, {answer.headers.get('content-length', len(answer.body))} bytes"
            trace.tell(request.method, self.origin.url, request.target, words, self._now() - began)
        return answer

    def ask(self, request: Request) -> "Pending | None":
        """Send a request without a body, that may be done twice, and do not wait: two waits for two servers become one.

        None, and nothing is sent, where no connection is open, nor about to be: to open one is to wait.
        """
        head = head_of(request, self.host, through=self.origin.through, asking=False)
        try:
            connection = self._take_idle(repeatable=True)
        except NoAnswer:
            return None
        if connection is None:
            return None
        connection.open = False
        try:
            connection.ask(head, deadlines.current())
        except Interrupted:
            self._release(connection)
            return None
        return Pending(self, connection, request)

    def hear(self, pending: "Pending") -> Answer:
        """The answer to what was asked: asked once more, where its connection has ended meanwhile. As `send`."""
        began, request, connection = self._now(), pending.request, pending.take()
        try:
            head = connection.hear()
            answer = connection.receive(request, head, None, longest=LONGEST_DOCUMENT, whole=True)
        except HungUp:
            return self.send(request, repeatable=True)
        finally:
            self._release(connection)
        if trace.listened():
            words = f"{answer.status}, asked before"
            trace.tell(request.method, self.origin.url, request.target, words, self._now() - began)
        return answer

    def drop(self, pending: "Pending") -> None:
        """Close the connection of an answer that nobody wants any more; fine where it was had."""
        if pending.waits:
            self._release(pending.take())

    def _send(
        self, request: Request, receive: Receive | None, *, repeatable: bool, longest: int, whole: bool
    ) -> Answer:
        asking = self._asks and request.length >= _ASKING
        head = head_of(request, self.host, through=self.origin.through, asking=asking)
        deadline, kept = deadlines.current(), self._take_idle(repeatable=repeatable)
        for connection in (kept, None) if kept else (None,):
            used = connection or self._take(self.origin.open(deadline))
            used.open = False
            try:
                told = used.send(head, request, deadline, asking=asking)
                answer = used.receive(request, told, receive, longest=longest, whole=whole)
            except Interrupted as error:
                if error.by is not used:  # another request's, whose body this one reads
                    raise
                if connection is None and error.bodiless:
                    raise NotSent(f"the server hung up before it was sent the body ({error.__cause__})") from error
                if connection is None or not (error.first or repeatable):
                    raise HungUp(f"{error} ({error.__cause__})") from error
                continue
            except HungUp:
                if connection is None or not repeatable:
                    raise
                continue
            finally:
                self._release(used)
            return answer if answer.status != 417 or not asking else self._send_unasking(request, receive, longest)
        raise AssertionError

    def _take(self, connection: Connection) -> Connection:
        with self._lock:
            self._busy.add(connection)
        return connection

    def _send_unasking(self, request: Request, receive: Receive | None, longest: int) -> Answer:
        """The answer to a request that was refused for asking: 417, and nothing was done (RFC 9110, 15.5.18)."""
        self._asks = False
        return self._send(request, receive, repeatable=False, longest=longest, whole=True)

    def _take_idle(self, *, repeatable: bool) -> Connection | None:
        """The connection used last, of those that are still open and not idle for too long; the others are closed.

        It is among the busy ones from then on. Raises what `Origin.open` raises, where one was opened ahead in vain.
        """
        idle = _IDLE if repeatable else _IDLE_FOR_WRITES
        while True:
            with self._lock:
                ahead = None if self._idle else self._ahead
                if self._idle:
                    connection = self._idle.pop()
                    self._busy.add(connection)
                elif ahead is None or ahead.awaited:
                    return None
                else:
                    ahead.awaited = True
            if ahead is not None:
                ahead.wait(min(self._timeout, deadlines.current().remaining()))
                continue
            rested = self._now() - connection.idle_since
            # What may be sent again need not be asked for between two requests: it costs a call of the system.
            if rested < idle and ((repeatable and rested < _AT_ONCE) or not connection.stale()):
                return connection
            connection.open = False
            self._release(connection)

    def _release(self, connection: Connection) -> None:
        if connection.deaf:
            self._asks = False
        with self._lock:
            self._busy.discard(connection)
            if connection.open and len(self._idle) < _KEPT:
                self._idle.append(connection)
                return
        connection.close()

    def _open_ahead(self, ahead: Ahead, deadline: Deadline) -> None:
        connection: Connection | None = None
        try:
            connection = self.origin.open(deadline)
        except (NoAnswer, RelayError) as error:
            ahead.error = error
        with self._lock:
            if ahead.wanted:
                self._ahead = None
                if connection is not None:
                    self._idle.append(connection)
                    connection = None
        ahead.end()
        if connection is not None:
            connection.close()


class Pending:
    """A request that was sent, and whose answer nobody has waited for yet. For one thread."""

    __slots__ = ("_connection", "_connections", "request")

    def __init__(self, connections: Connections, connection: Connection, request: Request) -> None:
        self._connections, self.request = connections, request
        self._connection: Connection | None = connection

    @property
    def waits(self) -> bool:
        """Whether its answer has not been taken yet."""
        return self._connection is not None

    def take(self) -> Connection:
        """The connection that it comes on; once."""
        taken, self._connection = self._connection, None
        assert taken is not None, "asked once, heard once"
        return taken

    def hear(self) -> Answer:
        """See Connections.hear."""
        return self._connections.hear(self)

    def drop(self) -> None:
        """See Connections.drop."""
        self._connections.drop(self)
