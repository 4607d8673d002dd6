"""The HTTP interface of Object Storage: which request is which operation, who may ask, what is answered."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from bucketrelay_emulators.engine.engine import Bucket, Engine
from bucketrelay_emulators.oci import objects as oci_objects
from bucketrelay_emulators.oci import uploads as oci_uploads
from bucketrelay_emulators.oci import versions as oci_versions
from bucketrelay_emulators.oci.buckets import Buckets
from bucketrelay_emulators.oci.copies import Copies
from bucketrelay_emulators.oci.rules import Rules, rule_operation
from bucketrelay_emulators.oci.sign import Keys, NotAuthenticated, check
from bucketrelay_emulators.oci.wire import Answer, Refusal, Request, answer_json, refuse
from bucketrelay_emulators.server.handler import Handler
from bucketrelay_emulators.server.messages import FrontEnd, Incoming, Named, Reply
from bucketrelay_emulators.server.serving import Server

TARGET = ":target"  # no header has such a name

_OBJECT = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
_UPLOAD = {
    "PUT": "UploadPart",
    "GET": "ListMultipartUploadParts",
    "POST": "CommitMultipartUpload",
    "DELETE": "AbortMultipartUpload",
}
_BUCKET = {"GET": "GetBucket", "HEAD": "HeadBucket", "POST": "UpdateBucket", "DELETE": "DeleteBucket"}
_OF_BUCKET = {
    ("GET", "l"): "GetObjectLifecyclePolicy",
    ("PUT", "l"): "PutObjectLifecyclePolicy",
    ("GET", "o"): "ListObjects",
    ("GET", "objectversions"): "ListObjectVersions",
    ("GET", "u"): "ListMultipartUploads",
    ("POST", "u"): "CreateMultipartUpload",
    ("POST", "actions/copyObject"): "CopyObject",
}


def operation(request: Request) -> tuple[Named, str]:
    """What a request asks for, in the words of the API reference ("" for nothing known), and in which namespace."""
    method, (first, *rest) = request.method, request.segments
    if known := rule_operation(method, first, rest):
        return known, ""
    if first == "workRequests" and method == "GET" and rest:
        return Named("ListWorkRequestErrors" if rest[1:] == ["errors"] else "GetWorkRequest", key=rest[0]), ""
    if first == "workRequests" and method == "DELETE" and len(rest) == 1:
        return Named("CancelWorkRequest", key=rest[0]), ""
    if first == "n" and method == "GET" and rest in ([], [""]):
        return Named("GetNamespace"), ""
    if first != "n" or len(rest) < 2 or rest[1] != "b":
        return Named(""), ""
    namespace, *rest = rest
    if rest[1:] in ([], [""]):
        return Named({"POST": "CreateBucket", "GET": "ListBuckets"}.get(method, "")), namespace
    return _in_bucket(method, rest[1], rest[2:]), namespace


def _in_bucket(method: str, bucket: str, rest: list[str]) -> Named:
    if rest in ([], [""]):
        return Named(_BUCKET.get(method, ""), bucket)
    kind, name = rest[0], "/".join(rest[1:])
    if kind in ("o", "u") and name:
        return Named((_OBJECT if kind == "o" else _UPLOAD).get(method, ""), bucket, name)
    return Named(_OF_BUCKET.get((method, "/".join(rest).rstrip("/")), ""), bucket)


class Front:
    """Answers requests out of an engine.

    Args:
        min_part: how small a part may be that is not the last; 0 lets tests use small ones.
    """

    def __init__(self, engine: Engine, namespace: str, keys: Keys, *, min_part: int = 0) -> None:
        self.engine, self.namespace, self.keys, self.min_part = engine, namespace, keys, min_part
        self.buckets, self.copies, self.rules = Buckets(engine), Copies(engine), Rules()

    def name(self, incoming: Incoming) -> Named:
        """See `operation`."""
        return operation(_request(incoming))[0]

    def answer(self, incoming: Incoming, named: Named) -> Reply:
        """Check the signature, do it, or say why not."""
        request = _request(incoming)
        try:
            check(request.method, request.target, request.headers, request.body, self.keys, self.engine.now())
            answer = self._do(request, named, operation(request)[1])
        except NotAuthenticated as error:
            answer = refuse(
                Refusal(401, "NotAuthenticated", f"The required information to complete authentication: {error}")
            )
        except Refusal as refusal:
            answer = refuse(refusal)
        return _reply(incoming, answer)

    def refuse(self, incoming: Incoming, status: int, code: str, message: str) -> Reply:
        """An ordered error."""
        return _reply(incoming, refuse(Refusal(status, code, message)))

    def _do(self, request: Request, named: Named, namespace: str) -> Answer:
        unbound: dict[str, Callable[[], Answer]] = {
            "GetNamespace": lambda: answer_json(self.namespace),
            "CreateBucket": lambda: self.buckets.create(namespace, request),
            "ListBuckets": lambda: self.buckets.list(namespace),
            "GetWorkRequest": lambda: self.copies.show(named.key),
            "CancelWorkRequest": lambda: self.copies.cancel(named.key),
            "ListWorkRequestErrors": lambda: self.copies.errors(named.key),
            **self.rules.answers(request, named.key),
        }
        if named.operation in unbound:
            return unbound[named.operation]()
        if not named.operation:
            raise Refusal(404, "NotAuthorizedOrNotFound", f"{request.method} {request.target} is no operation")
        return self._in_bucket(request, named, self.buckets.find(namespace, named.bucket))

    def _in_bucket(self, request: Request, named: Named, bucket: Bucket) -> Answer:
        name = named.key
        bound: dict[str, Callable[[], Answer]] = {
            "GetBucket": lambda: self.buckets.show(bucket),
            "HeadBucket": lambda: self.buckets.show(bucket),
            "UpdateBucket": lambda: self.buckets.update(bucket, request),
            "DeleteBucket": lambda: self.buckets.delete(bucket),
            "GetObjectLifecyclePolicy": lambda: self.buckets.lifecycle(bucket),
            "PutObjectLifecyclePolicy": lambda: self.buckets.set_lifecycle(bucket, request),
            "ListObjects": lambda: oci_objects.listing(bucket, request),
            "ListObjectVersions": lambda: oci_versions.listing(bucket, request),
            "PutObject": lambda: oci_objects.put(bucket, name, request),
            "GetObject": lambda: oci_objects.get(bucket, name, request),
            "HeadObject": lambda: oci_objects.get(bucket, name, request),
            "DeleteObject": lambda: oci_objects.delete(bucket, name, request),
            "CreateMultipartUpload": lambda: oci_uploads.create(bucket, request),
            "ListMultipartUploads": lambda: oci_uploads.uploads(bucket, request),
            "UploadPart": lambda: oci_uploads.put_part(bucket, name, request),
            "ListMultipartUploadParts": lambda: oci_uploads.parts(bucket, name, request),
            "CommitMultipartUpload": lambda: oci_uploads.commit(bucket, name, request, least=self.min_part),
            "AbortMultipartUpload": lambda: oci_uploads.abort(bucket, name, request),
            "CopyObject": lambda: self.copies.accept(bucket, request),
        }
        return bound[named.operation]()


class OciServer(Server):
    """The server, with the request's target kept as it was sent: that, not what is decoded from it, is signed."""

    def __init__(self, front: Front, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(front, port=port, tls=tls)

    def _handler(self, front: FrontEnd) -> type[Handler]:
        base = super()._handler(front)

        class AsSent(base):  # type: ignore[misc, valid-type]  # made at run time
            def _incoming(self) -> Incoming | None:
                incoming: Incoming | None = super()._incoming()
                target = self.requestline.split()[1]
                return incoming and replace(incoming, headers={**incoming.headers, TARGET: target})

        return AsSent


def _request(incoming: Incoming) -> Request:
    return Request(incoming.method, incoming.headers.get(TARGET, incoming.path), incoming.headers, incoming.body)


def _reply(incoming: Incoming, answer: Answer) -> Reply:
    headers = {name: _latin(value) for name, value in answer.headers.items()}
    headers["opc-request-id"] = f"{incoming.headers.get('opc-client-request-id', '')}/{uuid4().hex}".lstrip("/")
    empty = incoming.method == "HEAD" and answer.status >= 300  # HEAD tells no code: not even how long it would be
    return Reply(answer.status, b"" if empty else answer.body, headers)


def _latin(value: str) -> str:
    """Text that came in JSON goes out as UTF-8; what came in a header goes out as the same bytes."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode().decode("latin-1")
    return value
