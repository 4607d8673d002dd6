"""One in-memory, thread-safe bucket engine beneath the emulators of OBS and OCI.

It knows objects, listings, multipart uploads and conditions; it does not know HTTP, signatures or anybody's XML. What
a real service lacks (OBS has no conditional PUT) its front end simply does not ask for.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from bucketrelay_emulators.engine.bucket import Bucket
from bucketrelay_emulators.engine.values import (
    BucketExists,
    BucketNotEmpty,
    Change,
    EngineError,
    EtagPolicy,
    InvalidPart,
    InvalidPartOrder,
    Kind,
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    Obj,
    OpenUpload,
    PreconditionFailed,
    StoredPart,
    content_etag,
    random_etag,
)

__all__ = [
    "Bucket",
    "BucketExists",
    "BucketNotEmpty",
    "Change",
    "Engine",
    "EngineError",
    "EtagPolicy",
    "InvalidPart",
    "InvalidPartOrder",
    "Kind",
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchUpload",
    "Obj",
    "OpenUpload",
    "PreconditionFailed",
    "StoredPart",
    "content_etag",
    "random_etag",
]


class Engine:
    """Buckets by namespace and name.

    Args:
        now: the time, timezone-aware.
        etag: from the MD5 digest of the body and, for multipart, those of its parts: `content_etag` or `random_etag`.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        etag: EtagPolicy = content_etag,
    ) -> None:
        self._now = now
        self.etag = etag
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._subscribers: tuple[Callable[[Change], None], ...] = ()

    def now(self) -> datetime:
        """The time, timezone-aware."""
        return self._now()

    def create_bucket(self, name: str, namespace: str = "") -> Bucket:
        """Make a bucket. Raises BucketExists."""
        with self._lock:
            if (namespace, name) in self._buckets:
                raise BucketExists(name)
            made = self._buckets[namespace, name] = Bucket(name, namespace, self)
            return made

    def bucket(self, name: str, namespace: str = "") -> Bucket:
        """The bucket. Raises NoSuchBucket."""
        with self._lock:
            if (namespace, name) not in self._buckets:
                raise NoSuchBucket(name)
            return self._buckets[namespace, name]

    def buckets(self, namespace: str = "") -> Sequence[Bucket]:
        """The buckets of a namespace, ascending by name."""
        with self._lock:
            return [bucket for (space, _), bucket in sorted(self._buckets.items()) if space == namespace]

    def delete_bucket(self, name: str, namespace: str = "", *, force: bool = False) -> None:
        """Remove a bucket; with *force* also one that holds objects. Raises NoSuchBucket, BucketNotEmpty."""
        bucket = self.bucket(name, namespace)
        with self._lock:
            if len(bucket) and not force:
                raise BucketNotEmpty(name)
            self._buckets.pop((namespace, name), None)

    def subscribe(self, fn: Callable[[Change], None]) -> Callable[[], None]:
        """Call *fn* after each change, outside of all locks, in the thread that made it; returns how to unsubscribe."""
        with self._lock:
            self._subscribers = (*self._subscribers, fn)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(known for known in self._subscribers if known is not fn)

        return unsubscribe

    def tell(self, change: Change) -> None:
        """Hand a change to every subscriber."""
        for fn in self._subscribers:
            fn(change)
