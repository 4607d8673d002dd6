"""One of Oracle's services at its endpoint: requests signed, sent, and understood."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from bucketrelay.clouds.oracle.credentials import Access, signer_of
from bucketrelay.clouds.oracle.errors import DIALECT, refusal_of
from bucketrelay.clouds.oracle.regions import service_endpoint
from bucketrelay.clouds.oracle.sign import body_headers
from bucketrelay.clouds.oracle.signers import SdkSigner, Signer
from bucketrelay.errors import StoreRefused
from bucketrelay.http.connections import Connections, Pending
from bucketrelay.http.dates import date_header
from bucketrelay.http.exchange import Call, Exchange
from bucketrelay.http.messages import Answer, Body, Receive, Request
from bucketrelay.http.outcome import Refusal
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING


class Given(NamedTuple):
    """What goes with an operation.

    Attributes:
        query: before it is encoded; what is "" is left out.
        headers: names in lower case.
        body: of an object or a part: it is not signed.
        details: a document, sent as JSON and signed; bytes are JSON already.
        id: of what is neither bucket nor object: a work request, a rule, a function.
    """

    query: Mapping[str, str] = NOTHING
    headers: Mapping[str, str] = NOTHING
    body: Body = b""
    details: Mapping[str, Any] | bytes | None = None
    id: str = ""


NOTHING_GIVEN = Given()


class Identities:
    """Who signs the requests of a store or of what belongs to it: found at the first one, for many threads.

    Args:
        url: of the store, for errors.
    """

    def __init__(self, access: Access, url: str) -> None:
        self.access, self._url = access, url
        self._lock = threading.Lock()
        self._signer: Signer | None = None

    @property
    def signer(self) -> Signer:
        """Raises StoreRefused where the credentials are missing or wrong, StoreUnavailable where nobody gives any."""
        with self._lock:
            if self._signer is None:
                self._signer = signer_of(self.access, self._url)
            return self._signer

    @property
    def region(self) -> str:
        """Where the service is. Raises StoreRefused where nobody says."""
        region = self.access.region or self.signer.region
        if not region and self.access.endpoint:
            return "us-ashburn-1"  # it will not be asked
        if not region:
            raise StoreRefused(f"{self._url}: no region: set region, such as us-ashburn-1")
        return region


class Service:
    """Sends requests to a service; for many threads.

    Args:
        name: as in its host name: `objectstorage`.
        endpoint: its URL; "" for the region's.
        pace: how fast requests may go.
    """

    def __init__(self, name: str, identities: Identities, pace: Pace, endpoint: str = "") -> None:
        self._name, self._identities, self._pace, self._endpoint = name, identities, pace, endpoint
        self._lock = threading.Lock()
        self._made: Exchange | None = None

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            if self._made is not None:
                self._made.connections.close()

    def handshake(self) -> Callable[[], None] | None:
        """See Connections.handshake. Raises StoreRefused."""
        return self._exchange().connections.handshake()

    @property
    def ready(self) -> bool:
        """See Connects. Oracle's SDK asks others for its tokens."""
        made = self._made
        return made is not None and made.connections.ready and not isinstance(self._identities.signer, SdkSigner)

    def send(
        self,
        call: Call,
        method: str,
        path: str,
        given: Given,
        receive: Receive | None = None,
        pending: Pending | None = None,
    ) -> Answer:
        """The answer, whose status is 200 to 299.

        Args:
            path: percent-encoded.
            receive: where an object's bytes go; see `http.messages.Receive`.
            pending: the same request, which `ask` has sent.

        Raises:
            NotModified: 304.
            RelayError: see `http.outcome`.
        """
        exchange, signer = self._exchange(), self._identities.signer
        request = self._maker(exchange, signer, method, path, given)
        try:
            return exchange.send(call, request, receive, pending=pending)
        except StoreRefused as error:
            # As the SDK: credentials may have been renewed where they are kept before the old ones have ended.
            if not (isinstance(error.__cause__, Refusal) and error.__cause__.status == 401 and signer.renew()):
                raise
            return exchange.send(call, request, receive)

    def ask(self, method: str, path: str, given: Given = NOTHING_GIVEN) -> Pending | None:
        """Send the request of a read and do not wait for its answer, which `send` is to be given; None: not sent."""
        exchange = self._exchange()
        return exchange.ask(self._maker(exchange, self._identities.signer, method, path, given))

    def _maker(self, exchange: Exchange, signer: Signer, method: str, path: str, given: Given) -> Callable[[], Request]:
        """What makes the signed request, as often as it is sent."""
        query = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in given.query.items() if v)
        target = f"{urlsplit(self._endpoint).path.rstrip('/')}{path}{'?' if query else ''}{query}"
        signed = json.dumps(given.details).encode() if isinstance(given.details, Mapping) else given.details
        host = exchange.connections.host

        def request() -> Request:
            headers = {"date": date_header(exchange.clock.now()), "host": host, **given.headers}
            if signed is not None:
                headers |= {"content-type": "application/json", **body_headers(signed)}
            headers["authorization"] = signer.authorization(method, host, target, headers)
            headers.pop("content-length", None)  # it is signed; the connection itself writes it
            return Request(method, target, headers, given.body if signed is None else signed)

        return request

    def _exchange(self) -> Exchange:
        with self._lock:
            if self._made is None:
                access = self._identities.access
                url = self._endpoint or service_endpoint(self._name, self._identities.region)
                connections = Connections(url, ca_file=access.ca_file, timeout=access.timeout)
                self._made = Exchange(connections, self._pace, access.retries, DIALECT, refusal_of)
            return self._made
