"""What the bucket engine holds, what it says of changes, what it refuses with, and what its buckets know of it."""

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal, Protocol

Kind = Literal["Put", "Copy", "CompleteMultipartUpload", "Delete"]
EtagPolicy = Callable[[bytes, Sequence[bytes]], str]
NONE: Mapping[str, str] = MappingProxyType({})


class EngineError(Exception):
    """What a front end turns into its cloud's own error."""


class NoSuchBucket(EngineError):
    """There is no bucket of that name."""


class BucketExists(EngineError):
    """There is such a bucket already."""


class BucketNotEmpty(EngineError):
    """A bucket with objects cannot be deleted."""


class NoSuchKey(EngineError):
    """There is no object of that key."""


class NoSuchUpload(EngineError):
    """There is no open multipart upload with that id for that key."""


class PreconditionFailed(EngineError):
    """`if_match` or `if_none_match` does not hold."""


class InvalidPart(EngineError):
    """A part named in a commit was never uploaded, or has another ETag."""


class InvalidPartOrder(EngineError):
    """The parts named in a commit are not in ascending order."""


def content_etag(digest: bytes, parts: Sequence[bytes]) -> str:
    """The ETags of S3 and OBS: the MD5 of the body; of a multipart object that of its parts' MD5s, and their number."""
    return f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}" if parts else digest.hex()


def random_etag(_digest: bytes, _parts: Sequence[bytes]) -> str:
    """OCI's ETags: a new UUID for each write, which says nothing of the content."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Obj:
    """One version of one object."""

    key: str
    body: bytes = field(repr=False)
    etag: str  # without quotes
    md5: str  # hex, of the whole body, however it was uploaded
    modified: datetime  # timezone-aware
    version: str  # a new one for each write
    headers: Mapping[str, str] = field(default_factory=lambda: NONE)  # content headers: {"content-type": …}
    user: Mapping[str, str] = field(default_factory=lambda: NONE)  # user metadata, names without their wire prefix
    tags: Mapping[str, str] = field(default_factory=lambda: NONE)
    storage_class: str = ""
    part_md5s: tuple[bytes, ...] = ()  # MD5 digests of the parts of a multipart object


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of an open upload."""

    number: int
    body: bytes = field(repr=False)
    etag: str
    md5: str  # hex
    modified: datetime


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload that is neither committed nor aborted; what the object will carry was given when it began."""

    key: str
    id: str
    begun: datetime
    headers: Mapping[str, str]
    user: Mapping[str, str]
    tags: Mapping[str, str]
    storage_class: str


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a key, told after it has happened."""

    bucket: str
    key: str
    kind: Kind
    obj: Obj | None  # what was written; None for Delete
    time: datetime
    namespace: str = ""
    replaced: Obj | None = None  # what the key held before: OCI tells a create from an update, and a delete's ETag


def freeze(values: Mapping[str, str] | None) -> Mapping[str, str]:
    """A read-only copy; None is nothing."""
    return MappingProxyType(dict(values)) if values else NONE


class Surroundings(Protocol):
    """What a bucket needs of its engine."""

    etag: EtagPolicy

    def now(self) -> datetime:
        """The time, timezone-aware."""

    def tell(self, change: Change) -> None:
        """Hand a change to every subscriber."""
