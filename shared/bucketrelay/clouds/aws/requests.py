"""Requests to one bucket of S3: addressed, signed, sent in their turn, understood. The one request seam."""

import hashlib
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.addressing import Place
from bucketrelay.clouds.aws.chunks import SIGNED, TRAILER, sign_chunks, with_trailer
from bucketrelay.clouds.aws.credentials import Credentials
from bucketrelay.clouds.aws.documents import error_of, read
from bucketrelay.clouds.aws.errors import DIALECT, refusal_of
from bucketrelay.clouds.aws.fields import full_key
from bucketrelay.clouds.aws.sign import EMPTY, UNSIGNED, Signed, sign
from bucketrelay.errors import StoreRefused
from bucketrelay.http.connections import Connections, Pending
from bucketrelay.http.exchange import Call, Exchange
from bucketrelay.http.messages import Answer, Receive, Request
from bucketrelay.http.outcome import Effect, Lacking, Refusal
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING, Address
from bucketrelay.store import Body, Stream
from bucketrelay.values import dataclass

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

T = TypeVar("T")
Query = Sequence[tuple[str, str | None]]  # None: a name that stands alone, as `uploads`
_SAFE = "-_.~"  # what SigV4 leaves as it is, see `sign`
_PLAIN = re.compile(r"[A-Za-z0-9/_.~-]+")  # keys with nothing to escape, as most are: a quarter of the time


class Given(NamedTuple):
    """What goes with an operation.

    Attributes:
        query: before it is encoded; None for a name that stands alone.
        headers: beyond those of the signature; names in lower case.
        check: raises where an answer does not hold what it has to; see `Exchange.send`.
        answers: statuses from 300 on that are no errors.
    """

    query: Query = ()
    headers: Mapping[str, str] = NOTHING
    body: Body = b""
    check: Callable[[Answer], None] | None = None
    answers: tuple[int, ...] = ()


NOTHING_GIVEN = Given()


class _Operation(NamedTuple):
    method: str
    permission: str  # that it needs, as a refusal names it


_LIST = "s3:ListBucket (without it a missing key answers 403)"
_GET = f"s3:GetObject and {_LIST}, and for objects under KMS kms:Decrypt"
_PUT = "s3:PutObject, for tags s3:PutObjectTagging, for an acl s3:PutObjectAcl, under KMS kms:GenerateDataKey"
_PUT_PART = "s3:PutObject, under KMS kms:GenerateDataKey and kms:Decrypt"

# Sources: S3 API reference, each operation's page; "Required permissions for Amazon S3 API operations".
OPERATIONS: Mapping[str, _Operation] = MappingProxyType(
    {
        "AbortMultipartUpload": _Operation("DELETE", "s3:AbortMultipartUpload"),
        "CompleteMultipartUpload": _Operation("POST", "s3:PutObject, under KMS kms:Decrypt"),
        "CopyObject": _Operation("PUT", f"{_PUT}, and s3:GetObject on the source"),
        "CreateMultipartUpload": _Operation("POST", _PUT),
        "DeleteObject": _Operation("DELETE", "s3:DeleteObject"),
        "GetObject": _Operation("GET", _GET),
        "GetObjectTagging": _Operation("GET", "s3:GetObjectTagging and s3:GetObjectVersionTagging"),
        "HeadObject": _Operation("HEAD", _GET),
        "ListMultipartUploads": _Operation("GET", "s3:ListBucketMultipartUploads"),
        "ListObjectVersions": _Operation("GET", "s3:ListBucketVersions"),
        "ListObjectsV2": _Operation("GET", "s3:ListBucket"),
        "ListParts": _Operation("GET", "s3:ListMultipartUploadParts"),
        "PutObject": _Operation("PUT", _PUT),
        "PutObjectTagging": _Operation("PUT", "s3:PutObjectTagging and s3:PutObjectVersionTagging"),
        "UploadPart": _Operation("PUT", _PUT_PART),
        "UploadPartCopy": _Operation("PUT", f"{_PUT_PART}, and s3:GetObject on the source"),
    }
)


@dataclass(frozen=True, slots=True)
class _Reached:
    place: Place
    credentials: Credentials
    exchange: Exchange


class Requests:
    """Sends requests to one bucket; for many threads. Connects, and reads what the environment says, at the first.

    Args:
        pace: how fast requests to the server may go.
        payer: say that we pay for the requests, as buckets of others may ask.
    """

    def __init__(self, address: Address, access: Access, pace: Pace, *, payer: bool = False) -> None:
        self._address, self._access, self._pace, self._payer = address, access, pace, payer
        self._lock = threading.Lock()
        self._made: _Reached | None = None
        self._chunks = True  # whether the server takes bodies in signed chunks, where it cannot be asked over TLS

    @property
    def place(self) -> Place:
        """Where the bucket answers. Raises StoreRefused."""
        return self._reach().place

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            if self._made is not None:
                self._made.exchange.connections.close()

    def handshake(self) -> Callable[[], None] | None:
        """See Connections.handshake. Raises StoreRefused."""
        return self._reach().exchange.connections.handshake()

    @property
    def ready(self) -> bool:
        """See Connects."""
        made = self._made
        return made is not None and made.exchange.connections.ready and made.credentials.local

    def send(
        self,
        operation: str,
        key: str | None,
        effect: Effect,
        given: Given = NOTHING_GIVEN,
        receive: Receive | None = None,
        pending: Pending | None = None,
    ) -> Answer:
        """The answer of one operation: its status is 200 to 299, and it is no error under it, as slow calls may end.

        Or it is one of those that are *given* as no errors.

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
        reached = self._reach()
        url = self._address.of(key or "")
        call = Call(url, effect, permission, given.answers)

        def request() -> Request:
            return self._sign(reached, method, self._target(reached.place, key, given.query, url), given)

        def check(answer: Answer) -> None:
            if answer.body and error_of(answer.body):
                raise reached.exchange.error_of(call, answer)
            if given.check:
                given.check(answer)

        chunks = self._chunks
        try:
            return reached.exchange.send(call, request, receive, check=check, pending=pending)
        except StoreRefused as error:
            chunked = chunks and isinstance(given.body, Stream) and not reached.place.url.startswith("https")
            if not chunked or not _unknown_chunks(error):
                raise
        self._chunks = False  # it said that it does not know them, so nothing was done
        return reached.exchange.send(call, request, receive, check=check)

    def ask(self, operation: str, key: str, given: Given = NOTHING_GIVEN) -> Pending | None:
        """Send the request of a read and do not wait for its answer, which `send` is to be given; None: not sent."""
        reached = self._made
        if reached is None:
            return None
        target = self._target(reached.place, key, given.query, self._address.of(key))
        return reached.exchange.ask(lambda: self._sign(reached, OPERATIONS[operation].method, target, given))

    def document(
        self,
        operation: str,
        key: str | None,
        effect: Effect,
        name: str,
        parse: "Callable[[Element, Answer], T]",
        given: Given = NOTHING_GIVEN,
    ) -> T:
        """What *parse* makes of the document that a request is answered with; as `send`.

        What is no document whose root begins with *name*, or in which *parse* misses something, is no answer.
        """
        documents: list[T] = []

        def check(answer: Answer) -> None:
            documents.append(parse(read(answer.body, name), answer))

        self.send(operation, key, effect, given._replace(check=check))
        return documents[-1]

    def _sign(self, reached: _Reached, method: str, target: str, given: Given) -> Request:
        place, exchange, headers, body = reached.place, reached.exchange, given.headers, given.body
        payload, more, wire = self._payload(body, place)
        sent = {"host": exchange.connections.host, **headers, **more}
        if place.aws:
            sent |= trace()
        if self._payer:
            sent["x-amz-request-payer"] = "requester"
        if more and "content-encoding" in headers and "content-encoding" in more:
            sent["content-encoding"] = f"{more['content-encoding']},{headers['content-encoding']}"
        keys, scope = reached.credentials.current(), (place.region, "s3")
        made = sign(method, target, sent, payload, keys, scope, exchange.clock.now())
        return Request(method, target, made.headers, wire(made) if wire else body)

    def _payload(self, body: Body, place: Place) -> tuple[str, Mapping[str, str], Callable[[Signed], Body] | None]:
        """What is signed in place of the body, the headers that say how it comes, and how it goes over the wire.

        None for the last: as it is.
        """
        if not body and not isinstance(body, Stream):
            return EMPTY, NOTHING, None
        tls = place.url.startswith("https")
        if not isinstance(body, Stream):
            return UNSIGNED if tls else hashlib.sha256(body).hexdigest(), NOTHING, None
        decoded = {"x-amz-decoded-content-length": str(body.length)}
        if tls and place.aws:
            told = {**decoded, "x-amz-trailer": "x-amz-checksum-crc32", "content-encoding": "aws-chunked"}
            return TRAILER, told, lambda _: with_trailer(body)
        if tls:
            return UNSIGNED, NOTHING, None
        if not self._chunks:
            return _digest(body), NOTHING, None
        # Without the `aws-chunked` that some servers would store; as AWS's first SDK for Java, they do not need it.
        return SIGNED, decoded, lambda made: sign_chunks(body, made)

    def _target(self, place: Place, key: str | None, query: Query, url: str) -> str:
        path = place.path or ("/" if key is None else "")
        if key is not None:
            full = full_key(self._address.prefix, key, url)
            path = f"{path}/{full if _PLAIN.fullmatch(full) else quote(full, safe='/' + _SAFE)}"
        if not query:
            return path
        pairs = [quote(n, safe=_SAFE) + ("" if v is None else f"={quote(v, safe=_SAFE)}") for n, v in query]
        return f"{path}?{'&'.join(pairs)}"

    def _reach(self) -> _Reached:
        made = self._made
        if made is not None:
            return made
        with self._lock:
            if self._made is None:
                access = self._access.complete()
                place = access.place(self._address.bucket)
                connections = Connections(place.url, ca_file=access.ca_file, timeout=access.timeout)
                exchange = Exchange(connections, self._pace, access.retries, DIALECT, refusal_of)
                self._made = _Reached(place, Credentials(access, self._address.url), exchange)
            return self._made


def trace() -> dict[str, str]:
    """By which AWS notices a function that calls itself, also through buckets; of no use to anybody else's server."""
    told = os.environ.get("_X_AMZN_TRACE_ID")
    return {"x-amzn-trace-id": quote(told, safe="-=;:+&[]{}\"',")} if told else {}


def _unknown_chunks(error: StoreRefused) -> bool:
    """Whether a server that does not know signed chunks would say so."""
    cause = error.__cause__
    return isinstance(error, Lacking) or (isinstance(cause, Refusal) and cause.status in (400, 403, 411))


def _digest(body: Stream) -> str:
    """The SHA-256 of a body, for which it is poured once more."""
    made = hashlib.sha256()
    body.pour(made.update)
    return made.hexdigest()
