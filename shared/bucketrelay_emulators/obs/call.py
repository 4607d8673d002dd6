"""One request to OBS as its operations see it: what it is about, what its headers say, how it is refused."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from bucketrelay_emulators.engine.engine import Bucket, Engine, Obj
from bucketrelay_emulators.engine.values import NoSuchKey
from bucketrelay_emulators.obs.signature import Refusal, dialect
from bucketrelay_emulators.obs.xml import http_date
from bucketrelay_emulators.server.messages import Incoming, count

CONTENT_HEADERS = (
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "cache-control",
    "expires",
)
_MAX_USER = 8 * 1024
_MAX_KEY = 1024
_S3_WORDS = {"WARM": "STANDARD_IA", "COLD": "GLACIER"}
_OBS_WORDS = {s3: obs for obs, s3 in _S3_WORDS.items()}
_CLASSES = frozenset({"", "STANDARD", "WARM", "COLD", "DEEP_ARCHIVE", "INTELLIGENT_TIERING"})


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation gets."""

    incoming: Incoming
    engine: Engine
    bucket_name: str
    key: str
    min_part: int

    @property
    def bucket(self) -> Bucket:
        """The bucket. Raises the engine's NoSuchBucket."""
        return self.engine.bucket(self.bucket_name)

    def obj(self) -> Obj:
        """The object, or the version that is asked for. Raises the engine's NoSuchKey, Refusal."""
        if not (version := self.query("versionId")):
            return self.bucket.get(self.key)
        try:
            held = self.bucket.version(self.key, version)
        except NoSuchKey as error:
            raise Refusal(404, "NoSuchVersion", "The specified version does not exist.") from error
        if held.obj is None:
            raise Refusal(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        return held.obj

    def version(self, obj: Obj) -> dict[str, str]:
        """The header that tells an object's version, in a bucket that keeps them."""
        bucket = self.bucket
        return {f"{self.prefix}version-id": bucket.version(obj.key, obj.version).name} if bucket.versioned else {}

    @property
    def prefix(self) -> str:
        """`x-obs-` or `x-amz-`: what this client speaks."""
        return dialect(self.incoming.headers)

    def header(self, name: str) -> str | None:
        """A plain header."""
        return self.incoming.headers.get(name)

    def own(self, name: str) -> str | None:
        """A header of the service's own, without its prefix: `copy-source`."""
        return self.incoming.headers.get(self.prefix + name)

    def query(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.incoming.query.get(name) or default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A query parameter that is a number; refused outside of *low*…*high*."""
        number = count(self.query(name, str(default)))
        if number is None or not low <= number <= high:
            raise Refusal(400, "InvalidArgument", f"{name} must be a number from {low} to {high}")
        return number

    def content_headers(self) -> dict[str, str]:
        """The content headers that are given."""
        headers = self.incoming.headers
        return {name: headers[name] for name in CONTENT_HEADERS if name in headers}

    def user(self) -> dict[str, str]:
        """The user metadata, exactly as sent: OBS stores header values and decodes nothing."""
        found = {}
        for name, value in self.incoming.headers.items():
            for prefix in ("x-obs-meta-", "x-amz-meta-"):
                if name.startswith(prefix):
                    found[name.removeprefix(prefix)] = value
        if sum(len(name) + len(value) for name, value in found.items()) > _MAX_USER:
            raise Refusal(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size.")
        return found

    def tags(self) -> dict[str, str]:
        """The tags of the tagging header."""
        return dict(parse_qsl(self.own("tagging") or "", keep_blank_values=True))

    def storage_class(self) -> str:
        """The storage class in OBS's words."""
        word = self.own("storage-class") or ""
        word = _OBS_WORDS.get(word, word) if self.prefix == "x-amz-" else word
        if word not in _CLASSES:
            raise Refusal(400, "InvalidStorageClass", "The storage class you specified is not valid.")
        return "" if word == "STANDARD" else word

    def body(self) -> bytes:
        """The body, its length given and its Content-MD5 checked."""
        headers = self.incoming.headers
        if "content-length" not in headers and "transfer-encoding" not in headers:
            raise Refusal(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        if (given := headers.get("content-md5")) is not None:
            _check_md5(self.incoming.body, given)
        return self.incoming.body

    def check_key(self) -> None:
        """Refuse what cannot be a key: bytes that are no text, and more than 1,024 of them."""
        if "\ufffd" in self.key and "%EF%BF%BD" not in self.incoming.path.upper():
            raise Refusal(400, "InvalidURI", "Couldn't parse the specified URI.")
        if len(self.key.encode()) > _MAX_KEY:
            raise Refusal(400, "KeyTooLong", "Your key is too long.")

    def describe(self, obj: Obj) -> dict[str, str]:
        """The headers that tell of an object."""
        told = {
            **{name: value for name, value in obj.headers.items() if name in CONTENT_HEADERS},
            **{f"{self.prefix}meta-{name}": value for name, value in obj.user.items()},
            "ETag": f'"{obj.etag}"',
            "Last-Modified": http_date(obj.modified),
            "Accept-Ranges": "bytes",
            **self.version(obj),
        }
        told.setdefault("content-type", "binary/octet-stream")
        if obj.storage_class:
            word = obj.storage_class
            told[f"{self.prefix}storage-class"] = _S3_WORDS.get(word, word) if self.prefix == "x-amz-" else word
        if obj.tags:
            told[f"{self.prefix}tagging-count"] = str(len(obj.tags))
        if days := obj.headers.get("x-obs-expires"):
            told[f"{self.prefix}expiration"] = f'expiry-days="{days}"'
        return told


def conditions(headers: Mapping[str, str], obj: Obj, *, prefix: str = "") -> int:
    """The status that the conditional headers demand for this object: 200, 304 or 412."""
    wanted, unwanted = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    if wanted is not None and wanted.strip('"') not in ("*", obj.etag):
        return 412
    if unwanted is not None and unwanted.strip('"') in ("*", obj.etag):
        return 412 if prefix else 304
    return 200


def _check_md5(body: bytes, given: str) -> None:
    try:
        digest = base64.b64decode(given, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise Refusal(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
    if digest != hashlib.md5(body).digest():
        raise Refusal(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
