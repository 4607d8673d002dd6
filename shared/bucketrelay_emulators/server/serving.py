"""The HTTP/1.1 server beneath the emulators: keep-alive, TLS, faults to order, a record of requests."""

import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, TypeVar
from urllib.parse import unquote_plus

from bucketrelay_emulators.engine.faults import Fault, Faults, Request, Requests

_MAX_BODY = 6 << 30
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_Self = TypeVar("_Self", bound="Running")


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


class _Break(Exception):
    """The connection is to be broken."""


class Server:
    """Serves one front end on 127.0.0.1; `close` also ends the connections that clients keep alive."""

    def __init__(
        self,
        front: FrontEnd,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.faults = Faults(now)
        self.requests = Requests()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = _Threads(("127.0.0.1", port), self._handler(front))
        self._server.owner = self
        self._server.tls = tls
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        """Begin to accept connections, unless it does already."""
        if not self._thread.is_alive():
            self._thread.start()

    def close(self) -> None:
        """Stop: no new connections, no old ones, nothing held."""
        self.faults.close()
        if self._thread.is_alive():
            stopping = threading.Thread(target=self._server.shutdown)
            stopping.start()
            with suppress(OSError):  # else it would look whether it is to stop only when it has waited for a while
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            stopping.join()
            self._thread.join()
        self.hang_up()
        self._server.server_close()

    @property
    def connections(self) -> int:
        """How many are open."""
        with self._lock:
            return len(self._sockets)

    def hang_up(self) -> None:
        """End the connections that clients keep alive, as servers do with idle ones."""
        with self._lock:
            for sock in self._sockets:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def note_open(self, sock: socket.socket) -> None:
        """A connection was accepted."""
        with self._lock:
            self._sockets.add(sock)

    def note_close(self, sock: socket.socket) -> None:
        """A connection has ended."""
        with self._lock:
            self._sockets.discard(sock)

    def _handler(self, front: FrontEnd) -> type["_Handler"]:
        return type("Handler", (_Handler,), {"front": front, "faults": self.faults, "requests": self.requests})


class Running:
    """What the emulators and the proxy have in common: a server on 127.0.0.1, for as long as `with` lasts."""

    _server: Server

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def faults(self) -> Faults:
        """Order faults here."""
        return self._server.faults

    @property
    def requests(self) -> Requests:
        """What was asked so far. A request that a fault sends twice counts once: these are the client's."""
        return self._server.requests

    @property
    def connections(self) -> int:
        """How many clients keep open."""
        return self._server.connections

    def hang_up(self) -> None:
        """End the connections that clients keep alive, as servers do with idle ones."""
        self._server.hang_up()

    def start(self) -> None:
        """Begin to serve; `with` does it."""
        self._server.start()

    def close(self) -> None:
        """Stop serving; `with` does it."""
        self._server.close()

    def __enter__(self: _Self) -> _Self:  # noqa: PYI019  typing.Self needs Python 3.11
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Threads(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for them: a test ends with no thread of it left
    request_queue_size = 128
    owner: Server
    tls: ssl.SSLContext | None

    def finish_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  socketserver's
        self.owner.note_open(request)
        try:
            if self.tls is not None:  # here, in the connection's own thread: a slow handshake must not stop the others
                with self.tls.wrap_socket(request, server_side=True) as secure:
                    self.owner.note_open(secure)
                    super().finish_request(secure, client_address)
                    self.owner.note_close(secure)
            else:
                super().finish_request(request, client_address)
        except (ConnectionError, ssl.SSLError, TimeoutError):
            return  # the client went away, or did not like the certificate: that is what tests provoke
        finally:
            self.owner.note_close(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    front: FrontEnd
    faults: Faults
    requests: Requests

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        try:
            self._serve()
        except _Break:
            self._reset()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The emulated cloud's time, which may not be this machine's."""
        engine = getattr(self.front, "engine", None)
        return super().date_time_string(engine.now().timestamp() if engine and timestamp is None else timestamp)

    def handle_expect_100(self) -> bool:
        """Say "go on" at once: the answers are buffered, and a client that waits for this would wait long."""
        going = super().handle_expect_100()
        self.wfile.flush()
        return going

    def _serve(self) -> None:
        incoming = self._incoming()
        if incoming is None:
            return
        named = self.front.name(incoming)
        request = _request(incoming, named)
        fault = self.faults.take(request)
        try:
            reply = self._reply(incoming, named, fault)
        except _Break:
            self.requests.add(request)
            raise
        self.requests.add(replace(request, status=reply.status, sent=len(reply.body)))
        cuts = fault and fault.kind == "cut" and reply.body and incoming.method != "HEAD"
        self._send(incoming, reply, cut=fault.after_bytes if fault and cuts else None)

    def _reply(self, incoming: Incoming, named: Named, fault: Fault | None) -> Reply:
        kind = fault.kind if fault else ""
        if fault is None:
            return self.front.answer(incoming, named)
        if kind in ("refuse", "throttle", "error_in_200"):
            code = fault.code or self.usual_code(incoming, fault.status)
            refused = self.front.refuse(incoming, fault.status, code, fault.message)
            return replace(refused, status=200) if kind == "error_in_200" else refused
        if kind == "reset_before":
            raise _Break
        if kind == "delay":
            self.faults.hold(fault)
        if fault.act is not None:
            fault.act()
        return self._perform(incoming, named, fault)

    def _perform(self, incoming: Incoming, named: Named, fault: Fault) -> Reply:
        if fault.kind == "corrupt_sent":
            incoming = replace(incoming, body=_damage(incoming.body, fault.after_bytes))
        if fault.kind == "duplicate":
            self.front.answer(incoming, named)
        reply = self.front.answer(incoming, named)
        if fault.kind == "reset_after":
            raise _Break
        return replace(reply, body=_damage(reply.body, fault.after_bytes)) if fault.kind == "corrupt" else reply

    def usual_code(self, _incoming: Incoming, _status: int) -> str:
        """What a fault without a code is called."""
        return "SlowDown"

    def _incoming(self) -> Incoming | None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        if body is None:
            return None
        # Not self.path: http.server folds leading slashes there (a guard against open redirects), and "//a" is a key.
        path, _, query = self.requestline.split()[1].partition("?")
        return Incoming(self.command, path, _query(query), headers, body)

    def _body(self, headers: Mapping[str, str]) -> bytes | None:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = headers.get("content-length", "0")
        if (size := count(length)) is None or size > _MAX_BODY:
            self._unreadable()
            return None
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return None
        return body

    def _chunks(self) -> bytes | None:
        parts: list[bytes] = []
        while True:
            # `-1` is a number to Python, and would have all read that ever comes.
            said = _CHUNK_SIZE.fullmatch(self.rfile.readline(1024).split(b";")[0].strip())
            if said is None or sum(map(len, parts)) > _MAX_BODY:
                self._unreadable()
                return None
            if not (size := int(said[0], 16)):
                break
            parts.append(self.rfile.read(size))
            self.rfile.readline(3)
        while self.rfile.readline(65537).strip():
            pass
        return b"".join(parts)

    def _unreadable(self) -> None:
        """Where the next request begins, nobody can tell."""
        self.close_connection = True
        self.send_error(400)

    def _send(self, incoming: Incoming, reply: Reply, cut: int | None) -> None:
        self.send_response(reply.status)
        if reply.status not in (204, 304) and not any(name.lower() == "content-length" for name in reply.headers):
            self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if incoming.method != "HEAD" and reply.status not in (204, 304):
            self.wfile.write(reply.body if cut is None else reply.body[:cut])
        self.wfile.flush()
        if cut is not None:
            self.close_connection = True

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name for it
        """Nothing: the record of requests says more."""


def count(text: str) -> int | None:
    """A number as HTTP writes it: `²` is a digit to Python, too, and of 4,301 digits it makes no number at all."""
    return int(text) if re.fullmatch("[0-9]{1,19}", text) else None


def _request(incoming: Incoming, named: Named) -> Request:
    return Request(
        method=incoming.method,
        path=incoming.path,
        query={name: value or "" for name, value in incoming.query.items()},
        operation=named.operation,
        bucket=named.bucket,
        key=named.key,
        status=0,
        headers={name: value for name, value in incoming.headers.items() if name != "authorization"},
        received=len(incoming.body),
    )


def _query(text: str) -> dict[str, str | None]:
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {unquote_plus(name): unquote_plus(value) if equals else None for name, equals, value in pairs}


def _damage(body: bytes | memoryview, at: int) -> bytes:
    damaged = bytearray(body)
    if damaged:
        damaged[at % len(damaged)] ^= 0xFF
    return bytes(damaged)
