"""A way to a broker that can be cut and mended: to who comes by it, the broker is down, and later there again."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

from messages.rabbitmq import free_ports


class Forwarder:
    """Port to port, byte for byte.

    Args:
        url: of the broker.
        up: whether the way is open from the beginning.
    """

    def __init__(self, url: str, *, up: bool = True) -> None:
        parts = urlsplit(url)
        self._to = (str(parts.hostname), int(parts.port or 5672))
        (self.port,) = free_ports(1)
        self.url = f"{parts.scheme}://guest:guest@127.0.0.1:{self.port}//"
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        if up:
            self.mend()

    def mend(self) -> None:
        """Connections come through again."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """No connection comes about, and none stays."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for each in sockets:
            _shut(each)

    @property
    def busy(self) -> bool:
        """Whether anybody has come by it."""
        return bool(self._sockets)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._to)
                with self._lock:
                    self._sockets |= {near, far}
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(a, b), daemon=True).start()

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                far.sendall(data)
        for each in (near, far):
            _shut(each)
        with self._lock:
            self._sockets -= {near, far}


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
