"""Huawei OBS on 127.0.0.1: signatures checked, objects in memory, events as OBS sends them, faults to order.

with ObsEmulator() as obs:
    obs.create_bucket("photos")
    obs.client().putContent("photos", "a.txt", "hello")       # the real SDK, ready to use
    obs.events.get()                                          # {"Records": [{"eventVersion": "3.0", …}]}
"""

import queue
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from bucketrelay_emulators.engine import engine as store
from bucketrelay_emulators.obs import buckets as obs_buckets
from bucketrelay_emulators.obs import multipart as obs_multipart
from bucketrelay_emulators.obs import objects as obs_objects
from bucketrelay_emulators.obs import settings as obs_settings
from bucketrelay_emulators.obs import versions as obs_versions
from bucketrelay_emulators.obs.call import Call
from bucketrelay_emulators.obs.events import Shape, event
from bucketrelay_emulators.obs.signature import Credential, Refusal, check
from bucketrelay_emulators.obs.xml import Malformed, error
from bucketrelay_emulators.server.messages import Incoming, Named, Reply
from bucketrelay_emulators.server.serving import Running, Server

OPERATIONS: Mapping[str, Callable[[Call], Reply]] = {
    "GetApiVersion": obs_buckets.api_version,
    "ListBuckets": obs_buckets.list_buckets,
    "CreateBucket": obs_buckets.create_bucket,
    "HeadBucket": obs_buckets.head_bucket,
    "DeleteBucket": obs_buckets.delete_bucket,
    "ListObjects": obs_buckets.list_objects,
    "ListVersions": obs_versions.list_versions,
    "DeleteObjects": obs_buckets.delete_objects,
    **obs_settings.OPERATIONS,
    "PutObject": obs_objects.put_object,
    "GetObject": obs_objects.get_object,
    "HeadObject": obs_objects.head_object,
    "DeleteObject": obs_objects.delete_object,
    "CopyObject": obs_objects.copy_object,
    "SetObjectMetadata": obs_objects.set_metadata,
    "GetObjectTagging": obs_objects.get_tagging,
    "PutObjectTagging": obs_objects.put_tagging,
    "DeleteObjectTagging": obs_objects.delete_tagging,
    "InitiateMultipartUpload": obs_multipart.initiate,
    "UploadPart": obs_multipart.upload_part,
    "CopyPart": obs_multipart.copy_part,
    "ListParts": obs_multipart.list_parts,
    "CompleteMultipartUpload": obs_multipart.complete,
    "AbortMultipartUpload": obs_multipart.abort,
    "ListMultipartUploads": obs_multipart.list_uploads,
}
_BUCKET_VERBS = {"PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket", "GET": "ListObjects"}
_OBJECT_VERBS = {"PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject", "GET": "GetObject"}
# By query parameter; the first that is there decides. Then method → operation.
_SUBRESOURCES: Mapping[str, Mapping[str, str]] = {
    "apiversion": {"HEAD": "GetApiVersion"},
    "tagging": {"GET": "GetObjectTagging", "PUT": "PutObjectTagging", "DELETE": "DeleteObjectTagging"},
    "metadata": {"PUT": "SetObjectMetadata"},
    "delete": {"POST": "DeleteObjects"},
    "versions": {"GET": "ListVersions"},
    **obs_settings.SUBRESOURCES,
    "uploads": {"POST": "InitiateMultipartUpload", "GET": "ListMultipartUploads"},
    "uploadId": {
        "PUT": "UploadPart",
        "POST": "CompleteMultipartUpload",
        "GET": "ListParts",
        "DELETE": "AbortMultipartUpload",
    },
}
_ENGINE_ERRORS: Mapping[type[store.EngineError], tuple[int, str, str]] = {
    store.NoSuchBucket: (404, "NoSuchBucket", "The specified bucket does not exist"),
    store.BucketExists: (409, "BucketAlreadyOwnedByYou", "The bucket exists already and is yours."),
    store.BucketNotEmpty: (409, "BucketNotEmpty", "The bucket you tried to delete is not empty"),
    store.NoSuchKey: (404, "NoSuchKey", "The specified key does not exist."),
    store.NoSuchUpload: (404, "NoSuchUpload", "The specified multipart upload does not exist."),
    store.InvalidPart: (400, "InvalidPart", "One or more of the specified parts could not be found."),
    store.InvalidPartOrder: (400, "InvalidPartOrder", "The list of parts was not in ascending order."),
}


class ObsFront:
    """OBS's HTTP interface to an engine.

    Args:
        domains: host names that this server answers for; `bucket.domain` in a Host header addresses a bucket.
        min_part: bytes that every part but the last must have.
    """

    def __init__(
        self,
        engine: store.Engine,
        credentials: Mapping[str, Credential],
        *,
        domains: tuple[str, ...] = ("localhost",),
        min_part: int = 100 * 1024,
    ) -> None:
        self.engine = engine
        self._credentials = credentials
        self._domains = domains
        self._min_part = min_part

    def name(self, incoming: Incoming) -> Named:
        """Operation, bucket and key. A key that is not UTF-8 is named by what can be read of it."""
        bucket, key = self._place(incoming)
        return Named(_operation(incoming, bucket, key), bucket, key)

    def answer(self, incoming: Incoming, named: Named) -> Reply:
        """Check the signature and do it."""
        try:
            if named.operation != "GetApiVersion":
                check(incoming, self._bucket_in_host(incoming), self._credentials, self.engine.now())
            if (operation := OPERATIONS.get(named.operation)) is None:
                return self.refuse(incoming, 405, "MethodNotAllowed", "The specified method is not allowed.")
            call = Call(incoming, self.engine, named.bucket, named.key, self._min_part)
            call.check_key()
            return operation(call)
        except Refusal as refusal:
            return self.refuse(incoming, refusal.status, refusal.code, refusal.message)
        except Malformed as malformed:
            return self.refuse(incoming, 400, "MalformedXML", f"The XML you provided was not well-formed: {malformed}")
        except store.EngineError as failed:
            return self.refuse(incoming, *_ENGINE_ERRORS[type(failed)])

    def refuse(self, incoming: Incoming, status: int, code: str, message: str) -> Reply:
        """OBS's error document; nothing under HEAD, which is why a 404 there proves little."""
        if incoming.method == "HEAD":
            return Reply(status)
        return error(status, code, message, resource=incoming.path)

    def _bucket_in_host(self, incoming: Incoming) -> str:
        host = incoming.headers.get("host", "").partition(":")[0]
        for domain in self._domains:
            if host.endswith(f".{domain}"):
                return host.removesuffix(f".{domain}")
        return ""

    def _place(self, incoming: Incoming) -> tuple[str, str]:
        path = unquote_to_bytes(incoming.path).decode(errors="replace").removeprefix("/")
        if bucket := self._bucket_in_host(incoming):
            return bucket, path
        bucket, _, key = path.partition("/")
        return bucket, key


class ObsEmulator(Running):
    """A running OBS; a context manager.

    Args:
        engine: the buckets; a new one by default. One engine may stand beneath several emulators.
        tls: serve HTTPS with a throw-away CA, whose certificate is in `ca_file`.
        host: the name in the TLS certificate and, with *tls*, in `endpoint`; one that is not 127.0.0.1's proves that
            clients check it.
        event_shape: of what `events` holds.
        domains: see ObsFront, as for *min_part*.
        front: another interface, to stand for a server that is like OBS but for something.
    """

    def __init__(  # noqa: PLR0913  what a user may want to set, each by its name
        self,
        *,
        port: int = 0,
        engine: store.Engine | None = None,
        tls: bool = False,
        host: str = "127.0.0.1",
        event_shape: Shape = "v3",
        domains: tuple[str, ...] = ("localhost",),
        min_part: int = 100 * 1024,
        front: type[ObsFront] = ObsFront,
    ) -> None:
        self.access_key = "LOCALOBSACCESSKEY"
        # Of a server on 127.0.0.1 that holds test data. In two pieces: Hypothesis takes texts from the constants of our
        # modules, and this one would be found, at random, in what a test writes.
        self.secret_key = "local-obs-" + "secret-key"
        self.credentials = {self.access_key: Credential(self.access_key, self.secret_key)}
        self.engine = engine or store.Engine()
        self.events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.ca_file = ""
        self._shape = event_shape
        self._tls = tls
        context = self._secure(host) if tls else None
        interface = front(self.engine, self.credentials, domains=domains, min_part=min_part)
        self._server = Server(interface, port=port, tls=context)
        self._unsubscribe = self.engine.subscribe(lambda change: self.events.put(event(change, self._shape)))
        self._clients: list[Any] = []

    @property
    def endpoint(self) -> str:
        """http://127.0.0.1:port"""  # noqa: D415  an example, not a sentence
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.port}"

    def create_bucket(self, name: str) -> store.Bucket:
        """Make a bucket, without a request."""
        return self.engine.create_bucket(name)

    def grant(self, access_key: str, secret_key: str, token: str = "") -> None:
        """Let another key pair in; with *token*, one of temporary credentials."""
        self.credentials[access_key] = Credential(access_key, secret_key, token)

    def revoke(self, access_key: str) -> None:
        """Let a key pair in no more."""
        del self.credentials[access_key]

    def on_event(self, fn: Callable[[dict[str, Any]], object], shape: Shape = "v3") -> Callable[[], None]:
        """Call *fn* with the event of each change, in the thread that made it; returns how to stop that."""

        def tell(change: store.Change) -> None:
            fn(event(change, shape))

        return self.engine.subscribe(tell)

    def client(self, **settings: Any) -> Any:
        """An ObsClient of the real SDK that talks to this emulator; closed together with it."""
        from obs import ObsClient  # 150 ms that only those pay who ask for a client

        usual = {
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "server": self.endpoint,
            "path_style": True,
            "is_signature_negotiation": False,
            "long_conn_mode": True,
            "max_retry_count": 0,
            "timeout": 10,
        }
        made = ObsClient(**{**usual, **settings})
        self._clients.append(made)
        return made

    def close(self) -> None:
        """Stop serving; `with` does it."""
        self._unsubscribe()
        for client in self._clients:
            client.close()
        super().close()
        if self._tls:
            self._authority.cleanup()

    def _secure(self, host: str) -> ssl.SSLContext:
        from bucketrelay_emulators.server.tls import Authority  # needs cryptography, which only TLS does

        self._authority = Authority()
        self.ca_file = self._authority.ca_file
        return self._authority.server_context(host)


def _operation(incoming: Incoming, bucket: str, key: str) -> str:
    method, query = incoming.method, incoming.query
    for parameter, verbs in _SUBRESOURCES.items():
        if parameter in query and method in verbs:
            found = verbs[method]
            copies = found == "UploadPart" and _copies(incoming)
            return "CopyPart" if copies else found
    if key:
        return "CopyObject" if method == "PUT" and _copies(incoming) else _OBJECT_VERBS.get(method, method)
    return _BUCKET_VERBS.get(method, method) if bucket else "ListBuckets"


def _copies(incoming: Incoming) -> bool:
    return "x-obs-copy-source" in incoming.headers or "x-amz-copy-source" in incoming.headers
