"""What the core asks of a store: its verbs, and what they take and give. What some can do beside is in `abilities`.

Promises that every implementation makes, proven by `tests/contracts/`:

* keys are relative to the store's prefix, unicode text, never decoded or normalised;
* bodies are bounded bytes, or blocks that are handed over while they pass (`pour`, `Stream`); no method returns
  something whose lifetime the caller has to manage;
* absence is None and only ever means that the store said *no such key*; a bucket that is gone, 403, a timeout and a
  5xx raise;
* errors are those of `bucketrelay.errors`, each with the SDK's error as its cause and the object's URL in its text;
* one instance may be used by many threads.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Protocol

from bucketrelay.model import NOTHING, Address, Fetched, Meta, ObjectInfo
from bucketrelay.values import dataclass, field

KiB = 1024
MiB = 1024 * 1024
GiB = 1024 * MiB

# Bytes of an answer that is read whole: a page of a listing with 1,000 keys of 1,024 bytes, each percent-encoded, has
# 3.5 million. What is longer comes from no store, and would end the function.
LONGEST_DOCUMENT = 4 * MiB

# Bytes that are handed over at once, at most, where an object passes in blocks.
BLOCK = 256 * KiB

# The fields of Meta that are headers of an object's content; in this order they stand in stamps, see `core.face`.
HEADER_NAMES = (
    "content_type",
    "content_encoding",
    "content_language",
    "content_disposition",
    "cache_control",
    "expires",
)
CONTENT_HEADERS = frozenset(HEADER_NAMES)

Write = Callable[[memoryview], object]  # takes a block of at most BLOCK bytes, which is valid during the call alone


@dataclass(frozen=True, slots=True)
class Stream:
    """A body that passes in blocks instead of being held.

    Args:
        length: bytes, all together.
        pour: hands over each block in turn, from the first byte; called again for another try. What it raises ends the
            request, publishes nothing, and reaches the caller as it is.
    """

    length: int
    pour: Callable[[Write], None]

    def __len__(self) -> int:
        return self.length


Body = bytes | bytearray | Stream


class Absent(Enum):
    """`expect=ABSENT`: write only if the key does not exist."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
Expect = ObjectInfo | Absent | None  # None: whatever is there


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a store can hold. A declaration of facts; the core decides what to do about them."""

    headers: frozenset[str] = CONTENT_HEADERS  # fields of Meta
    user_bytes: int = 2048  # all names and values of user metadata together, as the store counts them
    key_bytes: int = 1024  # UTF-8
    tags: int = 0  # how many an object may have
    tag_text: str = ".*"  # a pattern that every tag's name and value must match whole
    classes: Mapping[str, str] = field(default_factory=lambda: NOTHING)  # another store's storage class: ours
    streams: bool = False  # objects pass in blocks, both ways; else a part is held while it is read or written
    consistent: bool = False  # documented: reading and listing show every write at once, so *no such key* is believed
    creates_once: bool = False  # documented: `put` with ABSENT creates the key or fails. Not merely found out by trying
    min_part: int = 5 * MiB  # but for the last part
    max_part: int = 5 * GiB
    max_parts: int = 10_000
    max_object: int = 50 * 10**12


@dataclass(frozen=True, slots=True)
class Written:
    """What the store said of a write it accepted."""

    etag: str
    version: str = ""


class Store(Protocol):
    """One bucket, or a prefix of one."""

    @property
    def address(self) -> Address:
        """Where it is."""

    @property
    def abilities(self) -> Abilities:
        """What it can hold."""

    @property
    def conditional(self) -> bool:
        """Whether `expect` is known to be enforced by the server, not merely accepted by it."""

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:
        """The object as it is now, without its bytes; None if the store says that there is no such key.

        With `trust_bare_404` a 404 without a word counts as no such key, though it may be a bucket that is gone: one
        request, for callers whose next step is a write, or who will not delete anything for it.
        """

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        """The object as it is now with its first *length* bytes (fewer if it is smaller), of one version.

        Args:
            length: at least 1.
            unless: an ETag; if the object still has it, `body` is None (in `info`, what the answer does not say is
                left empty; `size` is -1 then).
            size: what an event said the size is; a hint that may save the request for an empty object.
        """

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """Exactly *length* bytes of exactly the version *info*.

        Raises:
            SourceChanged: another version is there now.
            ObjectGone: no such key any more.
            Damaged: the answer was shorter than asked for.
        """

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """Hand exactly *length* bytes of exactly the version *info* to *write*, in blocks, as they come.

        What *write* raises ends the request and passes through unchanged. Errors as in `read`; blocks may have been
        handed over by then. Nothing is repeated once the first block was: the caller starts over.
        """

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key begins with *prefix* and is greater than *after*, ascending by UTF-8 bytes."""

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        """Write a whole object; a reader sees the old one or the new one.

        Raises:
            Damaged: a stream had fewer or more bytes than its length, or not those that arrived: nothing was written.
            TargetChanged: *expect* was given, the store enforces it, and something else is there.
            OutcomeUnknown: the request was sent and no answer came.
        """

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        """Remove the key; fine if there is none. *expect* as in `put`."""
