"""S3 on 127.0.0.1 over the emulators' engine: conditions honoured, versions where wanted, much cheaper than moto.

Who asks is not checked: signatures are proven against moto and botocore elsewhere, and storms are about what becomes of
objects. What OBS and S3 have in common is the OBS emulator's own.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bucketrelay_emulators.engine.engine import Change, Engine, EngineError, Obj, PreconditionFailed
from bucketrelay_emulators.obs import emulator, multipart, objects
from bucketrelay_emulators.obs.call import Call
from bucketrelay_emulators.obs.xml import Malformed, Node, document, encode, iso, read, text_of
from bucketrelay_emulators.proxy_words import name_call
from bucketrelay_emulators.server.messages import Incoming, Named, Reply
from bucketrelay_emulators.server.serving import Server

_PAGE = 1000
_REFUSED = {**emulator._ENGINE_ERRORS, PreconditionFailed: (412, "PreconditionFailed", "A condition does not hold.")}


@dataclass(frozen=True)
class S3Call(Call):
    """What an operation gets."""

    @property
    def conditions(self) -> dict[str, str]:
        """Those of a write."""
        given = {"if_match": self.header("if-match"), "if_none_match": self.header("if-none-match")}
        if given["if_match"] is not None:
            self.bucket.get(self.key)  # S3 says 404 of a missing key, not 412
        return {name: value.strip('"') for name, value in given.items() if value is not None}

    def told(self, obj: Obj) -> dict[str, str]:
        """The headers of a write's answer."""
        return {"ETag": f'"{obj.etag}"'} | self.version(obj)

    def describe(self, obj: Obj) -> dict[str, str]:
        """The headers that tell of an object."""
        return Call.describe(self, obj) | self.told(obj)


def _put(call: S3Call) -> Reply:
    given = {"tags": call.tags(), "storage_class": call.storage_class()}
    written = call.bucket.put(call.key, call.body(), call.content_headers(), call.user(), **given, **call.conditions)
    return Reply(200, b"", call.told(written))


def _delete(call: S3Call) -> Reply:
    call.bucket.delete(call.key, **call.conditions)
    return Reply(204)


def _complete(call: S3Call) -> Reply:
    tree = read(call.body(), "CompleteMultipartUpload")
    chosen = [(int(text_of(part, "PartNumber")), text_of(part, "ETag").strip('"')) for part in tree.iter("Part")]
    written = call.bucket.commit(call.key, call.query("uploadId"), chosen, **call.conditions)
    nodes: list[Node] = [("Bucket", call.bucket_name), ("Key", call.key), ("ETag", f'"{written.etag}"')]
    return document("CompleteMultipartUploadResult", nodes, headers=call.told(written))


def _list(call: S3Call) -> Reply:
    """ListObjectsV2, without delimiters; a token is the last key of the page before."""
    encoding = call.query("encoding-type") or None
    limit = min(call.number("max-keys", _PAGE, 0, 1 << 31), _PAGE)
    after = call.query("continuation-token") or call.query("start-after")
    held = call.bucket.list(call.query("prefix"), after, limit + 1)
    more, page = len(held) > limit, held[:limit]
    nodes: list[Node] = [
        ("Name", call.bucket_name),
        ("Prefix", encode(call.query("prefix"), encoding)),
        ("KeyCount", len(page)),
        ("MaxKeys", limit),
        ("IsTruncated", "true" if more else "false"),
    ]
    nodes += [("EncodingType", encoding)] if encoding else []
    nodes += [("NextContinuationToken", page[-1].key)] if more else []
    for obj in page:
        about: list[Node] = [("Key", encode(obj.key, encoding)), ("LastModified", iso(obj.modified))]
        about += [("ETag", f'"{obj.etag}"'), ("Size", len(obj.body)), ("StorageClass", "STANDARD")]
        nodes.append(("Contents", about))
    return document("ListBucketResult", nodes)


_OPERATIONS: Mapping[str, Callable[[Any], Reply]] = {
    **emulator.OPERATIONS,
    "PutObject": _put,
    "DeleteObject": _delete,
    "CreateMultipartUpload": multipart.initiate,
    "UploadPartCopy": multipart.copy_part,
    "CompleteMultipartUpload": _complete,
    "ListObjectsV2": _list,
    "GetObjectTagging": objects.get_tagging,
    "PutObjectTagging": objects.put_tagging,
}


def _plain(incoming: Incoming) -> bytes:
    """The body; one in `aws-chunked` form is taken out of its frames."""
    if not incoming.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        return incoming.body
    found, rest = bytearray(), incoming.body
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            return bytes(found)
        found += rest[:length]
        rest = rest[length + 2 :]


class S3Front:
    """S3's HTTP interface to an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def name(self, incoming: Incoming) -> Named:
        """Operation, bucket and key."""
        return name_call(incoming, incoming.path)

    def answer(self, incoming: Incoming, named: Named) -> Reply:
        """Do it."""
        try:
            if (operation := _OPERATIONS.get(named.operation)) is None:
                return self.refuse(incoming, 405, "MethodNotAllowed", "The specified method is not allowed.")
            # Whose words it speaks, and its body without the chunks' frames.
            mine = replace(incoming, headers={**incoming.headers, "authorization": "AWS "}, body=_plain(incoming))
            call = S3Call(mine, self.engine, named.bucket, named.key, 1)
            call.check_key()
            return operation(call)
        except emulator.Refusal as refusal:
            return self.refuse(incoming, refusal.status, refusal.code, refusal.message)
        except Malformed as malformed:
            return self.refuse(incoming, 400, "MalformedXML", str(malformed))
        except EngineError as failed:
            return self.refuse(incoming, *_REFUSED[type(failed)])

    def refuse(self, incoming: Incoming, status: int, code: str, message: str) -> Reply:
        """S3's error document; nothing under HEAD."""
        return (
            Reply(status)
            if incoming.method == "HEAD"
            else emulator.error(status, code, message, resource=incoming.path)
        )


class S3Emulator:
    """A running S3; a context manager.

    Args:
        engine: one may stand beneath several.
        versioned: the buckets that are made by it have versions.
    """

    def __init__(self, engine: Engine, tls: ssl.SSLContext | None = None, *, versioned: bool = False) -> None:
        self.engine, self._versioned = engine, versioned
        self._server = Server(S3Front(engine), tls=tls)
        self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.port}"

    def create_bucket(self, name: str) -> None:
        """Make a bucket."""
        made = self.engine.create_bucket(name)
        if self._versioned:
            made.keep_versions()

    def __enter__(self) -> "S3Emulator":  # noqa: PYI034  # typing has Self from Python 3.11 only
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()


def records(change: Change, number: int) -> dict[str, Any]:
    """The notification that S3 sends of a change."""
    from urllib.parse import quote_plus

    created = change.obj is not None
    kind = f"ObjectCreated:{change.kind}" if created else "ObjectRemoved:Delete"
    thing: dict[str, Any] = {"key": quote_plus(change.key, safe="/"), "sequencer": f"{number:018X}"}
    if change.obj is not None:
        thing |= {"size": len(change.obj.body), "eTag": change.obj.etag}
    bucket = {"name": change.bucket, "ownerIdentity": {"principalId": "A3"}, "arn": f"arn:aws:s3:::{change.bucket}"}
    told = {"s3SchemaVersion": "1.0", "configurationId": "replicate", "bucket": bucket, "object": thing}
    about = {"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": iso(change.time)}
    return {"Records": [{**about, "eventName": kind, "s3": told}]}
