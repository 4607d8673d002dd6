"""What some stores can do beside their verbs: objects in parts, tags, versions, copies by the server itself.

Each is a Protocol of its own, and whoever has a use for it asks for it (`isinstance(target, ServerSideCopy)`). How much
fits into a store is a fact that every store declares: `store.Abilities`. The promises of `store` hold here, too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import compress
from typing import Protocol, TypeGuard, runtime_checkable

from bucketrelay.deadline import Deadline
from bucketrelay.model import Listed, Meta, ObjectInfo
from bucketrelay.store import Body, Expect, Store, Written
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Upload:
    """An open multipart upload."""

    key: str
    id: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part that the store holds."""

    number: int  # from 1
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of a listing, a list for each of their members.

    Two pages are compared by a call for each column; most of a page's rows are never made.
    """

    keys: list[str]  # relative to the store
    sizes: list[int]
    etags: list[str]
    times: list[datetime | None]

    def __len__(self) -> int:
        return len(self.keys)

    def row(self, at: int) -> Listed:
        """One of them."""
        return Listed(self.keys[at], self.sizes[at], self.etags[at], self.times[at])

    def __getitem__(self, part: slice) -> "Columns":
        return Columns(self.keys[part], self.sizes[part], self.etags[part], self.times[part])

    def __iter__(self) -> Iterator[Listed]:
        return map(Listed, self.keys, self.sizes, self.etags, self.times)

    def only(self, wanted: Iterable[bool]) -> "Columns":
        """Those for which *wanted* says so."""
        chosen = list(wanted)
        keys, sizes = list(compress(self.keys, chosen)), list(compress(self.sizes, chosen))
        return Columns(keys, sizes, list(compress(self.etags, chosen)), list(compress(self.times, chosen)))


@runtime_checkable
class Paged(Store, Protocol):
    """A store that lists faster page by page."""

    def pages(self, prefix: str = "", after: str = "") -> Iterator[Columns]:
        """What `list` gives, as rows; no page is empty."""


@runtime_checkable
class PartStore(Store, Protocol):
    """A store that takes an object in parts and publishes it at once."""

    def begin(self, key: str, meta: Meta) -> Upload:
        """Open an upload; nothing is visible until `commit`."""

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """Hand over one part; the same number again replaces it. Raises Damaged as `put` does."""

    def parts(self, upload: Upload) -> Iterator[Part]:
        """The parts that the store holds, ascending. Raises ObjectGone if there is no such upload."""

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        """Publish. *expect* and errors as in `put`."""

    def abandon(self, upload: Upload) -> None:
        """Throw the upload and its parts away; fine if there is none."""

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """The uploads that are open, of keys that begin with *prefix*."""


@runtime_checkable
class Tagged(Store, Protocol):
    """A store whose objects have tags. They are written with the object: `Meta.tags` in `put`, `begin`, `copy_from`."""

    def tags(self, info: ObjectInfo) -> Mapping[str, str]:
        """The tags of exactly the version *info*, as far as the store can tell. Errors as in `read`."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key, or a delete marker, as a listing of versions tells it."""

    key: str
    version: str  # "" for the one of a bucket that keeps none
    latest: bool
    marker: bool = False  # a delete marker: the key was deleted, and its versions are still there
    etag: str = ""
    size: int = 0
    modified: datetime | None = None


@runtime_checkable
class Versioned(Store, Protocol):
    """A store that keeps the versions of its objects, and tells them."""

    def versions(self, prefix: str = "", after: str = "") -> Iterator[Version]:
        """All versions and delete markers of the keys that begin with *prefix* and are greater than *after*.

        Keys ascend by UTF-8 bytes; of one key the newest comes first.
        """

    def look_version(self, version: Version) -> ObjectInfo:
        """That version as it is now, without its bytes. Raises ObjectGone where it is no longer there."""


@runtime_checkable
class Taggable(Tagged, Protocol):
    """A store whose objects may be tagged after they were written."""

    def set_tags(self, info: ObjectInfo, tags: Mapping[str, str]) -> None:
        """Replace all tags of exactly the version *info*. Errors as in `read`."""


@runtime_checkable
class ServerSideCopy(Store, Protocol):
    """A store whose server can fetch an object from another store by itself, so that no byte comes through here."""

    def reach(self, source: Store) -> int | None:
        """From which size in bytes on a copy by the server is worth it; None where it cannot reach *source*."""

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        """Publish exactly the version *info* of *source* under *key*, with *meta* in place of its metadata.

        An answer of 200 that carries an error is an error. Whatever has been started and cannot end before *deadline*
        is called off where the server lets us.

        Raises:
            CannotCopy: the server refuses to (no permission on the source, an archived object, an encryption that it
                may not use): nothing was written, and streaming may still work.
            SourceChanged, ObjectGone: the source is no longer *info*.
            TargetChanged, OutcomeUnknown: as in `put`.
            OutOfTime: the copy goes on at the server and may still take effect.
        """


class PendingLook(Protocol):
    """A look that is under way; for one thread."""

    def answer(self) -> ObjectInfo | None:
        """What `look(key, trust_bare_404=True)` gives, asked for once; waits for it. Raises what that raises."""

    def drop(self) -> None:
        """Nobody wants the answer any more; fine where it was had."""


class LooksAhead(Store, Protocol):
    """A store that can be asked and left to answer meanwhile: two stores' answers are waited for in the time of one."""

    def begin_look(self, key: str) -> PendingLook | None:
        """Ask for the object as it is now, at some moment before the answer is had. None: it was not asked.

        It is not where that would be to wait: no connection is open, or requests are held back.
        """


class Connects(Store, Protocol):
    """A store whose connection can be opened before there is anything to ask, and that knows whether one is open."""

    @property
    def ready(self) -> bool:
        """Whether a request waits for its answer alone, and no longer than its deadline.

        A connection is open, with no proxy between; and who signs need not ask anybody for keys.
        """

    def handshake(self) -> Callable[[], None] | None:
        """The work of opening one, for another thread to do: the first request waits for it. None: there is no need.

        Raises StoreRefused, StoreUnavailable where nobody knows where the store is.
        """


# By the ability's own method: `isinstance` looks for all of a Protocol's, in 40 µs, and every task asks most of these.


def has_tags(store: Store) -> TypeGuard[Tagged]:
    """Whether it is Tagged."""
    return hasattr(store, "tags")


def has_copies(store: Store) -> TypeGuard[ServerSideCopy]:
    """Whether it is a ServerSideCopy."""
    return hasattr(store, "copy_from")


def looks_ahead(store: Store) -> TypeGuard[LooksAhead]:
    """Whether it is one that LooksAhead."""
    return hasattr(store, "begin_look")


def connects(store: Store) -> TypeGuard[Connects]:
    """Whether it is one that Connects."""
    return hasattr(store, "handshake")
