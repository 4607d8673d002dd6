"""What a suite is told of the store that it is about, and what all promises have in common."""

from typing import Any, Protocol

from bucketrelay.abilities import PartStore
from bucketrelay.bodies import pour_bytes
from bucketrelay.model import Meta
from bucketrelay.store import Stream, Write

TEXT = Meta(content_type="text/plain")


class Rig(Protocol):
    """A kind of store on a real server, with a fresh bucket for each test: the fixture `rig`; `store` is its store."""

    name: str

    @property
    def deviations(self) -> Any:
        """What the server is known to lack or break, by name, each with its reason."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen in a text."""

    @property
    def odd(self) -> tuple[str, Any]:
        """Why the server refuses some keys."""

    def store(self, prefix: str = "") -> PartStore:
        """A store on the bucket, or on a prefix of it."""

    def beside(self) -> PartStore:
        """A store on another bucket of the same server."""

    def missing(self) -> PartStore:
        """A store on a bucket that does not exist."""

    def needs(self, ability: str) -> None:
        """Skip the test where *ability* is among the deviations."""

    def refuses(self, key: str) -> bool:
        """Whether the server is known not to take *key*."""


def body_of(store: PartStore, key: str, length: int = 1 << 20) -> bytes | None:
    """The object's bytes."""
    fetched = store.fetch(key, length)
    return bytes(fetched.body or b"") if fetched else None


def content_of(size: int) -> bytes:
    """So many bytes, whose period no block and no part is a multiple of: what came to a wrong place is seen."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def keys_of(store: PartStore, **arguments: str) -> list[str]:
    """The keys that a listing shows."""
    return [info.key for info in store.list(**arguments)]


def stream_of(content: bytes, tries: list[int]) -> Stream:
    """A stream that notes in *tries* each time that it is poured."""

    def pour(write: Write) -> None:
        tries.append(1)
        pour_bytes(content, write)

    return Stream(len(content), pour)
