"""A store seen through headers that are encrypted anew: each object as its receiver will see it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from types import MappingProxyType

from bucketrelay.bodies import pour_bytes
from bucketrelay.clouds.crypt4gh.header import LONGEST, BadHeader, CutHeader, PrivateKey, length_of, reencrypt, split
from bucketrelay.core import digest
from bucketrelay.errors import SourceChanged, StoreRefused
from bucketrelay.model import Address, Fetched, Meta, ObjectInfo
from bucketrelay.store import Abilities, Body, Expect, Store, Write, Written
from bucketrelay.values import dataclass, replace

_USUAL = 64 * 1024  # bytes that are fetched for a header; nearly all have 124
_SEGMENT, _TAG = 65_536 + 28, 28  # bytes of a whole encrypted segment; bytes of nonce and tag, which each begins with
_REMEMBERED = 1024  # objects whose header is kept, 1 KB each


@dataclass(frozen=True, slots=True)
class Header:
    """What is kept elsewhere of an object whose body alone lies in the store."""

    raw: bytes
    size: int | None = None  # of the body, as it should be


Headers = Callable[[str], Header | None]  # of a key; None where nobody knows the object


@dataclass(frozen=True, slots=True)
class _Seen:
    """One version of one object: as the store has it, and what stands in place of its first bytes."""

    inner: ObjectInfo
    skip: int  # bytes of the old header within the object
    head: bytes  # the new header

    @property
    def info(self) -> ObjectInfo:
        """As the receiver will see it."""
        size = len(self.head) + self.inner.size - self.skip
        sums = MappingProxyType(dict(self._sums()))
        return replace(self.inner, size=size, etag=f"{self.inner.etag}.{_mark(self.head)}", checksums=sums)

    def _sums(self) -> Iterator[tuple[str, str]]:
        """CRCs of header and body put together, where the store has those of the body."""
        for name, told in self.inner.checksums.items() if not self.skip else ():
            function, body = digest.crc(name), digest.crc_of(name, told)
            if function and body is not None:
                yield name, digest.crc_text(name, digest.combine(name, function(self.head, 0), body, self.inner.size))


class ReencryptedStore:
    """The objects of *inner*, each with its header encrypted for *receivers*. Read only.

    Args:
        inner: where the objects are.
        key: opens their headers.
        receivers: public keys, 32 bytes each.
        headers: where the objects' headers are, if not at their beginning: then *inner* has the bodies alone.
    """

    def __init__(
        self, inner: Store, key: PrivateKey, receivers: Sequence[bytes], headers: Headers | None = None
    ) -> None:
        self._inner, self._key, self._receivers, self._headers = inner, key, tuple(receivers), headers
        self._remembered: OrderedDict[tuple[str, str], _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ReencryptedStore({self._inner!r})"

    @property
    def address(self) -> Address:
        """Where the objects are."""
        return self._inner.address

    @property
    def abilities(self) -> Abilities:
        """What the store can hold."""
        return self._inner.abilities

    @property
    def conditional(self) -> bool:
        """As the store; nothing is written."""
        return self._inner.conditional

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:
        """The object as its receiver will see it."""
        if self._headers is not None:
            info = self._inner.look(key, trust_bare_404=trust_bare_404)
            return self._remember(self._apart(info)).info if info else None
        fetched = self._inner.fetch(key, _USUAL)
        return self._remember(self._inline(fetched.info, fetched.body or b"")).info if fetched else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:  # noqa: ARG002 - the hint is of the object as it lies there
        """The object and its first bytes, the new header among them."""
        fetched = self._inner.fetch(key, max(length, _USUAL) if self._headers is None else length)
        if fetched is None:
            return None
        body = fetched.body or b""
        seen = self._remember(self._inline(fetched.info, body) if self._headers is None else self._apart(fetched.info))
        if unless and seen.info.etag == unless:
            return Fetched(seen.info, None)
        start = (seen.head + bytes(memoryview(body)[seen.skip : seen.skip + length]))[:length]
        short = min(length, seen.info.size) - len(start)
        if short > 0:  # the old header was longer than the new one
            start += self._inner.read(seen.inner, seen.skip + len(start) - len(seen.head), short)
        return Fetched(seen.info, start)

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """Bytes of exactly that version, under exactly that header."""
        seen = self._again(info)
        head = seen.head[start : start + length]
        if len(head) == length:
            return head
        body = self._inner.read(seen.inner, seen.skip + max(0, start - len(seen.head)), length - len(head))
        return head + body if head else body

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """As `read`, in blocks."""
        seen = self._again(info)
        head = seen.head[start : start + length]
        if head:
            pour_bytes(head, write)
        if len(head) < length:
            self._inner.pour(seen.inner, seen.skip + max(0, start - len(seen.head)), length - len(head), write)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """The objects as their receiver will see them: one request more for each where it begins with its header."""
        for inner in self._inner.list(prefix, after):
            info = self.look(inner.key)
            if info is not None:
                yield replace(info, meta=Meta())

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        """Refused."""
        del body, meta, expect
        raise StoreRefused(f"{self.address.of(key)}: an object seen through another header can only be read")

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        """Refused."""
        del expect
        raise StoreRefused(f"{self.address.of(key)}: an object seen through another header can only be read")

    def _again(self, info: ObjectInfo) -> _Seen:
        with self._lock:
            seen = self._remembered.get((info.key, info.etag))
        if seen is None:
            now = self.look(info.key)
            seen = self._remembered.get((info.key, now.etag)) if now else None
        if seen is None or seen.info.etag != info.etag:
            raise SourceChanged(f"{self.address.of(info.key)} is not the version {info.etag} any more: look again")
        return seen

    def _remember(self, seen: _Seen) -> _Seen:
        with self._lock:
            self._remembered[seen.inner.key, seen.info.etag] = seen
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return seen

    def _apart(self, info: ObjectInfo) -> _Seen:
        """An object whose header is kept elsewhere."""
        assert self._headers is not None
        url = self.address.of(info.key)
        known = self._headers(info.key)
        if known is None:
            raise StoreRefused(f"{url}: nobody knows its Crypt4GH header; nothing was copied")
        if known.size not in (None, info.size):
            raise StoreRefused(
                f"{url}: the store has {info.size} bytes of it, and {known.size} are on record; nothing was copied"
            )
        with _header_errors(url):
            return self._reseal(info, 0, split(known.raw))

    def _inline(self, info: ObjectInfo, start: bytes | bytearray) -> _Seen:
        """An object that begins with its header."""
        with _header_errors(self.address.of(info.key)):
            raw = bytes(start)
            while True:
                try:
                    packets = split(raw)
                    return self._reseal(info, length_of(packets), packets)
                except CutHeader:
                    more = min(info.size, LONGEST, 4 * len(raw)) - len(raw)
                    if more <= 0:
                        raise
                    raw += self._inner.read(info, len(raw), more)

    def _reseal(self, info: ObjectInfo, skip: int, packets: Sequence[bytes]) -> _Seen:
        if 0 < (info.size - skip) % _SEGMENT <= _TAG:
            raise BadHeader("is cut: its last segment is shorter than its own frame")
        return _Seen(info, skip, reencrypt(packets, self._key, self._receivers))


def _mark(head: bytes) -> str:
    """What tells one header from another within an ETag."""
    return sha256(head).hexdigest()[:16]


@contextmanager
def _header_errors(url: str) -> Iterator[None]:
    """What is wrong with a header, as an error of the object's."""
    try:
        yield
    except BadHeader as error:
        raise StoreRefused(f"{url} {error}; nothing was copied") from error
