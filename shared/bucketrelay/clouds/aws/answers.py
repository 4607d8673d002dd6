"""What S3's answers are read for: an object's bytes, what became of a write."""

import hashlib
import zlib
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bucketrelay.bodies import Held
from bucketrelay.clouds.aws.documents import NoDocument, children, read, texts
from bucketrelay.clouds.aws.fields import bare, info_of, range_of, same_version, version_of
from bucketrelay.errors import Damaged, SourceChanged, StoreRefused
from bucketrelay.http.faults import Malformed
from bucketrelay.http.messages import Answer, Head, Into
from bucketrelay.model import Fetched, ObjectInfo
from bucketrelay.store import Write, Written
from bucketrelay.values import dataclass, field

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NONE = memoryview(b"")
_SUMS: Mapping[str, Callable[[bytearray], bytes]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "sha256": lambda body: hashlib.sha256(body).digest(),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
}


@dataclass(slots=True)
class Fetching:
    """An object on its way into memory, with what is said of it.

    Args:
        length: bytes that are wanted at most.
        unless: the ETag of a version whose bytes are not wanted.
        digest: see `info_of`.
    """

    key: str
    url: str
    length: int
    unless: str
    digest: bool
    fetched: Fetched | None = None
    _held: bytearray = field(default_factory=bytearray)

    def receive(self, head: Head) -> Into:
        """See `messages.Receive`."""
        info = info_of(self.key, head.headers, url=self.url, digest=self.digest)
        if self.unless and info.etag == self.unless:  # the server ignores If-None-Match
            self.fetched = Fetched(info, None)
            return Into(_NONE)
        part = range_of(head.headers)
        if part and part[0]:
            raise StoreRefused(f"{self.url}: asked for its beginning, got {part}: the server does not do ranges")
        self._held = Held(min(self.length, info.size))
        self.fetched = Fetched(info, self._held)
        return Into(memoryview(self._held))

    def check(self, answer: Answer) -> None:
        """Raise Damaged where the bytes are not those of the checksum that came with them."""
        if self.fetched and self.fetched.body is not None and len(self._held) == self.fetched.info.size:
            _compare(self._held, answer.headers, self.url)


def _compare(body: bytearray, headers: Mapping[str, str], url: str) -> None:
    """With those checksums of the whole object that Python has; one of parts ends in their number."""
    for name, make in _SUMS.items():
        told = headers.get(f"x-amz-checksum-{name}", "")
        if told and "-" not in told:
            if told != base64(make(body)):
                raise Damaged(f"{url}: its {name} is not {told}: start over")
            return


@dataclass(frozen=True, slots=True)
class Ranged:
    """Bytes of one version on their way.

    Args:
        to: as of `messages.Into`.
    """

    info: ObjectInfo
    url: str
    start: int
    length: int
    to: Write | memoryview

    @property
    def span(self) -> str:
        """As Range asks for it."""
        return f"bytes={self.start}-{self.start + self.length - 1}"

    def receive(self, head: Head) -> Into:
        """See `messages.Receive`; raises SourceChanged, StoreRefused."""
        info = info_of(self.info.key, head.headers, url=self.url)
        if not same_version(info, self.info):
            raise SourceChanged(f"{self.url} is not the version {self.info.etag} any more: look again")
        part = range_of(head.headers) or (0, info.size, info.size)
        if part[0] != self.start or part[1] < self.length:
            raise StoreRefused(f"{self.url}: asked for {self.span}, got {part}: the server does not do ranges")
        return Into(self.to, self.length, once=True)


def has_etag(answer: Answer) -> None:
    """Raise Malformed where a write is answered without an ETag: by a proxy, perhaps, and not by the store."""
    if not bare(answer.headers.get("etag", "")):
        raise Malformed("an answer without an ETag: check endpoint and proxy")


def parse_put(answer: Answer) -> Written:
    """What an answer to PutObject says."""
    return Written(bare(answer.headers.get("etag", "")), version_of(answer.headers))


def parse_publish(root: "Element", answer: Answer) -> Written:
    """What the document says that answers a commit or a copy."""
    if not (etag := etag_inside(root, answer)):
        raise NoDocument("an answer without an ETag: check endpoint and proxy")
    return Written(etag, version_of(answer.headers))


def parse_commit(root: "Element", answer: Answer) -> Written:
    """What the document says that answers a commit. Ceph (16.2) leaves its ETag empty: then it is "" here, too."""
    fields = texts(root)
    if not fields.get("ETag") and not fields.get("Key"):
        raise NoDocument("an answer without an ETag: check endpoint and proxy")
    return Written(bare(fields.get("ETag", "")), version_of(answer.headers))


def etag_inside(root: "Element", answer: Answer) -> str:
    """The ETag that a document says, "" for none."""
    del answer
    return bare(texts(root).get("ETag", ""))


def copied_part(answer: Answer) -> str:
    """The ETag of a part that the server has copied; "" where it took the request for one to write nothing."""
    if b"<CopyPart" not in answer.body:
        return ""
    return etag_inside(read(answer.body, "CopyPart"), answer)


def upload_id(root: "Element", answer: Answer) -> str:
    """The id that InitiateMultipartUploadResult says."""
    del answer
    if not (value := texts(root).get("UploadId", "")):
        raise NoDocument("an answer without an upload's id: check endpoint and proxy")
    return value


def tags_inside(root: "Element", answer: Answer) -> Mapping[str, str]:
    """The tags that Tagging says."""
    del answer
    tags = {}
    for each in children(root, "TagSet"):
        for tag in children(each, "Tag"):
            told = texts(tag)
            if "Key" not in told or "Value" not in told:
                raise NoDocument("a tag without a name or a value: check endpoint and proxy")
            tags[told["Key"]] = told["Value"]
    return tags


def base64(digest: bytes) -> str:
    """As headers have it."""
    return b2a_base64(digest, newline=False).decode()
