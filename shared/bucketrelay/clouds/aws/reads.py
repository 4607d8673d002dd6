"""The half of `S3Store` that only reads, and how it asks.

botocore alone, without boto3 on top: the same client some 40 ms sooner in a cold function; boto3's own part
(resources, transfers) is not used. The first call of a store makes the client; see `s3_client`.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bucketrelay.clouds.aws.client import Access, connected
from bucketrelay.clouds.aws.conditions import Conditions
from bucketrelay.clouds.aws.errors import NotModified, OutOfRange, Unsaid, translated
from bucketrelay.clouds.aws.fields import (
    TAG_TEXT,
    bare,
    full_key,
    info_of,
    quoted,
    range_of,
    same_version,
    unmodified,
)
from bucketrelay.clouds.aws.versions import look_version, set_tags, versions
from bucketrelay.clouds.pages import whole
from bucketrelay.clouds.storage_classes import USUAL
from bucketrelay.errors import Damaged, ObjectGone, SourceChanged, StoreRefused, StoreUnavailable
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING, Address, Fetched, ObjectInfo
from bucketrelay.store import Abilities, Version, Write, pour_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 256 * 1024  # urllib3 copies what it reads once: a chunk, not a part


class S3Reads:
    """Looks at, reads and lists a bucket, or a prefix of one.

    Args:
        address: `s3://bucket[/prefix]`.
        endpoint: URL of a server that is not AWS's.
        region: "" for the SDK's own chain (AWS_REGION, the profile).
        access_key: with *secret_key* and *session_token*; "" for the SDK's own chain (role, profile, environment).
        profile: of the SDK's configuration file.
        path_style: None for path style on other endpoints and the SDK's choice on AWS.
        storage_class: of what is written and has none of its own, e.g. `STANDARD_IA`.
        storage_classes: other stores' classes and the class here that each becomes, beside the usual ones.
        acl: a canned ACL of what is written, e.g. `bucket-owner-full-control` for a bucket of another account.
        sse: `AES256`, `aws:kms` or `aws:kms:dsse`, of what is written; with *kms_key*.
        ca_file: certificates to trust instead of the SDK's.
        timeout: seconds to connect, and to wait for each piece of an answer.
        retries: how often an attempt that surely did nothing is made again.
        pace: of the server, shared by its stores.
    """

    def __init__(  # noqa: PLR0913 - one parameter for each key of the store's configuration
        self,
        address: Address,
        *,
        endpoint: str = "",
        region: str = "",
        access_key: str = "",
        secret_key: str = "",
        session_token: str = "",
        profile: str = "",
        path_style: bool | None = None,
        storage_class: str = "",
        storage_classes: Mapping[str, str] = NOTHING,
        acl: str = "",
        sse: str = "",
        kms_key: str = "",
        ca_file: str = "",
        timeout: float = 10.0,
        retries: int = 2,
        pace: Pace | None = None,
    ) -> None:
        self._address = address
        self._access = Access(
            endpoint, region, access_key, secret_key, session_token, profile, path_style, ca_file, timeout
        )
        self._retries, self._pace = retries, pace or Pace()
        placed = {
            "StorageClass": storage_class,
            "ServerSideEncryption": sse,
            "SSEKMSKeyId": kms_key,
            "ACL": acl,
        }
        self._placed = {name: value for name, value in placed.items() if value}
        self._lock = threading.Lock()
        self._connected: S3Client | None = None
        self._aws = self._access.on_aws
        # Other servers have other classes than AWS, and refuse what they do not know.
        classes = {**(USUAL["s3"] if self._aws else {}), **storage_classes}
        self._abilities = Abilities(
            tags=10,
            tag_text=TAG_TEXT,
            classes=MappingProxyType(classes),
            consistent=self._aws,
            creates_once=self._aws,
        )
        self._conditions = Conditions(self._call, documented=self._aws)

    def __repr__(self) -> str:
        return f"S3Store({self._address.url})"

    @property
    def address(self) -> Address:
        """Where it is."""
        return self._address

    @property
    def abilities(self) -> Abilities:
        """Documented limits of S3: 2 KB of metadata, 10 tags, 5 MiB to 5 GiB a part, 10,000 parts, 50 TB."""
        return self._abilities

    @property
    def conditional(self) -> bool:
        """Whether `put` enforces `expect`: documented for AWS, found out by the first such write elsewhere."""
        return self._conditions.honoured("put_object")

    @property
    def server(self) -> str:
        """Whose server it is: stores of one server can copy among each other. AWS's partition, or an address."""
        if not self._aws:
            return self._access.server
        try:
            return self._client().meta.partition
        except Exception as error:
            raise translated(error, self._address.url) from error

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            client, self._connected = self._connected, None
        if client is not None:
            client.close()

    def look(self, key: str, *, sure: bool = True) -> ObjectInfo | None:
        """HeadObject; where that says a bare 404 and *sure*, a GetObject of one byte tells the key from the bucket."""
        asked = {"ChecksumMode": "ENABLED"} if self._aws else {}
        try:
            answer = self._call("head_object", key, {"Key": self._full(key), **asked})
        except ObjectGone:
            return None
        except Unsaid:
            if not sure:
                return None
        else:
            return info_of(key, answer, url=self._address.of(key), digest=self._aws)
        found = self.fetch(key, 1)
        return found.info if found else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        """GetObject of the first *length* bytes."""
        asked = {"Key": self._full(key)}
        if unless:
            asked["IfNoneMatch"] = quoted(unless)
        ranged = {} if size == 0 else {"Range": f"bytes=0-{length - 1}"}
        try:
            try:
                answer = self._call("get_object", key, {**asked, **ranged})
            except OutOfRange:  # an empty object has no first byte
                answer = self._call("get_object", key, asked)
        except NotModified as same:
            return Fetched(unmodified(key, same.headers), None)
        except ObjectGone:
            return None
        info = info_of(key, answer, url=self._address.of(key), digest=self._aws)
        with closing(answer["Body"]):
            if unless and info.etag == unless:  # the server ignores If-None-Match
                return Fetched(info, None)
            return Fetched(info, self._received(key, answer, min(length, info.size)))

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """GetObject of a range with If-Match; the answer's own ETag is compared too, as some servers ignore If-Match.

        Not by version id: that needs s3:GetObjectVersion, and goes on reading an object that is long overwritten.
        """
        pinned = {"IfMatch": quoted(info.etag)} if info.etag else {}
        last = start + length - 1
        asked = {"Key": self._full(info.key), "Range": f"bytes={start}-{last}", **pinned}
        answer = self._call("get_object", info.key, asked)
        with closing(answer["Body"]):
            found = info_of(info.key, answer, url=self._address.of(info.key))
            url = self._address.of(info.key)
            if not same_version(found, info):
                raise SourceChanged(f"{url} is not the version {info.etag} any more: look again")
            part = range_of(answer) or (0, found.size, found.size)
            if part[0] != start or part[1] < length:
                raise StoreRefused(f"{url}: asked for bytes {start}-{last}, got {part}: the server does not do ranges")
            return self._received(info.key, answer, length)

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """See Store: one `read`, handed over in blocks."""
        pour_bytes(self.read(info, start, length), write)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """ListObjectsV2; the order is checked, for not every server keeps it."""
        last, asked = after, {"Prefix": self._address.prefix + prefix}
        if after:
            asked["StartAfter"] = self._address.prefix + after
        while True:
            page = self._call("list_objects_v2", prefix, asked)
            with whole(self._address.url):
                entries = [(entry["Key"], entry["Size"], entry) for entry in page.get("Contents", ())]
            for full, size, entry in entries:
                key = self._address.relative(full)
                if key is None or not key.startswith(prefix) or (key == after and after):
                    continue
                if key.encode() < last.encode():
                    raise StoreRefused(f"{self._address.url} lists {key!r} after {last!r}: its listings have no order")
                last = key
                yield ObjectInfo(key, size, bare(entry.get("ETag", "")), entry.get("LastModified"))
            if not page.get("IsTruncated"):
                return
            self._goes_on(page, asked, last)
            asked["StartAfter"] = self._address.prefix + last
            if "NextContinuationToken" in page:
                asked["ContinuationToken"] = page["NextContinuationToken"]

    def tags(self, info: ObjectInfo) -> Mapping[str, str]:
        """GetObjectTagging: of the version where there is one to name, else of what is there now."""
        asked = {"Key": self._full(info.key)} | ({"VersionId": info.version} if info.version else {})
        answer = self._call("get_object_tagging", info.key, asked)
        with whole(self._address.of(info.key)):
            return MappingProxyType({tag["Key"]: tag["Value"] for tag in answer.get("TagSet", ())})

    def versions(self, prefix: str = "", after: str = "") -> Iterator[Version]:
        """ListObjectVersions."""
        return versions(self._call, self._address, prefix, after)

    def look_version(self, version: Version) -> ObjectInfo:
        """HeadObject of one version."""
        return look_version(self._call, self._address, self._full(version.key), version)

    def set_tags(self, info: ObjectInfo, tags: Mapping[str, str]) -> None:
        """PutObjectTagging."""
        set_tags(self._call, self._full(info.key), info, tags)

    def _goes_on(self, page: Mapping[str, Any], asked: Mapping[str, str], last: str) -> None:
        """Raise StoreUnavailable for a page without a new key that is followed by itself."""
        nothing = not page.get("Contents") or asked.get("StartAfter") == self._address.prefix + last
        if nothing and page.get("NextContinuationToken") == asked.get("ContinuationToken"):
            url = self._address.url
            raise StoreUnavailable(f"{url}: the listing does not go on past {last!r}: try again later")

    def _full(self, key: str) -> str:
        return full_key(self._address.prefix, key, self._address.of(key))

    def _client(self) -> "S3Client":
        with self._lock:
            if self._connected is None:
                self._connected = connected(self._access)
            return self._connected

    def _call(self, operation: str, key: str, asked: Mapping[str, Any], *, write: bool = False) -> dict[str, Any]:
        """A request of the SDK in its turn, its errors translated; again where they let it."""
        url = self._address.of(key)
        once = write or operation == "create_multipart_upload"  # each answer that is lost would leave an upload

        def call() -> dict[str, Any]:
            try:
                answer: dict[str, Any] = getattr(self._client(), operation)(Bucket=self._address.bucket, **asked)
            except Exception as error:
                raise translated(error, url, write=once) from error
            return answer

        return self._pace.send(call, url, retries=self._retries)

    def _received(self, key: str, answer: Mapping[str, Any], length: int) -> bytearray:
        """Exactly *length* bytes of an answer's body, held once."""
        held, filled = bytearray(length), 0
        body = answer["Body"]
        try:
            with memoryview(held) as view:
                while filled < length and (got := _into(body, view[filled : filled + _CHUNK])):
                    filled += got
            if filled == length == answer.get("ContentLength"):
                body.read(1)  # the end: here the SDK compares its checksum
        except Exception as error:
            raise translated(error, self._address.of(key)) from error
        if filled < length:
            raise Damaged(f"{self._address.of(key)}: {filled} bytes came instead of {length}: start over")
        return held


def _into(body: Any, view: memoryview) -> int:
    """Read into *view*; 0 at the end. Lambda brings its own botocore, whose bodies have no readinto before 1.38."""
    if hasattr(body, "readinto"):
        return int(body.readinto(view))
    piece = body.read(len(view))
    view[: len(piece)] = piece
    return len(piece)
