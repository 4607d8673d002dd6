"""The HTTP/1.1 server beneath the emulators: start and end, TLS, open connections. `handler` serves each of these."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import TypeVar

from bucketrelay_emulators.engine.faults import Faults, Requests
from bucketrelay_emulators.server.handler import Handler
from bucketrelay_emulators.server.messages import FrontEnd

_Self = TypeVar("_Self", bound="Running")


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

    def _handler(self, front: FrontEnd) -> type[Handler]:
        return type("Handler", (Handler,), {"front": front, "faults": self.faults, "requests": self.requests})


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
