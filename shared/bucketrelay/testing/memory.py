"""A strict store in memory, as unforgiving as the clouds; it takes orders: faults, a user's acts, a lag.

store = MemoryStore()
store.write("a", b"1")                                       # the bucket's user did that, not we
store.fail("put", OutcomeUnknown("no answer"), after=True)   # the write happens, the answer is lost
store.arrange("read", lambda: store.write("a", b"2"))        # somebody overwrites just before our next read
store.lag("a", "fetch", "look")                              # the next of each still shows what was there before
store.calls == [("look", "a"), ("put", "b")]                 # every request, in order
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from bucketrelay.abilities import Part, Upload
from bucketrelay.bodies import gather, pour_bytes
from bucketrelay.deadline import Deadline
from bucketrelay.errors import CannotCopy, StoreRefused, TargetChanged
from bucketrelay.model import NOTHING, Address, Fetched, Meta, ObjectInfo
from bucketrelay.store import Abilities, Body, Expect, Store, Write, Written
from bucketrelay.testing.bucket import Open
from bucketrelay.testing.ordered import PLACE, OrderedStore
from bucketrelay.values import replace

__all__ = ["PLACE", "MemoryStore"]


class MemoryStore(OrderedStore):
    """Store, PartStore, Tagged and ServerSideCopy on a dict; the arguments are those of `OrderedStore`."""

    @property
    def address(self) -> Address:
        """See Store."""
        return self._address

    @property
    def abilities(self) -> Abilities:
        """See Store."""
        return self._abilities

    @property
    def conditional(self) -> bool:
        """See Store."""
        return self._conditional

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:
        """See Store."""
        self.orders.begin("look", key)
        with self.bucket.lock:
            if not self.bucket.exists and trust_bare_404:
                return None  # a bare 404 does not say what is missing
            held = self._find(key, "look")
        self.orders.end("look", key)
        return self._info(key, held, summed=True) if held else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        """See Store."""
        assert length >= 1, (length, size)
        self.orders.begin("fetch", key)
        with self.bucket.lock:
            held = self._find(key, "fetch")
        self.orders.end("fetch", key)
        if held is None:
            return None
        if unless and held.etag == unless:
            return Fetched(ObjectInfo(key, -1, held.etag, held.modified, held.version), None)
        return Fetched(self._info(key, held), held.body[:length])

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """See Store."""
        return self._content("read", info, start, length)

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """See Store."""
        pour_bytes(self._content("pour", info, start, length), write)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """See Store."""
        self.orders.begin("list", prefix)
        with self.bucket.lock:
            self._check_bucket("")
            infos = [
                replace(self._info(key, held), meta=Meta(), checksums=NOTHING)
                for key in self._all_keys()
                if key.startswith(prefix)
                and key.encode() > after.encode()
                and (held := self.bucket.show("list", self._full(key)))
            ]
        yield from infos[:1]
        self.orders.end("list", prefix)
        yield from infos[1:]

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        """See Store."""
        self.orders.begin("put", key)
        content = bytes(gather(body))
        with self.bucket.lock:
            self._check(key, meta, expect)
            etag = hashlib.md5(content).hexdigest()  # noqa: S324 — as S3 does
            held = self._hold(self._full(key), content, etag, self._meta_of(meta))
        self.orders.end("put", key)
        return Written(held.etag, held.version)

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        """See Store."""
        self.orders.begin("delete", key)
        with self.bucket.lock:
            held = self._find(key)
            if self._conditional and expect is not None and held is not None and held.etag != expect.etag:
                raise TargetChanged(f"{self._address.of(key)} is not {expect.etag} any more: look again")
            self.bucket.remove(self._full(key))
        self.orders.end("delete", key)

    # PartStore.

    def begin(self, key: str, meta: Meta) -> Upload:
        """See PartStore."""
        self.orders.begin("begin", key)
        with self.bucket.lock:
            self._check(key, meta, None)
            upload = Upload(key, f"u{next(self.bucket.numbers)}")
            self.bucket.open[upload.id] = Open(self._full(key), self._meta_of(meta))
        self.orders.end("begin", key)
        return upload

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """See PartStore."""
        self.orders.begin("put_part", upload.key)
        content = bytes(gather(body))
        with self.bucket.lock:
            opened = self._upload(upload)
            if not 1 <= number <= self._abilities.max_parts or len(content) > self._abilities.max_part:
                raise StoreRefused(
                    f"{self._address.of(upload.key)}: no part {number} of {len(content)} bytes can be taken"
                )
            part = Part(number, f"p{next(self.bucket.numbers)}", len(content))
            opened.parts[number] = (part, content)
        self.orders.end("put_part", upload.key)
        return part

    def parts(self, upload: Upload) -> Iterator[Part]:
        """See PartStore."""
        self.orders.begin("parts", upload.key)
        with self.bucket.lock:
            parts = dict(self._upload(upload).parts)
        self.orders.end("parts", upload.key)
        yield from (parts[number][0] for number in sorted(parts))

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        """See PartStore."""
        self.orders.begin("commit", upload.key)
        with self.bucket.lock:
            bodies = self._choose(upload, parts)
            self._check(upload.key, Meta(), expect)
            opened = self.bucket.open.pop(upload.id)
            sums = b"".join(hashlib.md5(body).digest() for body in bodies)  # noqa: S324 — as S3 does
            etag = f"{hashlib.md5(sums).hexdigest()}-{len(bodies)}"  # noqa: S324 — as above
            held = self._hold(opened.key, b"".join(bodies), etag, opened.meta)
        self.orders.end("commit", upload.key)
        return Written(held.etag, held.version)

    def abandon(self, upload: Upload) -> None:
        """See PartStore."""
        self.orders.begin("abandon", upload.key)
        with self.bucket.lock:
            self._check_bucket(upload.key)
            self.bucket.open.pop(upload.id, None)
        self.orders.end("abandon", upload.key)

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """See PartStore."""
        self.orders.begin("uploads", prefix)
        with self.bucket.lock:
            self._check_bucket("")
            opened = [(self._address.relative(each.key), id_) for id_, each in self.bucket.open.items()]
        self.orders.end("uploads", prefix)
        yield from (Upload(key, id_) for key, id_ in opened if key is not None and key.startswith(prefix))

    # Tagged.

    def tags(self, info: ObjectInfo) -> Mapping[str, str]:
        """See Tagged."""
        self.orders.begin("tags", info.key)
        with self.bucket.lock:
            held = self.version(info)
        self.orders.end("tags", info.key)
        return held.meta.tags

    # ServerSideCopy.

    def reach(self, source: Store) -> int | None:
        """See ServerSideCopy."""
        near = isinstance(source, MemoryStore) and source.region == self.region
        return 0 if self.copies and near else None

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        """See ServerSideCopy."""
        deadline.check()
        self.orders.begin("copy_from", key)
        if self.reach(source) is None:
            raise CannotCopy(f"{self._address.of(key)}: {source.address.url} is out of reach: read it and write it")
        assert isinstance(source, MemoryStore)
        with source.bucket.lock:
            original = source.version(info)
        with self.bucket.lock:
            self._check(key, meta, expect)
            held = self._hold(self._full(key), original.body, original.etag, self._meta_of(meta))
        self.orders.end("copy_from", key)
        return Written(held.etag, held.version)

    def _content(self, verb: str, info: ObjectInfo, start: int, length: int) -> bytes:
        assert 0 <= start < start + length <= info.size, (start, length, info.size)
        self.orders.begin(verb, info.key)
        with self.bucket.lock:
            held = self.version(info, "read")
        self.orders.end(verb, info.key)
        return held.body[start : start + length]
