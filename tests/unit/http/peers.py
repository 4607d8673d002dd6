"""Servers made of a script: what they do with each connection is a function of its socket."""

import socket
import threading
from collections.abc import Callable

from bucketrelay_emulators.server.tls import Authority

Play = Callable[[socket.socket], None]


class Peer:
    """A server on 127.0.0.1 that plays one function for each connection, in order; a context manager.

    Args:
        plays: each gets the connected socket; it is closed when the function returns.
        tls: speak TLS, by this authority's certificate.
    """

    def __init__(self, *plays: Play, tls: Authority | None = None, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._plays, self._tls = list(plays), tls
        self.errors: list[BaseException] = []
        self._open: list[socket.socket] = []
        port = self._listener.getsockname()[1]
        self.port = port
        place = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{place}:{port}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._plays.clear()
        socket.socket.shutdown(self._listener, socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        assert self.errors == []

    def _serve(self) -> None:
        context = self._tls.server_context("127.0.0.1") if self._tls else None
        while self._plays:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if not self._plays:  # over meanwhile
                sock.close()
                return
            play = self._plays.pop(0)
            try:
                sock.settimeout(10)
                if context:
                    sock = context.wrap_socket(sock, server_side=True)
                play(sock)
            except OSError:
                pass  # the client has gone: what it makes of that is what is tested
            except AssertionError as error:
                self.errors.append(error)
            finally:
                sock.close()


def request(sock: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """The next request: its first line, its headers in lower case, its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise OSError("hung up")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
    if "expect" not in headers:
        body += rest(sock, int(headers.get("content-length", 0)) - len(body))
    return line, headers, body


def rest(sock: socket.socket, length: int) -> bytes:
    body = b""
    while len(body) < length:
        more = sock.recv(length - len(body))
        if not more:
            raise OSError("hung up")
        body += more
    return body


def answers(*texts: bytes) -> Play:
    """Answer as many requests on one connection with these bytes."""

    def play(sock: socket.socket) -> None:
        for text in texts:
            request(sock)
            sock.sendall(text)

    return play


def ok(body: bytes = b"", *headers: str) -> bytes:
    """An answer of 200."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
