"""The values that flow through bucketrelay. Frozen, standard library only, no I/O."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Literal, NamedTuple

from bucketrelay.values import dataclass, field

Cloud = Literal["s3", "obs", "oci"]
NOTHING: Mapping[str, str] = MappingProxyType({})


class Change(str, Enum):
    """What an event says happened to a key."""

    CREATED = "created"  # written: new, overwritten, copied, multipart
    REMOVED = "removed"  # deleted, expired, a delete marker
    IGNORED = "ignored"  # understood, and nothing to do: a tag, an ACL, a bucket


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """One key changed. A hint to go and look, never a fact to act on."""

    cloud: Cloud
    bucket: str
    key: str  # decoded once, by the rule of the dialect it came in
    change: Change
    namespace: str = ""  # OCI only
    time: datetime | None = None  # timezone-aware
    cause: str = ""  # the event's or the message's id
    size: int | None = None  # what the event says, where it says it
    name: str = ""  # what the sender calls it: for words to people, not for decisions


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is: the part of its URL that names it, without credentials or endpoint."""

    scheme: str  # s3 obs oci file rclone
    bucket: str  # bucket; directory for file; remote name for rclone
    namespace: str = ""  # OCI only
    prefix: str = ""  # "" or ends in "/"
    endpoint: str = ""  # what else tells the bucket apart from others of its name; see `config/realms.py`
    _beginning: str = field(default="", init=False, repr=False, compare=False)  # of the URLs of its keys

    def __post_init__(self) -> None:
        """Once, as a task asks for the URLs of some ten keys."""
        place = f"{self.bucket}@{self.namespace}" if self.namespace else self.bucket
        object.__setattr__(self, "_beginning", f"{self.scheme}://{place}/{self.prefix}")

    @property
    def url(self) -> str:
        """As the user writes it: `s3://bucket/prefix`, `oci://bucket@namespace`."""
        return self._beginning.rstrip("/")

    def of(self, key: str) -> str:
        """The URL of *key* in this store: `s3://photos-eu/in/a b.jpg`. Not percent-encoded."""
        return self._beginning + key

    def relative(self, full_key: str) -> str | None:
        """The key as seen from inside the store, or None where it is outside of the store's prefix."""
        return full_key[len(self.prefix) :] if full_key.startswith(self.prefix) else None


@dataclass(frozen=True, slots=True)
class Meta:
    """What belongs to an object besides its bytes. "" means: the object has none."""

    content_type: str = ""
    content_encoding: str = ""
    content_language: str = ""
    content_disposition: str = ""
    cache_control: str = ""
    expires: str = ""  # an HTTP date, as sent
    user: Mapping[str, str] = field(default_factory=lambda: NOTHING)  # names in lower case, values as unicode text
    storage_class: str = ""  # in the words of the store it was read from
    tag_count: int = 0  # how many tags a store says there are; reading them is a request of its own
    tags: Mapping[str, str] = field(default_factory=lambda: NOTHING)  # to be written; no store fills it in by itself
    # What the store says of it that cannot be shown or has no place here, as `degraded` is to name it.
    withheld: tuple[str, ...] = field(default=(), compare=False)
    tags_told: bool = field(default=True, compare=False)  # the store says how many tags there are, or none has any


NO_META = Meta()  # one for all: a listing tells of millions of objects, and of none what belongs to it


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One version of one object, as a store described it."""

    key: str  # relative to the store
    size: int
    etag: str  # opaque, without quotes
    modified: datetime | None = None  # timezone-aware
    version: str = ""
    meta: Meta = NO_META  # in listings
    # Of the whole object: {"md5": hex, "crc64nvme": base64, …}.
    checksums: Mapping[str, str] = field(default_factory=lambda: NOTHING)


class Listed(NamedTuple):
    """A row of a listing. An ObjectInfo takes five times as long to make, and of most rows nobody needs one."""

    key: str  # relative to the store
    size: int
    etag: str
    modified: datetime | None

    def info(self) -> ObjectInfo:
        """The object that the row tells of."""
        return ObjectInfo(self.key, self.size, self.etag, self.modified)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A version and its first bytes, from one request. `body` is None where it is still the known version."""

    info: ObjectInfo
    body: bytes | bytearray | None


class Deletes(str, Enum):
    """What a route does when the source no longer has the key."""

    KEEP = "keep"
    FOLLOW = "follow"


class Overwrite(str, Enum):
    """Which objects at the target a route may replace."""

    ANY = "any"
    OURS = "ours"  # those alone that a route wrote


@dataclass(frozen=True, slots=True)
class Task:
    """Make one target key equal to what its source key holds now; or, with `forward`, tell somebody else to."""

    route: str
    source: str  # the source store's name
    key: str  # in the source store
    target: str = ""  # the target store's name
    target_key: str = ""
    forward: str = ""  # the forward's name, instead of a target
    change: Change = Change.CREATED  # what the event said: for the lists, not for the decision
    deletes: Deletes = Deletes.KEEP
    strict: bool = False
    max_deletes: int = 1000
    cause: str = ""
    time: datetime | None = None  # of the event
    size: int | None = None  # a hint
    overwrite: Overwrite = Overwrite.ANY
    shared: bool = False  # other routes may write the target's key, too
    meets: bool = False  # other routes bring the target's key back to the source
    asked: bool = False  # of no route: a request for this very copy, whatever is at the target
    differs: bool = False  # the bytes of both sides were compared, and differ, whatever the stamp says
    urgent: bool = False  # waits for no others
    again: bool = False  # an earlier run of it may have been killed, with a write on its way

    @property
    def way(self) -> str:
        """From which store to which: tasks of one way share threads and bytes, and hang together."""
        return f"{self.source} to {self.target}"


class Outcome(str, Enum):
    """How a task ended."""

    COPIED = "copied"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    FORWARDED = "forwarded"
    UNFINISHED = "unfinished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one task; one line of the lists."""

    route: str
    cause: str
    change: str
    source: str  # URL of the source object
    target: str  # URL of the target object, or of the forward
    key: str
    outcome: Outcome
    time: datetime  # when it ended, timezone-aware
    bytes: int = 0
    seconds: float = 0.0
    lag: float | None = None  # seconds from the event's time to the verified write
    degraded: tuple[str, ...] = ()
    note: str = ""  # what may surprise although nothing failed
    error: str = ""
    retryable: bool = False
    written: datetime | None = None  # of what is not right yet: the event's time, since when it is not
    by_hand: bool = False  # failed, and waits in the failed list for a person to say go; no member of a line
    lingers: bool = False  # a write of it may take effect even now: the key is verified later; no member of a line

    @property
    def ok(self) -> bool:
        """Whether nothing has to come again for this task."""
        return self.outcome not in (Outcome.FAILED, Outcome.UNFINISHED)
