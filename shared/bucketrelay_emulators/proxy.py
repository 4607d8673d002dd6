"""A proxy on 127.0.0.1 that lets things go wrong on the way to any S3, OBS or OCI server that speaks HTTP.

with FaultProxy("http://127.0.0.1:9000") as proxy:
    client = boto3.client("s3", endpoint_url=proxy.endpoint, …)
    proxy.faults.order(Fault(operation="PutObject", kind="reset_after"))    # written, but the answer is lost
    …
    assert proxy.requests.operations() == ["PutObject", "HeadObject", "PutObject"]

What a client signed arrives as it was sent, the Host header included, so that servers that check signatures accept it.
It also serves clients that take it for a forward proxy (HTTP_PROXY, for http:// addresses): whatever address they name,
the request goes upstream. Bodies are held whole, up to *max_body* bytes: a fault may be wanted at any of them.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

from bucketrelay_emulators.proxy_words import name_call, refusal, usual_code
from bucketrelay_emulators.server.handler import Handler
from bucketrelay_emulators.server.messages import FrontEnd, Incoming, Named, Reply
from bucketrelay_emulators.server.serving import Running, Server

# RFC 9110, section 7.6.1: of one connection, not of the message; and what the body's new framing replaces.
_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OWN = frozenset({"server", "date"})  # http.server says these itself


@dataclass(frozen=True, slots=True)
class Passing(Incoming):
    """A request with all that its signature may be of."""

    target: str = ""  # path and query, percent-encoded, as sent
    lines: tuple[tuple[str, str], ...] = ()  # the headers in order, as sent


class FaultProxy(Running):
    """A running proxy; a context manager.

    Args:
        upstream: `http://host:port`; a path is not allowed.
        port: 0 for a free one.
        max_body: bytes; larger requests get 413, larger answers 502.
        timeout: seconds to wait for each piece of the upstream's answer; then the client gets 502.
        now: a monotonic clock in seconds, which a `throttle` counts by.
    """

    def __init__(
        self,
        upstream: str,
        *,
        port: int = 0,
        max_body: int = 256 << 20,
        timeout: float = 60.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        at = urlsplit(upstream)
        if at.scheme != "http" or not at.hostname or at.path.strip("/") or at.query:
            raise ValueError(f"{upstream}: upstream is to be http://host:port, without a path")
        self.upstream = upstream.rstrip("/")
        front = _Forward(at.hostname, at.port or 80, max_body, timeout)
        self._server = _ProxyServer(front, port=port, now=now)
        self.endpoint = f"http://127.0.0.1:{self._server.port}"


class _Forward:
    """The front end whose answers are another server's."""

    def __init__(self, host: str, port: int, max_body: int, timeout: float) -> None:
        self._host, self._port, self._max_body, self._timeout = host, port, max_body, timeout

    def name(self, incoming: Incoming) -> Named:
        return name_call(incoming, _target(incoming))

    def refuse(self, incoming: Incoming, status: int, code: str, message: str) -> Reply:
        return refusal(incoming, status, code, message)

    def answer(self, incoming: Incoming, named: Named) -> Reply:
        """What the upstream says. A new connection for each request: an idle one may be closed under a write."""
        del named
        if len(incoming.body) > self._max_body:
            return refusal(incoming, 413, "EntityTooLarge", f"the proxy holds at most {self._max_body} bytes")
        connection = HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            return self._receive(incoming, self._send(connection, incoming))
        except (OSError, HTTPException, ValueError) as error:  # ValueError: a method or a header that cannot be sent
            return refusal(
                incoming, 502, "BadGateway", f"no answer from upstream: {str(error) or type(error).__name__}"
            )
        finally:
            connection.close()

    def _send(self, connection: HTTPConnection, incoming: Incoming) -> HTTPResponse:
        connection.putrequest(incoming.method, _target(incoming), skip_host=True, skip_accept_encoding=True)
        lines = incoming.lines if isinstance(incoming, Passing) else tuple(incoming.headers.items())
        for name, value in lines:
            if name.lower() not in _HOP and name.lower() != "expect":  # the proxy has said "go on" already
                connection.putheader(name, value)
        if "content-length" not in incoming.headers and incoming.body:  # it came in chunks
            connection.putheader("Content-Length", str(len(incoming.body)))
        connection.putheader("Connection", "close")
        with suppress(BrokenPipeError, ConnectionResetError):  # a server that refuses a body early has answered
            connection.endheaders(incoming.body or None)
        return connection.getresponse()

    def _receive(self, incoming: Incoming, response: HTTPResponse) -> Reply:
        body = response.read(self._max_body + 1)
        if len(body) > self._max_body:
            return refusal(incoming, 502, "BadGateway", f"the proxy holds at most {self._max_body} bytes of an answer")
        if incoming.method != "HEAD" and response.length:  # fewer bytes came than were said
            raise HTTPException("the upstream's answer was cut")
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            if name.lower() not in _HOP | _OWN:
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Reply(response.status, body, headers)


class _ProxyServer(Server):
    """The server, with requests kept as they were sent, and refusals in the words of the client's dialect."""

    def _handler(self, front: FrontEnd) -> type[Handler]:
        base = super()._handler(front)

        class AsSent(base):  # type: ignore[misc, valid-type]  # made at run time
            requestline: str

            def _incoming(self) -> Incoming | None:
                method, asked, *rest = self.requestline.split()
                target = _origin_form(asked)
                self.requestline = " ".join([method, target, *rest])
                incoming: Incoming | None = super()._incoming()
                if incoming is None:
                    return None
                return Passing(
                    incoming.method,
                    incoming.path,
                    incoming.query,
                    incoming.headers,
                    incoming.body,
                    target,
                    tuple(self.headers.items()),
                )

            def usual_code(self, incoming: Incoming, status: int) -> str:
                return usual_code(incoming, status)

        return AsSent


def _target(incoming: Incoming) -> str:
    return incoming.target if isinstance(incoming, Passing) else incoming.path


def _origin_form(asked: str) -> str:
    """Path and query of a request's target, which clients of a forward proxy send as a whole URL."""
    if not asked.startswith("http://"):
        return asked
    _, slash, rest = asked.removeprefix("http://").partition("/")
    return f"{slash or '/'}{rest}"
