"""A strict store as a value: every operation is a pure function from a bucket to a bucket and an answer.

`MemoryStore` is the store for tests that run once. Here a state of the world has to be compared, remembered and gone
back to a million times, so everything is a hashable tuple, and what a store answers is one as well.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from bucketrelay.abilities import Part, Upload
from bucketrelay.errors import ObjectGone, SourceChanged, StoreRefused, TargetChanged
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Written

EPOCH = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
WRITES = frozenset({"put", "commit", "delete"})  # what another task can see
READS = frozenset({"look", "fetch", "read", "list"})


class Held(NamedTuple):
    """An object: what the bucket remembers of it."""

    body: bytes
    etag: str
    second: int
    version: str
    meta: tuple


class Open(NamedTuple):
    """An open upload; `parts` are pairs of number and body, ascending."""

    id: str
    key: str
    meta: tuple
    parts: tuple


class Bucket(NamedTuple):
    """A bucket: pairs of key and object, ascending; open uploads; how many writes and uploads there ever were.

    `history`: pairs of version and bytes, where old versions can be read.
    """

    objects: tuple = ()
    uploads: tuple = ()
    writes: int = 0
    begun: int = 0
    history: tuple = ()

    def get(self, key: str) -> Held | None:
        return next((held for name, held in self.objects if name == key), None)

    def with_object(self, key: str, held: Held | None) -> "Bucket":
        rest = [pair for pair in self.objects if pair[0] != key]
        return self._replace(objects=tuple(sorted([*rest, (key, held)] if held else rest)))


class Rules(NamedTuple):
    """How a server behaves."""

    conditional: bool = True
    documented: bool = True  # and that it is conditional can be relied on
    versioned: bool = False  # with old versions that can still be read
    clock: bool = True  # False: every write is of the same *second*, so that more states are equal
    second: int = 99  # later than what a user of any of these worlds writes
    terse: bool = False  # "not modified" says nothing but the ETag
    early: bool = True  # a look that is begun shows what was there then; else what is there once somebody waits for it


class Operation(NamedTuple):
    """One request to one store."""

    store: str
    verb: str
    key: str
    args: tuple = ()

    @property
    def is_marker(self) -> bool:
        """Whether it is about what is to be verified."""
        return "verify/" in (self.key[:7], *self.args[:1])

    def __str__(self) -> str:
        words = [self.key, *(f"{arg}" for arg in self.args if not isinstance(arg, tuple))]
        return f"{self.store}.{self.verb}({', '.join(words)})"


class Answer(NamedTuple):
    """What a store answers: a value, or the kind and the text of an error."""

    value: Any = None
    error: type[Exception] | None = None

    def __str__(self) -> str:
        if self.error:
            return self.error.__name__
        held = self.value[0] if isinstance(self.value, tuple) and self.value else self.value
        held = self.value if isinstance(self.value, Held) else held
        if isinstance(held, Held):
            return f"{held.body.decode()} {user_meta(held.meta).get('v', '')}".strip()
        return "nothing" if self.value is None else str(self.value)


class Slow(Enum):
    """No answer yet, for so long that whoever looks after slow writes has looked."""

    SLOW = "slow"


SLOW = Answer(Slow.SLOW)


def frozen(meta: Meta) -> tuple:
    """Pairs of name and value of all that is not empty; a mapping is pairs again."""
    values = ((f.name, getattr(meta, f.name)) for f in fields(meta))
    return tuple((name, tuple(sorted(v.items())) if isinstance(v, Mapping) else v) for name, v in values if v)


@lru_cache(maxsize=100_000)
def thawed(meta: tuple) -> Meta:
    """The other way."""
    return Meta(**{name: MappingProxyType(dict(v)) if isinstance(v, tuple) else v for name, v in meta})


@lru_cache(maxsize=100_000)
def user_meta(meta: tuple) -> Mapping[str, str]:
    """The user's own names and values, and our stamp."""
    return thawed(meta).user


@lru_cache(maxsize=100_000)
def info_of(key: str, held: Held) -> ObjectInfo:
    when = EPOCH + timedelta(seconds=held.second)
    return ObjectInfo(key, len(held.body), held.etag, when, held.version, thawed(held.meta))


def etag_of(*bodies: bytes) -> str:
    """Opaque; the same bytes in other parts have another one."""
    return hashlib.md5(b"|".join(bodies)).hexdigest()


def written(bucket: Bucket, key: str, body: bytes, meta: tuple, rules: Rules, etag: str = "") -> Bucket:
    """The bucket after a write, by whomever."""
    count = bucket.writes + 1
    second = count if rules.clock else rules.second
    held = Held(body, etag or etag_of(body), second, f"v{count}" if rules.versioned else "", meta)
    if rules.versioned:
        bucket = bucket._replace(history=(*bucket.history, (held.version, body)))
    # Without a clock and versions nothing shows how many writes there were, and states that differ in it are equal.
    counted = bucket._replace(writes=count) if rules.clock or rules.versioned else bucket
    return counted.with_object(key, held)


def removed(bucket: Bucket, key: str) -> Bucket:
    """The bucket after a delete, by whomever."""
    return bucket.with_object(key, None)


def perform(bucket: Bucket, operation: Operation, rules: Rules) -> tuple[Bucket, Answer]:
    """The bucket after *operation*, and the answer."""
    try:
        after, value = _VERBS[operation.verb](bucket, operation, rules)
    except (ObjectGone, SourceChanged, StoreRefused, TargetChanged) as error:
        return bucket, Answer(str(error), type(error))
    return after, Answer(value)


def _look(bucket, op, rules):
    return bucket, bucket.get(op.key)


def _fetch(bucket, op, rules):
    held = bucket.get(op.key)
    length, unless = op.args
    if held is None:
        return bucket, None
    return bucket, (held, None) if held.etag == unless else (held, held.body[:length])


def _read(bucket, op, rules):
    etag, version, start, length = op.args
    held = bucket.get(op.key)
    body = dict(bucket.history).get(version)
    if body is None:
        if held is None:
            raise ObjectGone(op.key)
        if held.etag != etag:
            raise SourceChanged(op.key)
        body = held.body
    return bucket, body[start : start + length]


def _list(bucket, op, rules):
    prefix, after = op.args
    return bucket, tuple(pair for pair in bucket.objects if pair[0].startswith(prefix) and pair[0] > after)


def _expect(bucket, key, expect, rules):
    held = bucket.get(key)
    if not rules.conditional or expect == "any":
        return
    if (expect == "absent" and held) or (expect != "absent" and (held is None or held.etag != expect)):
        raise TargetChanged(key)


def _put(bucket, op, rules):
    expect, body, meta = op.args
    _expect(bucket, op.key, expect, rules)
    after = written(bucket, op.key, body, meta, rules)
    held = after.get(op.key)
    return after, Written(held.etag, held.version)


def _delete(bucket, op, rules):
    if bucket.get(op.key) is not None:
        _expect(bucket, op.key, op.args[0], rules)
    return removed(bucket, op.key), None


def _begin(bucket, op, rules):
    number = bucket.begun + 1
    opened = Open(f"u{number}", op.key, op.args[0], ())
    return bucket._replace(begun=number, uploads=(*bucket.uploads, opened)), Upload(op.key, opened.id)


def _upload(bucket, op):
    opened = next((u for u in bucket.uploads if u.id == op.args[0]), None)
    if opened is None:
        raise ObjectGone(f"no upload {op.args[0]}")
    return opened


def _put_part(bucket, op, rules):
    opened, number, body = _upload(bucket, op), *op.args[1:]
    parts = tuple(sorted([*(p for p in opened.parts if p[0] != number), (number, body)]))
    uploads = tuple(opened._replace(parts=parts) if u is opened else u for u in bucket.uploads)
    return bucket._replace(uploads=uploads), Part(number, etag_of(body), len(body))


def _parts(bucket, op, rules):
    return bucket, tuple(Part(number, etag_of(body), len(body)) for number, body in _upload(bucket, op).parts)


def _commit(bucket, op, rules):
    opened, chosen, expect = _upload(bucket, op), *op.args[1:]
    held = {number: (etag_of(body), body) for number, body in opened.parts}
    if not chosen or any(number not in held or held[number][0] != etag for number, etag in chosen):
        raise StoreRefused("a part is not the one that the store holds")
    _expect(bucket, op.key, expect, rules)
    bodies = [held[number][1] for number, _ in chosen]
    rest = bucket._replace(uploads=tuple(u for u in bucket.uploads if u is not opened))
    # The ETag has the number of parts in it even if there is just one, as on S3.
    after = written(rest, op.key, b"".join(bodies), opened.meta, rules, f"{etag_of(*bodies)}-{len(bodies)}")
    return after, Written(after.get(op.key).etag, after.get(op.key).version)


def _abandon(bucket, op, rules):
    return bucket._replace(uploads=tuple(u for u in bucket.uploads if u.id != op.args[0])), None


def _uploads(bucket, op, rules):
    return bucket, tuple(Upload(u.key, u.id) for u in bucket.uploads if u.key.startswith(op.args[0]))


_VERBS: dict[str, Callable] = {
    "look": _look, "fetch": _fetch, "read": _read, "list": _list, "put": _put, "delete": _delete, "begin": _begin,
    "put_part": _put_part, "parts": _parts, "commit": _commit, "abandon": _abandon, "uploads": _uploads,
}  # fmt: skip
