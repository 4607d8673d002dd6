"""Requests about one bucket: which operation is which request, and whose namespace it is in."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from bucketrelay.clouds.object_answers import unexpected_304
from bucketrelay.clouds.oracle.fields import full_key
from bucketrelay.clouds.oracle.regions import realm_of
from bucketrelay.clouds.oracle.service import NOTHING_GIVEN, Given, Identities, Service
from bucketrelay.errors import ObjectGone, StoreUnavailable
from bucketrelay.http.connections import Pending
from bucketrelay.http.exchange import Call
from bucketrelay.http.messages import Answer, Receive
from bucketrelay.http.outcome import Effect, NoSuchUpload, NotModified, Refusal, Unsaid
from bucketrelay.http.pace import Pace
from bucketrelay.model import Address


class _Operation(NamedTuple):
    method: str
    path: str  # BUCKET is /n/NAMESPACE/b/NAME, KEY the object's name, ID what is given
    permission: str


# Sources: Object Storage API 20160918; "Details for Object Storage" in the policy reference.
OPERATIONS: Mapping[str, _Operation] = MappingProxyType(
    {
        "AbortMultipartUpload": _Operation("DELETE", "BUCKET/u/KEY", "OBJECT_DELETE"),
        "CancelWorkRequest": _Operation("DELETE", "/workRequests/ID", "OBJECT_READ"),
        "CommitMultipartUpload": _Operation("POST", "BUCKET/u/KEY", "OBJECT_CREATE and OBJECT_OVERWRITE"),
        "CopyObject": _Operation("POST", "BUCKET/actions/copyObject", "OBJECT_READ"),
        "CreateMultipartUpload": _Operation("POST", "BUCKET/u", "OBJECT_CREATE and OBJECT_OVERWRITE"),
        "DeleteObject": _Operation("DELETE", "BUCKET/o/KEY", "OBJECT_DELETE"),
        "GetBucket": _Operation("GET", "BUCKET", "BUCKET_READ"),
        "GetNamespace": _Operation("GET", "/n/", ""),
        "GetObject": _Operation("GET", "BUCKET/o/KEY", "OBJECT_READ"),
        "GetObjectLifecyclePolicy": _Operation("GET", "BUCKET/l", "BUCKET_READ"),
        "GetWorkRequest": _Operation("GET", "/workRequests/ID", "OBJECT_READ"),
        "HeadObject": _Operation("HEAD", "BUCKET/o/KEY", "OBJECT_READ"),
        "ListMultipartUploadParts": _Operation("GET", "BUCKET/u/KEY", "OBJECT_INSPECT"),
        "ListMultipartUploads": _Operation("GET", "BUCKET/u", "BUCKET_READ"),
        "ListObjectVersions": _Operation("GET", "BUCKET/objectversions", "OBJECT_INSPECT"),
        "ListObjects": _Operation("GET", "BUCKET/o", "OBJECT_INSPECT"),
        "ListWorkRequestErrors": _Operation("GET", "/workRequests/ID/errors", "OBJECT_READ"),
        "PutObject": _Operation("PUT", "BUCKET/o/KEY", "OBJECT_CREATE and OBJECT_OVERWRITE"),
        "UpdateBucket": _Operation("POST", "BUCKET", "BUCKET_UPDATE"),
        "UploadPart": _Operation("PUT", "BUCKET/u/KEY", "OBJECT_CREATE and OBJECT_OVERWRITE"),
    }
)


class Requests:
    """Sends requests about one bucket; for many threads.

    Args:
        address: the store's; without a namespace the service is asked for the tenancy's.
        pace: how fast requests to the service may go.
    """

    def __init__(self, address: Address, identities: Identities, pace: Pace) -> None:
        self.identities, self._address = identities, address
        self._service = Service("objectstorage", identities, pace, identities.access.endpoint)
        self._lock = threading.Lock()
        self._namespace = address.namespace

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        self._service.close()

    @property
    def ready(self) -> bool:
        """See Connects."""
        return bool(self._namespace) and self._service.ready

    @property
    def namespace(self) -> str:
        """The bucket's. Asked for once, where the store's url has none."""
        with self._lock:
            if not self._namespace:
                call = Call(self._address.url, Effect.READ)
                answer = self._service.send(call, "GET", OPERATIONS["GetNamespace"].path, NOTHING_GIVEN)
                name = document(answer, self._address.url)
                if not isinstance(name, str) or not name:
                    raise StoreUnavailable(f"{self._address.url}: the answer names no namespace: check endpoint")
                self._namespace = name
            return self._namespace

    @property
    def region(self) -> str:
        """The bucket's."""
        return self.identities.region

    @property
    def server(self) -> str:
        """Whose server it is: Oracle's realm, or the address of another."""
        endpoint = self.identities.access.endpoint
        return endpoint.rstrip("/").lower() if endpoint else realm_of(self.region)

    def send(
        self,
        operation: str,
        key: str | None,
        effect: Effect,
        given: Given = NOTHING_GIVEN,
        receive: Receive | None = None,
        pending: Pending | None = None,
    ) -> Answer:
        """The answer of one operation, whose status is 200 to 299.

        Args:
            operation: one of `OPERATIONS`.
            key: of the object, relative to the store; None for what is about the bucket.
            receive: where an object's bytes go; see `http.messages.Receive`.
            pending: the same request, which `ask` has sent.

        Raises:
            NotModified: 304.
            NoSuchUpload: it is about an upload that is not there.
            RelayError: see `http.outcome`.
        """
        known = OPERATIONS[operation]
        url = self._address.url if key is None else self._address.of(key)
        path = self._path(known, key, given.id, url)
        call = Call(url, effect, f"{known.permission} to whoever asks, by a policy")
        try:
            return self._service.send(call, known.method, path, given, receive, pending)
        except (ObjectGone, Unsaid) as error:
            # Which code the service has for an upload that is not there is not documented.
            if known.path == "BUCKET/u/KEY" and isinstance(error.__cause__, Refusal) and error.__cause__.code:
                raise NoSuchUpload(str(error)) from error.__cause__
            raise
        except NotModified as error:
            if operation == "GetObject" and "if-none-match" in given.headers:
                raise
            raise unexpected_304(effect, url) from error

    def handshake(self) -> Callable[[], None] | None:
        """See Connections.handshake. Raises StoreRefused."""
        return self._service.handshake()

    def ask(self, operation: str, key: str, given: Given = NOTHING_GIVEN) -> Pending | None:
        """Send the request of a read and do not wait for its answer, which `send` is to be given; None: not sent."""
        known = OPERATIONS[operation]
        return self._service.ask(known.method, self._path(known, key, given.id, self._address.of(key)), given)

    def _path(self, known: _Operation, key: str | None, number: str, url: str) -> str:
        path = known.path.replace("ID", quote(number, safe=""))
        if "KEY" in path and key is not None:
            path = path.replace("KEY", quote(full_key(self._address.prefix, key, url), safe=""))
        if path.startswith("BUCKET"):
            bucket = f"/n/{quote(self.namespace, safe='')}/b/{quote(self._address.bucket, safe='')}"
            path = bucket + path.removeprefix("BUCKET")
        return path


def document(answer: Answer, url: str) -> Any:
    """What an answer says in JSON. Raises StoreUnavailable where it is none: a proxy's page has status 200, too."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        words = f"{type(error).__name__} {error}"[:200]
        raise StoreUnavailable(f"{url}: the answer is no JSON ({words}): check endpoint and proxy") from error


def pages(ask: Callable[[str], Answer], url: str) -> Iterator[Any]:
    """What the answers to a listing say in JSON, page by page.

    Args:
        ask: for the page of this name; "" is the first.
    """
    page = ""
    while True:
        answer = ask(page)
        yield document(answer, url)
        following = answer.headers.get("opc-next-page", "")
        if not following:
            return
        if following == page:
            raise StoreUnavailable(f"{url}: the listing names the same next page again: try again later")
        page = following
