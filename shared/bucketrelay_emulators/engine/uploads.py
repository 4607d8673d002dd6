"""The open multipart uploads of one bucket, and their parts."""

import hashlib
import threading
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise

from bucketrelay_emulators.engine.values import (
    InvalidPart,
    InvalidPartOrder,
    NoSuchUpload,
    OpenUpload,
    StoredPart,
    Surroundings,
    freeze,
)


class Uploads:
    """Uploads by their ids. Every method is atomic.

    Args:
        lock: the bucket's: what it publishes of an upload, and that this is over, is one step.
    """

    def __init__(self, engine: Surroundings, lock: threading.RLock) -> None:
        self._engine, self._lock = engine, lock
        self._uploads: dict[str, OpenUpload] = {}
        self._parts: dict[str, dict[int, StoredPart]] = {}

    def begin(
        self,
        key: str,
        headers: Mapping[str, str] | None = None,
        user: Mapping[str, str] | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        storage_class: str = "",
    ) -> OpenUpload:
        """Open a multipart upload."""
        upload = OpenUpload(
            key=key,
            id=uuid.uuid4().hex,
            begun=self._engine.now(),
            headers=freeze(headers),
            user=freeze(user),
            tags=freeze(tags),
            storage_class=storage_class,
        )
        with self._lock:
            self._uploads[upload.id] = upload
            self._parts[upload.id] = {}
        return upload

    def get(self, key: str, upload_id: str) -> OpenUpload:
        """The open upload. Raises NoSuchUpload, also where the id belongs to another key."""
        with self._lock:
            found = self._uploads.get(upload_id)
            if found is None or found.key != key:
                raise NoSuchUpload(upload_id)
            return found

    def list(self, prefix: str = "") -> Sequence[OpenUpload]:
        """The open uploads of keys with this prefix, ascending by key (UTF-8), then by the time they began."""
        with self._lock:
            found = [u for u in self._uploads.values() if u.key.encode().startswith(prefix.encode())]
        return sorted(found, key=lambda u: (u.key.encode(), u.begun, u.id))

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> StoredPart:
        """Store one part; the same number again replaces it."""
        digest = hashlib.md5(body).digest()
        part = StoredPart(number, bytes(body), self._engine.etag(digest, ()), digest.hex(), self._engine.now())
        with self._lock:
            self.get(key, upload_id)
            self._parts[upload_id][number] = part
        return part

    def parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """The parts that are stored, ascending by number."""
        with self._lock:
            self.get(key, upload_id)
            return [part for _, part in sorted(self._parts[upload_id].items())]

    def choose(self, upload_id: str, chosen: Sequence[tuple[int, str]]) -> Sequence[StoredPart]:
        """The parts that a commit names by number and ETag. Raises InvalidPart, InvalidPartOrder."""
        if not chosen:
            raise InvalidPart("no parts")
        if any(a >= b for (a, _), (b, _) in pairwise(chosen)):
            raise InvalidPartOrder("parts must ascend")
        with self._lock:
            held = self._parts[upload_id]
            for number, etag in chosen:
                if number not in held or held[number].etag != etag:
                    raise InvalidPart(str(number))
            return [held[number] for number, _ in chosen]

    def abort(self, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away. Raises NoSuchUpload."""
        with self._lock:
            self.get(key, upload_id)
            self.end(upload_id)

    def end(self, upload_id: str) -> None:
        """Forget an upload, and its parts."""
        with self._lock:
            del self._uploads[upload_id], self._parts[upload_id]
