"""One connection of a client: its requests read, answered, disturbed as a fault says, and recorded."""

import re
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote_plus

from bucketrelay_emulators.engine.faults import Fault, Faults, Request, Requests
from bucketrelay_emulators.server.messages import FrontEnd, Incoming, Named, Reply, count

_MAX_BODY = 6 << 30
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


class _Break(Exception):
    """The connection is to be broken."""


class Handler(BaseHTTPRequestHandler):
    """What `http.server` makes of each connection. The attributes are those of the server that it belongs to."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    front: FrontEnd
    faults: Faults
    requests: Requests

    def handle_one_request(self) -> None:
        """Read a request and answer it, or break the connection."""
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
