"""One bucket in memory: objects by key, conditions, what is published of an upload; every method is atomic."""

import bisect
import hashlib
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bucketrelay_emulators.engine.uploads import Uploads
from bucketrelay_emulators.engine.values import (
    Change,
    Kind,
    NoSuchKey,
    Obj,
    PreconditionFailed,
    Surroundings,
    freeze,
)
from bucketrelay_emulators.engine.versions import Held, History, as_version


class Bucket:
    """Objects by key, and in `uploads` what is to become some. Every method is atomic."""

    def __init__(self, name: str, namespace: str, engine: Surroundings) -> None:
        self.name = name
        self.namespace = namespace
        self.created = engine.now()
        self._engine = engine
        self._lock = threading.RLock()
        self._objects: dict[bytes, Obj] = {}
        self._order: list[bytes] = []  # the keys in UTF-8, ascending: what listings promise
        self.uploads = Uploads(engine, self._lock)
        self._history: History | None = None

    def keep_versions(self, *, on: bool = True) -> None:
        """Switch versioning on, or suspend it."""
        with self._lock:
            if self._history is None and on:
                self._history = History(self._objects)
            if self._history:
                self._history.on = on

    @property
    def versioned(self) -> bool:
        """Whether versions are kept, or were."""
        return self._history is not None

    def versions(self, prefix: str = "") -> Sequence[tuple[Held, bool]]:
        """All versions and delete markers; see `History.all`. One for each object where none are kept."""
        with self._lock:
            if self._history:
                return list(self._history.all(prefix))
            return [(as_version(obj), True) for obj in self.list(prefix)]

    def version(self, key: str, name: str) -> Held:
        """One version, or delete marker. Raises NoSuchKey."""
        with self._lock:
            newest = self._objects.get(key.encode())
            held = self._history.find(key, name) if self._history else as_version(newest) if newest else None
            if held is None or name not in (held.name, held.version):
                raise NoSuchKey(key)
            return held

    def delete_version(self, key: str, name: str) -> Held | None:
        """Remove one version for good; the one before it is the latest then. Returns it; None where there is none."""
        with self._lock:
            gone = self._history.find(key, name) if self._history else None
            if gone is None or self._history is None:
                return None
            before, after = self._objects.get(key.encode()), self._history.remove(key, gone)
            if after is not None:
                self._hold(after)
            elif before is not None:
                self._forget(key)
            return gone

    def put(  # noqa: PLR0913  each is a property of the written object or a condition, and has a name of its own
        self,
        key: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        user: Mapping[str, str] | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        storage_class: str = "",
        kind: Kind = "Put",
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Obj:
        """Write a whole object. `if_match` and `if_none_match` take an ETag without quotes or `*`.

        Raises:
            PreconditionFailed: a condition does not hold; nothing is written.
        """
        digest = hashlib.md5(body).digest()
        with self._lock:
            self._check(key, if_match, if_none_match)
            written = Obj(
                key=key,
                body=bytes(body),
                etag=self._engine.etag(digest, ()),
                md5=digest.hex(),
                modified=self._engine.now(),
                version=uuid.uuid4().hex,
                headers=freeze(headers),
                user=freeze(user),
                tags=freeze(tags),
                storage_class=storage_class,
            )
            before = self._store(written)
        self._tell(key, kind, written, before)
        return written

    def get(self, key: str) -> Obj:
        """The object. Raises NoSuchKey."""
        with self._lock:
            if (found := self._objects.get(key.encode())) is None:
                raise NoSuchKey(key)
            return found

    def delete(self, key: str, *, if_match: str | None = None) -> Obj | None:
        """Remove the key and return what it held; None if it held nothing (no error, and no change is told)."""
        with self._lock:
            self._check(key, if_match, None)
            removed = self._objects.get(key.encode())
            if removed is not None:
                self._forget(key)
                if self._history:
                    self._history.mark(key, self._engine.now())
        if removed is not None:
            self._tell(key, "Delete", None, removed)
        return removed

    def amend(
        self,
        key: str,
        *,
        headers: Mapping[str, str] | None = None,
        user: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        storage_class: str | None = None,
        version: str = "",
    ) -> Obj:
        """Replace what belongs to an object besides its bytes, each only where given; the ETag stays, as in OBS.

        Args:
            version: of which version; "" for the latest.

        Raises:
            NoSuchKey: there is no such object.
        """
        with self._lock:
            held = self.version(key, version).obj if version else self.get(key)
            if held is None:
                raise NoSuchKey(key)
            old = held
            new = replace(
                old,
                headers=old.headers if headers is None else freeze(headers),
                user=old.user if user is None else freeze(user),
                tags=old.tags if tags is None else freeze(tags),
                storage_class=old.storage_class if storage_class is None else storage_class,
                # Tags are no part of the object's own state: setting them does not touch its time.
                modified=old.modified if (headers, user, storage_class) == (None, None, None) else self._engine.now(),
            )
            if self._objects.get(key.encode()) is old:
                self._objects[key.encode()] = new
            if self._history:
                self._history.amend(new)
            return new

    def list(self, prefix: str = "", after: str = "", limit: int | None = None, *, start: str = "") -> Sequence[Obj]:
        """Objects whose key has *prefix*, is greater than *after* and not less than *start*, ascending by UTF-8 bytes.

        Args:
            limit: at most so many; None for all.
        """
        head, low = prefix.encode(), after.encode()
        with self._lock:
            at = bisect.bisect_left(self._order, max(head, start.encode()))
            if low:
                at = max(at, bisect.bisect_right(self._order, low))
            found: list[Obj] = []
            while at < len(self._order) and self._order[at].startswith(head) and (limit is None or len(found) < limit):
                found.append(self._objects[self._order[at]])
                at += 1
            return found

    def commit(
        self,
        key: str,
        upload_id: str,
        chosen: Sequence[tuple[int, str]],
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Obj:
        """Publish the *chosen* parts, (number, ETag without quotes) ascending, as one object, and close the upload.

        Raises:
            NoSuchUpload, InvalidPart, InvalidPartOrder, PreconditionFailed: nothing is published, the upload stays.
        """
        with self._lock:
            upload = self.uploads.get(key, upload_id)
            parts = self.uploads.choose(upload_id, chosen)
            self._check(key, if_match, if_none_match)
            body = b"".join(part.body for part in parts)
            digest, digests = hashlib.md5(body).digest(), tuple(bytes.fromhex(part.md5) for part in parts)
            written = Obj(
                key=key,
                body=body,
                etag=self._engine.etag(digest, digests),
                md5=digest.hex(),
                modified=self._engine.now(),
                version=uuid.uuid4().hex,
                headers=upload.headers,
                user=upload.user,
                tags=upload.tags,
                storage_class=upload.storage_class,
                part_md5s=digests,
            )
            before = self._store(written)
            self.uploads.end(upload_id)
        self._tell(key, "CompleteMultipartUpload", written, before)
        return written

    def __len__(self) -> int:
        with self._lock:
            return len(self._order)

    def _check(self, key: str, if_match: str | None, if_none_match: str | None) -> None:
        held = self._objects.get(key.encode())
        if if_match is not None and (held is None or if_match not in ("*", held.etag)):
            raise PreconditionFailed(key)
        if if_none_match is not None and held is not None and if_none_match in ("*", held.etag):
            raise PreconditionFailed(key)

    def _forget(self, key: str) -> None:
        del self._objects[key.encode()]
        del self._order[bisect.bisect_left(self._order, key.encode())]

    def _store(self, written: Obj) -> Obj | None:
        if self._history:
            self._history.write(written)
        return self._hold(written)

    def _hold(self, written: Obj) -> Obj | None:
        key = written.key.encode()
        before = self._objects.get(key)
        self._objects[key] = written
        if before is None:
            bisect.insort(self._order, key)
        return before

    def _tell(self, key: str, kind: Kind, obj: Obj | None, before: Obj | None) -> None:
        time = obj.modified if obj else self._engine.now()
        self._engine.tell(Change(self.name, key, kind, obj, time, self.namespace, before))
