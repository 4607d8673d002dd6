"""Requests to one bucket of OBS: which operation is which request, signed, sent, and understood."""

import re
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from bucketrelay.clouds.huawei.credentials import Access
from bucketrelay.clouds.huawei.errors import DIALECT, refusal_of
from bucketrelay.clouds.huawei.sign import obs_authorization
from bucketrelay.clouds.object_answers import unexpected_304
from bucketrelay.errors import StoreRefused
from bucketrelay.http.connections import Connections, Pending
from bucketrelay.http.dates import date_header
from bucketrelay.http.exchange import Call, Exchange
from bucketrelay.http.messages import Answer, Body, Receive, Request
from bucketrelay.http.outcome import Effect, NotModified
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING, Address

# Slow operations, copies and commits, are answered 200 before they are done (API reference, CompleteMultipartUpload).
_ERROR = rb"\s*(<\?xml[^>]*>)?\s*<Error[\s>]"
_TO_WHOM = " to the access key or the function's agency"
_READ = "obs:object:GetObject, and obs:bucket:ListBucket, without which a missing key answers 403,"


class Given(NamedTuple):
    """What goes with an operation.

    Attributes:
        query: before it is encoded; None for a name that stands alone.
        headers: names in lower case.
    """

    query: Mapping[str, str | None] = NOTHING
    headers: Mapping[str, str] = NOTHING
    body: Body = b""


NOTHING_GIVEN = Given()


class _Operation(NamedTuple):
    method: str
    permission: str


# Sources: OBS API reference, each operation's page; "Permissions and Supported Actions".
OPERATIONS: Mapping[str, _Operation] = MappingProxyType(
    {
        "AbortMultipartUpload": _Operation("DELETE", "obs:object:AbortMultipartUpload"),
        "CompleteMultipartUpload": _Operation("POST", "obs:object:PutObject"),
        "CopyPart": _Operation("PUT", "obs:object:PutObject here, and obs:object:GetObject on the source,"),
        "DeleteObject": _Operation("DELETE", "obs:object:DeleteObject"),
        "GetBucketLifecycle": _Operation("GET", "obs:bucket:GetLifecycleConfiguration"),
        "GetBucketNotification": _Operation("GET", "obs:bucket:GetBucketNotification"),
        "GetBucketVersioning": _Operation("GET", "obs:bucket:GetBucketVersioning"),
        "GetObject": _Operation("GET", _READ),
        "GetObjectTagging": _Operation("GET", "obs:object:GetObjectTagging and GetObjectVersionTagging"),
        "HeadObject": _Operation("HEAD", _READ),
        "InitiateMultipartUpload": _Operation("POST", "obs:object:PutObject, and PutObjectTagging for tags,"),
        "ListMultipartUploads": _Operation("GET", "obs:bucket:ListBucketMultipartUploads"),
        "ListObjects": _Operation("GET", "obs:bucket:ListBucket"),
        "ListVersions": _Operation("GET", "obs:bucket:ListBucketVersions"),
        "ListParts": _Operation("GET", "obs:object:ListMultipartUploadParts"),
        "PutBucketNotification": _Operation("PUT", "obs:bucket:PutBucketNotification"),
        "PutObject": _Operation("PUT", "obs:object:PutObject, and PutObjectTagging for tags,"),
        "PutObjectTagging": _Operation("PUT", "obs:object:PutObjectTagging and PutObjectVersionTagging"),
        "UploadPart": _Operation("PUT", "obs:object:PutObject"),
    }
)


class Requests:
    """Sends requests to one bucket; for many threads.

    Args:
        pace: how fast requests to the server may go.
    """

    def __init__(self, address: Address, access: Access, pace: Pace) -> None:
        self.prefix = access.prefix
        self._address, self._access, self._pace = address, access, pace
        self._root = f"/{address.bucket}" if access.in_path else ""
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
        """See Connects."""
        return self._made is not None and self._made.connections.ready and self._access.local

    def send(
        self,
        operation: str,
        key: str | None,
        effect: Effect,
        given: Given = NOTHING_GIVEN,
        receive: Receive | None = None,
        pending: Pending | None = None,
    ) -> Answer:
        """The answer of one operation, whose status is 200 to 299 and which is no error under such a status.

        Args:
            operation: one of `OPERATIONS`.
            key: of the object, relative to the store; None for what is about the bucket.
            receive: where an object's bytes go; see `http.messages.Receive`.
            pending: the same request, which `ask` has sent.

        Raises:
            NotModified: 304.
            RelayError: see `http.outcome`.
        """
        method, permission = OPERATIONS[operation]
        url = self._address.url if key is None else self._address.of(key)
        call, exchange = Call(url, effect, f"{permission}{_TO_WHOM}"), self._exchange()
        request = self._maker(exchange, method, key, given)

        def check(answer: Answer) -> None:
            if answer.body and re.match(_ERROR, answer.body):
                raise exchange.error_of(call, answer)

        try:
            return exchange.send(call, request, receive, check=check, pending=pending)
        except NotModified as error:
            if operation == "GetObject" and "if-none-match" in given.headers:
                raise
            raise unexpected_304(effect, url) from error

    def ask(self, operation: str, key: str, given: Given = NOTHING_GIVEN) -> Pending | None:
        """Send the request of a read and do not wait for its answer, which `send` is to be given; None: not sent."""
        exchange = self._exchange()
        return exchange.ask(self._maker(exchange, OPERATIONS[operation].method, key, given))

    def _maker(self, exchange: Exchange, method: str, key: str | None, given: Given) -> Callable[[], Request]:
        """What makes the signed request, as often as it is sent."""
        target = self._target(key)
        named = (quote(n) if v is None else f"{quote(n)}={quote(v, safe='')}" for n, v in given.query.items())
        line = f"{target}?{query}" if (query := "&".join(named)) else target
        resource = target if self._root else f"/{self._address.bucket}{target}"

        def request() -> Request:
            keys = self._access.current()
            # Blanks around a value do not survive HTTP; the server signs what it reads, and so must we.
            own = {name: value.strip() for name, value in given.headers.items()}
            headers = {"date": date_header(exchange.clock.now()), **own}
            if keys[2]:
                headers[f"{self.prefix}security-token"] = keys[2]
            headers["authorization"] = obs_authorization(method, resource, given.query, headers, keys, self.prefix)
            return Request(method, line, headers, given.body)

        return request

    def _target(self, key: str | None) -> str:
        """The path of the bucket, or of an object in it."""
        if key is None:
            return self._root or "/"
        try:
            return f"{self._root}/{quote(self._address.prefix + key, safe='/~')}"
        except UnicodeEncodeError as error:
            words = f"{self._address.of(key)!a}: the key is not unicode text: rename the object"
            raise StoreRefused(words) from error

    def _exchange(self) -> Exchange:
        with self._lock:
            if self._made is None:
                origin, access = self._access.origin(self._address.bucket), self._access
                connections = Connections(origin, ca_file=access.ca_file, timeout=access.timeout)
                self._made = Exchange(connections, self._pace, access.retries, DIALECT, refusal_of)
            return self._made
