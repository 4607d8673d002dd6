"""A server and the way to it: its address, the proxy before it, TLS; and a connection that is opened ahead of time."""

import socket
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError
from bucketrelay.http.connection import Connection
from bucketrelay.http.faults import Misaddressed, NoAnswer, NotSent, Untrusted
from bucketrelay.http.incoming import Incoming
from bucketrelay.http.proxies import Proxy, proxy_for
from bucketrelay.http.trust import context

if TYPE_CHECKING:
    import ssl

    from bucketrelay.http.tls import TlsSocket

Connect = Callable[[tuple[str, int], float], socket.socket]
_PORTS = {"http": 80, "https": 443}
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})  # OpenSSL's words for what is no TLS


class Origin:
    """A server, and the way to it. The arguments are those of `Connections`.

    Attributes:
        url: scheme and host.
        host: as the Host header says it.
        through: what a proxy wants to be told that passes requests on itself, see `outgoing.head_of`; "" without one.
    """

    def __init__(
        self,
        url: str,
        ca_file: str,
        timeout: float,
        environ: Mapping[str, str],
        connect: Connect,
        now: Callable[[], float],
    ) -> None:
        self._scheme, self.host, self._name, self._port = _origin(url)
        self.url = f"{self._scheme}://{self.host}"
        self._ca_file, self._timeout, self._connect, self._now = ca_file, timeout, connect, now
        self._proxy = proxy_for(self._scheme, self._name, self._port, environ)
        self.direct = self._proxy is None
        self.through = (self._proxy.authorization or " ") if self._proxy and self._scheme == "http" else ""

    def open(self, deadline: Deadline) -> Connection:
        """A new connection. Raises NotSent, Untrusted, and StoreRefused where ca_file cannot be read."""
        trusted = context(self._ca_file) if self._scheme == "https" else None
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


class Ahead:
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
