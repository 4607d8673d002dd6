"""Reading through rclone: looks, ranges, listings, and whether the place itself is there."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bucketrelay.clouds.rclone.daemon import Rclone, json_of
from bucketrelay.clouds.rclone.errors import error_of, is_missing
from bucketrelay.clouds.rclone.remote import Remote, info_of, key_of, path_of, remote_of
from bucketrelay.errors import Damaged, ObjectGone, SourceChanged, StoreRefused, StoreUnavailable
from bucketrelay.http.messages import Answer, Into, Request
from bucketrelay.model import Address, Fetched, ObjectInfo
from bucketrelay.store import Abilities, Write

_KEY = 1024  # bytes, as everywhere; a backend that takes fewer says so itself


class RcloneReads:
    """The half of a store that changes nothing."""

    def __init__(self, address: Address, rclone: Rclone) -> None:
        self._address, self.rclone = address, rclone
        self.fs = f"{address.bucket}:{address.prefix.rstrip('/')}"  # as rclone names it
        self._lock = threading.Lock()
        self._known: Remote | None = None

    def __repr__(self) -> str:
        return f"RcloneStore({self._address.url})"

    @property
    def address(self) -> Address:
        """Where it is."""
        return self._address

    @property
    def remote(self) -> Remote:
        """What rclone says of the backend; asked once."""
        with self._lock:
            if self._known is None:
                self._known = remote_of(self._members(self.rclone.call("operations/fsinfo", fs=self.fs), ""))
            return self._known

    @property
    def abilities(self) -> Abilities:
        """What the backend can hold. Asks rclone the first time."""
        return self.remote.abilities

    @property
    def conditional(self) -> bool:
        """No: rclone knows no conditions."""
        return False

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:
        """The object, by `operations/stat`."""
        self._check(key)
        options = {"metadata": True, "showHash": self.remote.hashes, "noMimeType": True}
        answer = self.rclone.call("operations/stat", fs=self.fs, remote=path_of(key), opt=options)
        missing = is_missing(answer.status, self._words(answer))
        item = None if missing else self._members(answer, key).get("item")
        if item and not item.get("IsDir"):
            return info_of(key, item, self.remote)
        if not trust_bare_404:
            self._check_root()
        return None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:  # noqa: ARG002 - nothing to save
        """The object and its first bytes."""
        info = self.look(key)
        if info is None or (unless and info.etag == unless):
            return Fetched(info, None) if info else None
        wanted = min(length, info.size)
        try:
            return Fetched(info, self.read(info, 0, wanted) if wanted else b"")
        except ObjectGone as error:
            raise SourceChanged(str(error)) from error

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """A ranged GET, and a look that it was of that version."""
        body = bytearray()
        self.pour(info, start, length, body.extend)
        return body

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """As `read`, in blocks."""
        url = self._address.of(info.key)
        target = f"/{quote(f'[{self.fs}]', safe='')}/{quote(path_of(info.key))}"
        request = Request("GET", target, {"range": f"bytes={start}-{start + length - 1}"})
        gone = 0

        def count(block: memoryview) -> None:
            nonlocal gone
            gone += len(block)
            write(block)

        try:
            answer = self.rclone.send(request, lambda _: Into(count, length, once=True), repeatable=True)
        except StoreUnavailable:
            self.same(info)  # what was cut may have been cut by whoever overwrote it
            raise
        if answer.status // 100 != 2:
            words = self._words(answer)
            self.same(info)
            raise error_of(url, answer.status, words)
        self.same(info)
        if gone != length:
            raise Damaged(f"{url}: {gone} bytes came instead of {length}: start over")

    def same(self, info: ObjectInfo) -> None:
        """Raise ObjectGone or SourceChanged where the object is not *info* any more."""
        now = self.look(info.key)
        if now is None:
            raise ObjectGone(f"{self._address.of(info.key)} is not there any more: look again")
        if now.etag != info.etag:
            raise SourceChanged(f"{self._address.of(info.key)} is not the version {info.etag} any more: look again")

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """The directories, each listed at once, walked in the order of the keys."""
        self._check_root()
        yield from self._walk("", prefix, after)

    def _walk(self, folder: str, prefix: str, after: str) -> Iterator[ObjectInfo]:
        least = after.encode()
        for key, item in self._entries(folder):
            raw = key.encode()
            if item.get("IsDir"):
                inside = prefix.startswith(key) or key.startswith(prefix)
                if inside and (raw > least or least.startswith(raw)):
                    yield from self._walk(key, prefix, after)
            elif key.startswith(prefix) and raw > least:
                yield info_of(key, item, self.remote, listed=True)

    def _entries(self, folder: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """What is in a folder, as keys; those of folders end in a slash. Ascending by their bytes."""
        options = {"showHash": self.remote.hashes, "noMimeType": True}
        answer = self.rclone.call("operations/list", fs=self.fs, remote=path_of(folder.rstrip("/")), opt=options)
        if answer.status == 404 and folder:
            return ()  # removed meanwhile
        entries = self._members(answer, folder).get("list")
        if entries is None:
            entries = []
        if not isinstance(entries, list):
            raise StoreUnavailable(f"{self._address.of(folder)}: rclone's answer is no listing: try again later")
        named = [(key_of(str(item["Path"])) + ("/" if item.get("IsDir") else ""), item) for item in entries]
        return sorted(named, key=lambda entry: entry[0].encode())

    def _check_root(self) -> None:
        """Raise StoreRefused where the store itself is not there: then nothing is absent, all is unknown.

        What must be there is the bucket; without buckets, the first folder of the store's path. What is below it comes
        and goes with its objects.
        """
        for path in (self.fs, self._first()):
            answer = self.rclone.call("operations/stat", fs=path, remote="")
            if answer.status == 200:
                return
            if answer.status != 404:
                self._members(answer, "")
        raise StoreRefused(f"{self._address.url}: rclone finds no such place: create it, or mend the store's url")

    def _first(self) -> str:
        folders = self._address.prefix.split("/")[:-1]
        # Of the backend's own path the first is the bucket, wherever the remote itself begins.
        more = self.remote.root.count("/") if self.remote.buckets else len(folders) - 1
        return f"{self._address.bucket}:{'/'.join(folders[: max(0, len(folders) - more)])}"

    def _check(self, key: str) -> None:
        if not key or any(part in ("", ".", "..") for part in key.split("/")) or "\0" in key:
            raise StoreRefused(f"{self._address.of(key)}: rclone cannot say such a key: it has an empty, . or .. part")
        if len(key.encode("utf-8", "surrogatepass")) > _KEY or any("\ud800" <= char <= "\udfff" for char in key):
            raise StoreRefused(f"{self._address.of(key)}: rclone cannot say such a key: too long, or no UTF-8")

    def _members(self, answer: Answer, key: str) -> Mapping[str, Any]:
        if answer.status // 100 != 2:
            raise error_of(self._address.of(key), answer.status, self._words(answer))
        return json_of(answer)

    @staticmethod
    def _words(answer: Answer) -> str:
        return str(json_of(answer).get("error") or answer.body.decode("utf-8", "replace"))
