"""What a store in memory is besides its verbs: its bucket's user, the orders of a test, and how strict it is."""

import base64
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timezone
from types import MappingProxyType

from bucketrelay.abilities import Part, Upload
from bucketrelay.errors import ObjectGone, SourceChanged, StoreRefused, TargetChanged
from bucketrelay.model import NOTHING, Address, Meta, ObjectInfo
from bucketrelay.store import Abilities, Absent, Expect
from bucketrelay.testing.bucket import Bucket, Held, Open, Order, Orders
from bucketrelay.values import replace

PLACE = Address(scheme="s3", bucket="memory")


def _now() -> datetime:
    return datetime.now(timezone.utc)


class OrderedStore:
    """A bucket on a dict.

    Args:
        address: where it says it is; its prefix is in force.
        conditional: False: `expect` is accepted and ignored, as some servers do.
        versioned: whether objects have version ids. Old versions can be read where *history* says so, else not.
        history: whether `read` gives old versions.
        now: the server's clock, timezone-aware.
        abilities: limits, enforced.
        bucket: another such store, to look at the same bucket through another prefix.
        copies: whether it reaches others of the same region, of whatever size the object is.
        region: where it is.
        sums: checksums that it tells: `md5` of what was put whole, always; `crc32` of every object, under `look` alone,
            as AWS does with its checksum mode.

    An ETag is the MD5 of the content, so rewriting the metadata alone keeps it and changes `modified` (and `version`).
    A part's ETag is opaque, and another one each time that the part is sent, as on OCI. The order in which user
    metadata comes changes from one answer to the next.
    """

    def __init__(  # noqa: PLR0913 — one for each way in which servers differ
        self,
        address: Address = PLACE,
        *,
        conditional: bool = True,
        versioned: bool = False,
        history: bool = False,
        now: Callable[[], datetime] = _now,
        abilities: Abilities | None = None,
        bucket: "OrderedStore | None" = None,
        copies: bool = False,
        region: str = "",
        sums: Collection[str] = (),
    ) -> None:
        self._address = address
        self._conditional = conditional
        self._versioned, self._history = versioned, history
        self._abilities = abilities or Abilities(creates_once=conditional, streams=True, consistent=True)
        self.bucket: Bucket = bucket.bucket if bucket else Bucket(now)
        self.copies, self.region, self._sums = copies, region, frozenset(sums)
        self.orders = Orders(self.bucket.lock)
        self._answers = 0

    # The user of the bucket, and the test.

    def write(self, key: str, body: bytes = b"", meta: Meta | None = None) -> ObjectInfo:
        """The user of the bucket writes; counted nowhere, refused never."""
        with self.bucket.lock:
            held = self._hold(self._full(key), body, hashlib.md5(body).hexdigest(), meta or Meta())  # noqa: S324 — as S3 does
            return self._info(key, held)

    def remove(self, key: str) -> None:
        """The user of the bucket deletes."""
        with self.bucket.lock:
            self.bucket.remove(self._full(key))

    def body(self, key: str) -> bytes | None:
        """What the bucket holds, uncounted."""
        held = self.bucket.objects.get(self._full(key))
        return held.body if held else None

    def info(self, key: str) -> ObjectInfo | None:
        """What a look would say, uncounted."""
        held = self.bucket.objects.get(self._full(key))
        return self._info(key, held) if held else None

    def keys(self) -> list[str]:
        """All keys of this store, as `list` orders them, uncounted."""
        relative = (self._address.relative(full) for full in list(self.bucket.objects))
        return sorted((key for key in relative if key is not None), key=str.encode)

    def drop_bucket(self) -> None:
        """The whole bucket goes away: every verb is refused from here on."""
        self.bucket.exists = False
        self.bucket.objects.clear()

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Every request: its verb and its key."""
        return self.orders.calls

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
        self.orders.add(Order(verb, act, key, after, times))

    def lag(self, key: str, *verbs: str, times: int = 1) -> None:
        """Show the next *times* requests by *verbs* (look, fetch, read, list) what *key* was before its last change."""
        for verb in verbs:
            self.bucket.behind[verb, self._full(key)] = times

    def _hold(self, full: str, body: bytes, etag: str, meta: Meta) -> Held:
        return self.bucket.hold(full, body, etag, meta, versioned=self._versioned)

    def _full(self, key: str) -> str:
        return self._address.prefix + key

    def _all_keys(self) -> list[str]:
        """Of what is there, and of what was and may still be shown."""
        relative = (self._address.relative(full) for full in {*self.bucket.objects, *self.bucket.before})
        return sorted((key for key in relative if key is not None), key=str.encode)

    def _check_bucket(self, key: str) -> None:
        if not self.bucket.exists:
            raise StoreRefused(f"{self._address.of(key)}: there is no such bucket: create it or mend the configuration")

    def _find(self, key: str, verb: str = "") -> Held | None:
        self._check_bucket(key)
        if not 0 < len(self._full(key).encode()) <= self._abilities.key_bytes:
            raise StoreRefused(
                f"{self._address.of(key)}: the key is empty or longer than the store can hold: rename it"
            )
        return self.bucket.show(verb, self._full(key))

    def version(self, info: ObjectInfo, verb: str = "") -> Held:
        """What is held, if it is that version; or that version, where old ones can be read."""
        held, url = self._find(info.key, verb), self._address.of(info.key)
        old = self.bucket.versions.get((self._full(info.key), info.version)) if self._history else None
        if old is not None:
            return old
        if held is None:
            raise ObjectGone(f"{url} is not there any more: look again")
        if held.etag != info.etag or (info.version and held.version != info.version):
            raise SourceChanged(f"{url} is not {info.etag} {info.version} any more: look again")
        return held

    def _info(self, key: str, held: Held, *, summed: bool = False) -> ObjectInfo:
        self._answers += 1
        mixed = sorted(held.meta.user.items(), key=lambda item: zlib.crc32(f"{self._answers} {item[0]}".encode()))
        user = MappingProxyType(dict(mixed))
        meta = replace(held.meta, user=user, tags=NOTHING, tag_count=len(held.meta.tags) or held.meta.tag_count)
        sums = {}
        if "md5" in self._sums and "-" not in held.etag:
            sums["md5"] = held.etag
        if "crc32" in self._sums and summed:
            sums["crc32"] = base64.b64encode(zlib.crc32(held.body).to_bytes(4, "big")).decode()
        return ObjectInfo(
            key, len(held.body), held.etag, held.modified, held.version, meta, checksums=MappingProxyType(sums)
        )

    def _check(self, key: str, meta: Meta, expect: Expect) -> None:
        """Whether a write may happen now."""
        held = self._find(key)
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

    def _meta_of(self, meta: Meta) -> Meta:
        """What of *meta* a write keeps; names get lower case."""
        kept = {name: getattr(meta, name) for name in self._abilities.headers}
        user = MappingProxyType({name.lower(): value for name, value in meta.user.items()})
        return Meta(**kept, user=user, storage_class=meta.storage_class, tags=MappingProxyType(dict(meta.tags)))

    def _upload(self, upload: Upload) -> Open:
        self._check_bucket(upload.key)
        opened = self.bucket.open.get(upload.id)
        if opened is None or opened.key != self._full(upload.key):
            raise ObjectGone(f"{self._address.of(upload.key)}: there is no upload {upload.id}: begin again")
        return opened

    def _choose(self, upload: Upload, parts: Sequence[Part]) -> Sequence[bytes]:
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
