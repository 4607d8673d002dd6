"""A relay of bytes between a store and its server, that spoils one exchange as no well-behaved server would."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

HUGE = b"x-padding: " + b"p" * 1_000_000 + b"\r\n"


@dataclass(frozen=True)
class Answer:
    """What the server answered: head without a length, and the body as one."""

    line: bytes
    headers: tuple[bytes, ...]
    body: bytes
    bodiless: bool  # an answer to HEAD, or 204 or 304: its length is said, and no body comes
    length: bytes

    def head(self, length: bytes | None = None, more: bytes = b"") -> bytes:
        told = b"content-length: " + (self.length if length is None else length)
        return b"\r\n".join([self.line, *self.headers, told]) + b"\r\n" + more + b"\r\n"

    @property
    def sent(self) -> bytes:
        return b"" if self.bodiless else self.body


@dataclass(frozen=True)
class Fault:
    """How an exchange is spoilt: before the server hears of it, or after it has acted."""

    name: str
    acts: bool  # whether the server acts before
    play: Callable[[socket.socket, Answer | None], None]
    idle: bool = False  # it meets the exchange before, which is one that only looks
    applies: Callable[[Answer | None, bytes], bool] = lambda answer, head: True


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _drip(sock: socket.socket, answer: Answer | None) -> None:
    """A byte each tenth of a second, for longer than anybody waits."""
    for number in range(600):
        sock.sendall(answer.head()[number : number + 1] or b" ")
        time.sleep(0.1)


def _has_body(answer: Answer | None, _head: bytes) -> bool:
    return answer is not None and len(answer.sent) > 1


FAULTS = (
    Fault(
        "cuts the head of its answer", True, lambda sock, answer: sock.sendall(answer.head()[: len(answer.line) + 9])
    ),
    Fault(
        "cuts the body of its answer",
        True,
        lambda sock, answer: sock.sendall(answer.head() + answer.sent[: len(answer.sent) // 2]),
        applies=_has_body,
    ),
    Fault(
        "says a length that is too small",
        True,
        lambda sock, answer: sock.sendall(answer.head(b"%d" % (len(answer.sent) - 1)) + answer.sent),
        applies=_has_body,
    ),
    Fault(
        "says a length that is too great",
        True,
        lambda sock, answer: sock.sendall(answer.head(b"%d" % (len(answer.sent) + 7)) + answer.sent),
        applies=_has_body,
    ),
    Fault("lets its answer drip", True, _drip),
    Fault("answers a line of garbage", True, lambda sock, _: sock.sendall(b"\x00\xffHTTP/9 banana\r\n\r\n")),
    Fault("answers a head of 1 MB", True, lambda sock, answer: sock.sendall(answer.head(more=HUGE) + answer.sent)),
    Fault("has closed the connection meanwhile", True, lambda sock, a: sock.sendall(a.head() + a.sent), idle=True),
    Fault("hangs up before it acts", False, lambda sock, _: None),
    Fault("resets while the request is written", False, lambda sock, _: _reset(sock)),
    Fault(
        "refuses the body (100-continue)",
        False,
        lambda sock, _: sock.sendall(b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        applies=lambda _, head: b"100-continue" in head.lower(),
    ),
    Fault(
        "redirects elsewhere",
        False,
        lambda sock, _: sock.sendall(
            b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n"
        ),
    ),
)


class Relay:
    """Between a store and the server at *upstream*; a context manager. Spoils what it is told to, once.

    Attributes:
        acted: requests that reached the server since `spoil`, as their method.
        met: whether the fault was played.
    """

    def __init__(self, upstream: str) -> None:
        place = urlsplit(upstream)
        self._upstream = (place.hostname, place.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._fault: Fault | None = None
        self.acted: list[str] = []
        self.met = False
        self.closed = threading.Event()  # the connection of the fault

    def spoil(self, fault: Fault | None) -> None:
        """The next exchange to which *fault* applies."""
        self._fault, self.acted, self.met = fault, [], False
        self.closed.clear()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError, EOFError):
            reader = sock.makefile("rb")
            while True:
                self._exchange(sock, reader)

    def _exchange(self, sock: socket.socket, reader) -> None:
        head = _head(reader)
        fault = self._fault
        if fault and not fault.acts and fault.applies(None, head):
            self._play(fault, sock, None)
        if b"100-continue" in head.lower():
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        answer = self._ask(head, reader.read(int(_field(head, b"content-length") or 0)))
        if fault and fault.acts and fault.applies(answer, head):
            self._play(fault, sock, answer)
        sock.sendall(answer.head() + answer.sent)

    def _play(self, fault: Fault, sock: socket.socket, answer: Answer | None) -> None:
        self._fault, self.met = None, True
        fault.play(sock, answer)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        self.closed.set()
        raise EOFError  # the connection ends

    def _ask(self, head: bytes, body: bytes) -> Answer:
        method = head.split(b" ", 1)[0]
        self.acted.append(method.decode())
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"expect:", b"connection:"))]
        with socket.create_connection(self._upstream) as server:
            server.sendall(b"\r\n".join([line for line in lines if line]) + b"\r\nconnection: close\r\n\r\n" + body)
            reader = server.makefile("rb")
            return _answer(_head(reader), reader, method)


def _head(reader) -> bytes:
    lines = []
    while (line := reader.readline()) not in (b"\r\n", b""):
        lines.append(line)
    if not lines:
        raise EOFError
    return b"".join(lines)


def _field(head: bytes, name: bytes) -> bytes | None:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return next((value.strip() for key, _, value in lines if key.strip().lower() == name), None)


def _answer(head: bytes, reader, method: bytes) -> Answer:
    line, *headers = head.rstrip(b"\r\n").split(b"\r\n")
    bodiless = method == b"HEAD" or line.split(b" ")[1] in (b"204", b"304")
    length = _field(head, b"content-length")
    if (_field(head, b"transfer-encoding") or b"").lower() == b"chunked":
        body = b"".join(_chunks(reader))
    else:
        body = b"" if bodiless else reader.read(int(length)) if length else reader.read()
    kept = tuple(
        each
        for each in headers
        if not each.lower().startswith((b"content-length:", b"transfer-encoding:", b"connection:"))
    )
    return Answer(line, kept, body, bodiless, length if bodiless and length else b"%d" % len(body))


def _chunks(reader):
    while size := int(reader.readline().split(b";")[0], 16):
        yield reader.read(size)
        reader.readline()
