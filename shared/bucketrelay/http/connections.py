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
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bucketrelay import deadline as deadlines
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, RelayError
from bucketrelay.http import trace
from bucketrelay.http.connection import Connection, Interrupted
from bucketrelay.http.faults import HungUp, Misaddressed, NoAnswer, NotSent, Untrusted
from bucketrelay.http.incoming import Incoming
from bucketrelay.http.messages import Answer, Receive, Request
from bucketrelay.http.outgoing import head_of
from bucketrelay.http.proxies import Proxy, proxy_for
from bucketrelay.http.trust import context
from bucketrelay.store import LONGEST_DOCUMENT

if TYPE_CHECKING:
    import ssl

    from bucketrelay.http.tls import TlsSocket

Connect = Callable[[tuple[str, int], float], socket.socket]
_PORTS = {"http": 80, "https": 443}
_KEPT = 64  # idle connections
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})  # OpenSSL's words for what is no TLS
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
        self.scheme, self.host, self._name, self._port = _origin(url)
        self._ca_file, self._timeout, self._connect, self._now = ca_file, timeout, connect, now
        self._proxy = proxy_for(self.scheme, self._name, self._port, environ)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._ahead: _Ahead | None = None
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

    def handshake(self) -> Callable[[], None] | None:
        """The work of opening a connection before there is a request for it; for another thread to do.

        The first request meanwhile waits for this connection, and raises what went wrong with it; where none waits,
        nobody is told. None where one is open, or about to be.
        """
        with self._lock:
            if self._idle or self._busy or self._ahead:
                return None
            ahead = self._ahead = _Ahead()
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
            trace.tell(request.method, f"{self.scheme}://{self.host}", request.target, str(error), self._now() - began)
            raise
        if trace.listened():
            words = f"{answer.status}, {answer.headers.get('content-length', len(answer.body))} bytes"
            trace.tell(request.method, f"{self.scheme}://{self.host}", request.target, words, self._now() - began)
        return answer

    def ask(self, request: Request) -> "Pending | None":
        """Send a request without a body, that may be done twice, and do not wait: two waits for two servers become one.

        None, and nothing is sent, where no connection is open, nor about to be: to open one is to wait.
        """
        try:
            connection = self._take_idle(repeatable=True)
        except NoAnswer:
            return None
        if connection is None:
            return None
        connection.open = False
        try:
            connection.ask(head_of(request, self.host, through=self._through(), asking=False), deadlines.current())
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
            trace.tell(request.method, f"{self.scheme}://{self.host}", request.target, words, self._now() - began)
        return answer

    def drop(self, pending: "Pending") -> None:
        """Close the connection of an answer that nobody wants any more; fine where it was had."""
        if pending.waits:
            self._release(pending.take())

    def _through(self) -> str:
        return (self._proxy.authorization or " ") if self._proxy and self.scheme == "http" else ""

    def _send(
        self, request: Request, receive: Receive | None, *, repeatable: bool, longest: int, whole: bool
    ) -> Answer:
        asking = self._asks and request.length >= _ASKING
        head = head_of(request, self.host, through=self._through(), asking=asking)
        deadline, kept = deadlines.current(), self._take_idle(repeatable=repeatable)
        for connection in (kept, None) if kept else (None,):
            used = connection or self._take(self._open(deadline))
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

        It is among the busy ones from then on. Raises what `_open` raises, where one was opened ahead in vain.
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

    def _open_ahead(self, ahead: "_Ahead", deadline: Deadline) -> None:
        connection: Connection | None = None
        try:
            connection = self._open(deadline)
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

    def _open(self, deadline: Deadline) -> Connection:
        """A new connection. Raises NotSent, Untrusted, and StoreRefused where ca_file cannot be read."""
        trusted = context(self._ca_file) if self.scheme == "https" else None
        left = min(self._timeout, deadline.remaining())
        if left <= 0:
            raise NotSent("no time is left to connect")
        name, port = (self._proxy.host, self._proxy.port) if self._proxy else (self._name, self._port)
        try:
            place: Any = _plain(name), port
            sock = self._connect(place, left)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name of more than 63 letters between dots
            raise NotSent(f"cannot be reached: {_why(error)}") from error
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(left)
            ready = self._secure(sock, trusted, left) if trusted else sock
            sock.settimeout(None)  # from here on the system itself gives up in time, see `Connection`
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError):
                raise _error_of(error) from error
            raise
        return Connection(ready, self._timeout, self._now)

    def _secure(self, sock: socket.socket, trusted: "ssl.SSLContext", seconds: float) -> "TlsSocket":
        from bucketrelay.http.tls import TlsSocket  # plain HTTP need not load it

        if self._proxy:
            self._tunnel(sock, self._proxy)
        end = self._now() + seconds

        def wait() -> None:
            left = end - self._now()
            if left <= 0:
                raise TimeoutError
            sock.settimeout(left)

        return TlsSocket(sock, trusted, _plain(self._name), wait)

    def _tunnel(self, sock: socket.socket, proxy: Proxy) -> None:
        """Have the proxy connect *sock* to the server (RFC 9110, 9.3.6)."""
        place = f"[{self._name}]:{self._port}" if ":" in self._name else f"{self._name}:{self._port}"
        more = f"proxy-authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
        sock.sendall(f"CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n{more}\r\n".encode("latin-1"))
        try:
            head = Incoming(sock, lambda: None).head()
        except NoAnswer as error:
            raise NotSent(f"its proxy {proxy.host}:{proxy.port} does not answer: {error}") from error
        if head.status // 100 != 2:
            raise NotSent(f"its proxy {proxy.host}:{proxy.port} does not connect to it: {head.status}")


class _Ahead:
    """A connection that is being opened before there is a request for it.

    Attributes:
        awaited: somebody waits for it; *wanted*: nobody has closed the connections meanwhile.
        error: why there will be none.
    """

    __slots__ = ("_ended", "awaited", "error", "wanted")

    def __init__(self) -> None:
        self.awaited, self.wanted = False, True
        self.error: Exception | None = None
        self._ended = threading.Lock()
        self._ended.acquire()

    def end(self) -> None:
        """It is open, or will not be."""
        self._ended.release()

    def wait(self, seconds: float) -> None:
        """Wait at most for so long. Raises *error*."""
        if seconds > 0 and self._ended.acquire(timeout=seconds) and self.error is not None:
            raise self.error


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


def _origin(url: str) -> tuple[str, str, str, int]:
    """Scheme, Host header, host and port."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        name, port = "", None
        parts = urlsplit("")
    if parts.scheme not in _PORTS or not name or not name.isascii() or not name.isprintable() or " " in name:
        raise ConfigError([f"{url!r}: must be an address such as https://host"])
    host = f"[{name}]" if ":" in name else name
    if port is not None and port != _PORTS[parts.scheme]:
        host = f"{host}:{port}"
    return parts.scheme, host, name, port or _PORTS[parts.scheme]


def _plain(name: str) -> str | bytes:
    """A host's name, as bytes where it is ASCII: for text Python loads the tables of all scripts, which takes 10 ms."""
    return name.encode() if name.isascii() else name


def _error_of(error: OSError) -> NotSent:
    import ssl  # loaded already wherever there is one of its errors

    if isinstance(error, ssl.SSLCertVerificationError):
        return Untrusted(f"its certificate is not trusted, or names another host ({error.verify_message})")
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return Misaddressed("its address says https, and the server speaks plain HTTP")
    return NotSent(f"cannot be reached: {_why(error)}")


def _why(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
