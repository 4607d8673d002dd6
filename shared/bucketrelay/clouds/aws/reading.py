"""How an object's bytes are received: its first ones with what is said of it, and ranges of one version."""

import hashlib
import zlib
from collections.abc import Callable, Mapping

from bucketrelay.bodies import Held
from bucketrelay.clouds.aws.answers import base64
from bucketrelay.clouds.aws.fields import info_of, quote_etag, range_of, same_version
from bucketrelay.clouds.aws.requests import Given, Requests
from bucketrelay.errors import Damaged, ObjectGone, SourceChanged, StoreRefused
from bucketrelay.http.messages import Answer, Head, Into
from bucketrelay.http.outcome import Effect
from bucketrelay.model import Fetched, ObjectInfo
from bucketrelay.store import Write
from bucketrelay.values import dataclass, field

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


def read_range(requests: Requests, ranged: Ranged) -> None:
    """GetObject of a range with If-Match; by version id where that is no longer the latest.

    Raises:
        SourceChanged: it is another version by now.
        ObjectGone: there is none.
    """
    headers = {"range": ranged.span, **({"if-match": quote_etag(ranged.info.etag)} if ranged.info.etag else {})}
    try:
        requests.send("GetObject", ranged.info.key, Effect.READ, Given(headers=headers), ranged.receive)
    except (SourceChanged, ObjectGone):
        if not ranged.info.version or not _read_by_id(requests, ranged):
            raise


def _read_by_id(requests: Requests, ranged: Ranged) -> bool:
    """Read a version that is no longer the latest, if we may (s3:GetObjectVersion) and it is still there.

    So an object that changes faster than it is copied gets through, too.
    """
    given = Given([("versionId", ranged.info.version)], {"range": ranged.span})
    try:
        requests.send("GetObject", ranged.info.key, Effect.READ, given, ranged.receive)
    except (SourceChanged, ObjectGone, StoreRefused):
        return False
    return True
