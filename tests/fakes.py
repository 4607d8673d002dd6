"""A strict store in memory; it passes `tests/contracts/` like the real ones. It takes orders: faults, a user's acts.

store = MemoryStore()
store.write("a", b"1")                                   # the bucket's user did that, not we
store.fail("put", OutcomeUnknown("no answer"), after=True)   # the write happens, the answer is lost
store.arrange("read", lambda: store.write("a", b"2"))    # somebody overwrites just before our next read
store.calls == [("look", "a"), ("put", "b")]             # every request, in order
"""

import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from types import MappingProxyType

from bucketrelay.deadline import Deadline
from bucketrelay.errors import CannotCopy, ObjectGone, SourceChanged, StoreRefused, TargetChanged
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING, Address, Fetched, Meta, ObjectInfo
from bucketrelay.store import Abilities, Absent, Expect, Part, Store, Upload, Written

PLACE = Address(scheme="s3", bucket="memory")


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class _Held:
    body: bytes
    etag: str
    modified: datetime
    version: str
    meta: Meta


@dataclass
class _Open:
    key: str
    meta: Meta
    parts: dict[int, tuple[Part, bytes]] = field(default_factory=dict)


@dataclass
class _Order:
    verb: str
    act: Callable[[], object]
    key: str | None
    after: bool
    times: int


@dataclass
class _Bucket:
    """What the server holds; several stores (prefixes) may look at one."""

    now: Callable[[], datetime]
    objects: dict[str, _Held] = field(default_factory=dict)
    open: dict[str, _Open] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.RLock = field(default_factory=threading.RLock)
    exists: bool = True

    def hold(self, key: str, body: bytes, etag: str, meta: Meta, *, versioned: bool) -> _Held:
        version = f"v{next(self.numbers)}" if versioned else ""
        held = self.objects[key] = _Held(body, etag, self.now(), version, meta)
        return held


class MemoryStore:
    """Store, PartStore, Tagged and ServerSideCopy on a dict.

    Args:
        address: where it says it is; its prefix is in force.
        conditional: False: `expect` is accepted and ignored, as some servers do.
        versioned: whether objects have version ids. Old versions cannot be read: strict.
        now: the server's clock, timezone-aware.
        abilities: limits, enforced.
        bucket: another MemoryStore, to look at the same bucket through another prefix.
        copies: whether it reaches other MemoryStores, of whatever size the object is.

    An ETag is the MD5 of the content, so rewriting the metadata alone keeps it and changes `modified` (and `version`).
    """

    def __init__(
        self,
        address: Address = PLACE,
        *,
        conditional: bool = True,
        versioned: bool = False,
        now: Callable[[], datetime] = _now,
        abilities: Abilities | None = None,
        bucket: "MemoryStore | None" = None,
        copies: bool = False,
    ) -> None:
        self._address = address
        self._conditional = conditional
        self._versioned = versioned
        self._abilities = abilities or Abilities(creates_once=conditional)
        self._bucket: _Bucket = bucket._bucket if bucket else _Bucket(now)
        self._copies = copies
        self._orders: list[_Order] = []
        self.calls: list[tuple[str, str]] = []

    # The user of the bucket, and the test.

    def write(self, key: str, body: bytes = b"", meta: Meta | None = None) -> ObjectInfo:
        """The user of the bucket writes; counted nowhere, refused never."""
        with self._bucket.lock:
            etag = hashlib.md5(body).hexdigest()
            held = self._bucket.hold(self._full(key), body, etag, meta or Meta(), versioned=self._versioned)
            return self._info(key, held)

    def remove(self, key: str) -> None:
        """The user of the bucket deletes."""
        with self._bucket.lock:
            self._bucket.objects.pop(self._full(key), None)

    def body(self, key: str) -> bytes | None:
        """What the bucket holds, uncounted."""
        held = self._bucket.objects.get(self._full(key))
        return held.body if held else None

    def info(self, key: str) -> ObjectInfo | None:
        """What a look would say, uncounted."""
        held = self._bucket.objects.get(self._full(key))
        return self._info(key, held) if held else None

    def keys(self) -> list[str]:
        """All keys of this store, as `list` orders them, uncounted."""
        relative = (self._address.relative(full) for full in list(self._bucket.objects))
        return sorted((key for key in relative if key is not None), key=str.encode)

    def drop_bucket(self) -> None:
        """The whole bucket goes away: every verb is refused from here on."""
        self._bucket.exists = False
        self._bucket.objects.clear()

    @property
    def counts(self) -> Counter[str]:
        """Requests by verb."""
        return Counter(verb for verb, _ in self.calls)

    def fail(
        self, verb: str, error: BaseException, times: int = 1, key: str | None = None, after: bool = False
    ) -> None:
        """Raise *error* on the next *times* calls of *verb* (on *key*), before or after their effect.

        A `list` that fails "after" has given one object.
        """

        def act() -> None:
            raise error

        self.arrange(verb, act, times, key, after)

    def arrange(
        self, verb: str, act: Callable[[], object], times: int = 1, key: str | None = None, after: bool = False
    ) -> None:
        """Run *act* in the next *times* calls of *verb*, before or after their effect: somebody else's deed."""
        self._orders.append(_Order(verb, act, key, after, times))

    # Store.

    @property
    def address(self) -> Address:
        return self._address

    @property
    def abilities(self) -> Abilities:
        return self._abilities

    @property
    def conditional(self) -> bool:
        return self._conditional

    def look(self, key: str, *, sure: bool = True) -> ObjectInfo | None:
        self._called("look", key)
        with self._bucket.lock:
            if not self._bucket.exists and not sure:
                return None  # a bare 404 does not say what is missing
            held = self._held(key)
        self._ordered("look", key, after=True)
        return self._info(key, held) if held else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        assert length >= 1, length
        self._called("fetch", key)
        with self._bucket.lock:
            held = self._held(key)
        self._ordered("fetch", key, after=True)
        if held is None:
            return None
        if unless and held.etag == unless:
            return Fetched(ObjectInfo(key, -1, held.etag, held.modified, held.version), None)
        return Fetched(self._info(key, held), held.body[:length])

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        assert 0 <= start < start + length <= info.size, (start, length, info.size)
        self._called("read", info.key)
        with self._bucket.lock:
            held = self._held(info.key)
        self._ordered("read", info.key, after=True)
        return self._same(held, info).body[start : start + length]

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        self._called("list", prefix)
        with self._bucket.lock:
            self._there("")
            found = [
                replace(info, meta=Meta())
                for key in self.keys()
                if key.startswith(prefix) and key.encode() > after.encode() and (info := self.info(key))
            ]
        yield from found[:1]
        self._ordered("list", prefix, after=True)
        yield from found[1:]

    def put(self, key: str, body: bytes | bytearray, meta: Meta, *, expect: Expect = None) -> Written:
        assert isinstance(body, bytes | bytearray), type(body)
        self._called("put", key)
        with self._bucket.lock:
            self._check(key, meta, expect)
            content = bytes(body)
            held = self._bucket.hold(
                self._full(key),
                content,
                hashlib.md5(content).hexdigest(),
                self._carried(meta),
                versioned=self._versioned,
            )
        self._ordered("put", key, after=True)
        return Written(held.etag, held.version)

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        self._called("delete", key)
        with self._bucket.lock:
            held = self._held(key)
            if self._conditional and expect is not None and held is not None and held.etag != expect.etag:
                raise TargetChanged(f"{self._address.of(key)} is not {expect.etag} any more: look again")
            self._bucket.objects.pop(self._full(key), None)
        self._ordered("delete", key, after=True)

    # PartStore.

    def begin(self, key: str, meta: Meta) -> Upload:
        self._called("begin", key)
        with self._bucket.lock:
            self._check(key, meta, None)
            upload = Upload(key, f"u{next(self._bucket.numbers)}")
            self._bucket.open[upload.id] = _Open(self._full(key), self._carried(meta))
        self._ordered("begin", key, after=True)
        return upload

    def put_part(self, upload: Upload, number: int, body: bytes | bytearray) -> Part:
        assert isinstance(body, bytes | bytearray), type(body)
        self._called("put_part", upload.key)
        with self._bucket.lock:
            held = self._upload(upload)
            if not 1 <= number <= self._abilities.max_parts or len(body) > self._abilities.max_part:
                raise StoreRefused(
                    f"{self._address.of(upload.key)}: no part {number} of {len(body)} bytes can be taken"
                )
            part = Part(number, hashlib.md5(body).hexdigest(), len(body))
            held.parts[number] = (part, bytes(body))
        self._ordered("put_part", upload.key, after=True)
        return part

    def parts(self, upload: Upload) -> Iterator[Part]:
        self._called("parts", upload.key)
        with self._bucket.lock:
            held = dict(self._upload(upload).parts)
        self._ordered("parts", upload.key, after=True)
        yield from (held[number][0] for number in sorted(held))

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        self._called("commit", upload.key)
        with self._bucket.lock:
            bodies = self._chosen(upload, parts)
            self._check(upload.key, Meta(), expect)
            taken = self._bucket.open.pop(upload.id)
            digest = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest()
            held = self._bucket.hold(
                taken.key, b"".join(bodies), f"{digest}-{len(bodies)}", taken.meta, versioned=self._versioned
            )
        self._ordered("commit", upload.key, after=True)
        return Written(held.etag, held.version)

    def abandon(self, upload: Upload) -> None:
        self._called("abandon", upload.key)
        with self._bucket.lock:
            self._there(upload.key)
            self._bucket.open.pop(upload.id, None)
        self._ordered("abandon", upload.key, after=True)

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        self._called("uploads", prefix)
        with self._bucket.lock:
            self._there("")
            found = [(self._address.relative(held.key), id_) for id_, held in self._bucket.open.items()]
        self._ordered("uploads", prefix, after=True)
        yield from (Upload(key, id_) for key, id_ in found if key is not None and key.startswith(prefix))

    # Tagged.

    def tags(self, info: ObjectInfo) -> Mapping[str, str]:
        self._called("tags", info.key)
        with self._bucket.lock:
            held = self._version(info)
        self._ordered("tags", info.key, after=True)
        return held.meta.tags

    # ServerSideCopy.

    def reach(self, source: Store) -> int | None:
        return 0 if self._copies and isinstance(source, MemoryStore) else None

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        deadline.check()
        self._called("copy_from", key)
        if self.reach(source) is None:
            raise CannotCopy(f"{self._address.of(key)}: {source.address.url} is out of reach: read it and write it")
        assert isinstance(source, MemoryStore)
        with source._bucket.lock:
            found = source._version(info)
        with self._bucket.lock:
            self._check(key, meta, expect)
            held = self._bucket.hold(
                self._full(key), found.body, found.etag, self._carried(meta), versioned=self._versioned
            )
        self._ordered("copy_from", key, after=True)
        return Written(held.etag, held.version)

    # Inside.

    def _called(self, verb: str, key: str) -> None:
        with self._bucket.lock:
            self.calls.append((verb, key))
        self._ordered(verb, key, after=False)

    def _ordered(self, verb: str, key: str, *, after: bool) -> None:
        with self._bucket.lock:
            for order in self._orders:
                if (order.verb, order.after) == (verb, after) and order.times > 0 and order.key in (None, key):
                    order.times -= 1
                    break
            else:
                return
        order.act()

    def _full(self, key: str) -> str:
        return self._address.prefix + key

    def _there(self, key: str) -> None:
        if not self._bucket.exists:
            raise StoreRefused(f"{self._address.of(key)}: there is no such bucket: create it or mend the configuration")

    def _held(self, key: str) -> _Held | None:
        self._there(key)
        self._fits(key)
        return self._bucket.objects.get(self._full(key))

    def _version(self, info: ObjectInfo) -> _Held:
        return self._same(self._held(info.key), info)

    def _same(self, held: _Held | None, info: ObjectInfo) -> _Held:
        """What is held, if it is that version."""
        url = self._address.of(info.key)
        if held is None:
            raise ObjectGone(f"{url} is not there any more: look again")
        if held.etag != info.etag or (info.version and held.version != info.version):
            raise SourceChanged(f"{url} is not {info.etag} {info.version} any more: look again")
        return held

    def _info(self, key: str, held: _Held) -> ObjectInfo:
        meta = replace(held.meta, tags=NOTHING, tag_count=len(held.meta.tags) or held.meta.tag_count)
        return ObjectInfo(key, len(held.body), held.etag, held.modified, held.version, meta)

    def _fits(self, key: str) -> None:
        if not 0 < len(self._full(key).encode()) <= self._abilities.key_bytes:
            raise StoreRefused(
                f"{self._address.of(key)}: the key is empty or longer than the store can hold: rename it"
            )

    def _check(self, key: str, meta: Meta, expect: Expect) -> None:
        """Whether a write may happen now."""
        held = self._held(key)
        if sum(len(name) + len(value.encode()) for name, value in meta.user.items()) > self._abilities.user_bytes:
            raise StoreRefused(f"{self._address.of(key)}: more metadata than the store can hold")
        if len(meta.tags) > self._abilities.tags:
            raise StoreRefused(f"{self._address.of(key)}: more tags than the store can hold")
        if not self._conditional or expect is None:
            return
        if isinstance(expect, Absent):
            if held is not None:
                raise TargetChanged(f"{self._address.of(key)} exists: look again")
        elif held is None or held.etag != expect.etag:  # the ETag alone, as S3 and OCI compare it
            raise TargetChanged(f"{self._address.of(key)} is not {expect.etag} any more: look again")

    def _carried(self, meta: Meta) -> Meta:
        """What of *meta* a write keeps; names get lower case."""
        kept = {name: getattr(meta, name) for name in self._abilities.headers}
        user = MappingProxyType({name.lower(): value for name, value in meta.user.items()})
        return Meta(**kept, user=user, storage_class=meta.storage_class, tags=MappingProxyType(dict(meta.tags)))

    def _upload(self, upload: Upload) -> _Open:
        self._there(upload.key)
        held = self._bucket.open.get(upload.id)
        if held is None or held.key != self._full(upload.key):
            raise ObjectGone(f"{self._address.of(upload.key)}: there is no upload {upload.id}: begin again")
        return held

    def _chosen(self, upload: Upload, parts: Sequence[Part]) -> Sequence[bytes]:
        """The bodies that *parts* name, or why they cannot be put together."""
        held = self._upload(upload).parts
        url = self._address.of(upload.key)
        numbers = [part.number for part in parts]
        if not parts or numbers != sorted(set(numbers)):
            raise StoreRefused(f"{url}: parts {numbers} are not ascending")
        for part in parts:
            if part.number not in held or held[part.number][0] != part:
                raise StoreRefused(f"{url}: part {part.number} is not the one that the store holds")
        if any(part.size < self._abilities.min_part for part in parts[:-1]):
            raise StoreRefused(f"{url}: a part but the last is smaller than {self._abilities.min_part} bytes")
        return [held[number][1] for number in numbers]


def at_once():
    """A Pace that waits in a time of its own: what is tested is not how long."""
    clock = [0.0]

    def sleep(seconds):
        clock[0] += seconds

    return Pace(now=lambda: clock[0], sleep=sleep)
