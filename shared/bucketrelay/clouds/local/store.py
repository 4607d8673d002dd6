"""A directory as a bucket, for `file:///directory`: backups on a disk, tests, the demo.

Files that other programs put there are objects too; their ETag is made of inode, time and size, and they have no
metadata. A write is a temporary file, synced, then renamed: a reader sees the old object or the new one.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bucketrelay.abilities import Part, Upload
from bucketrelay.bodies import pour_bytes
from bucketrelay.clouds.local.disk import disk, pour_file, write_file
from bucketrelay.clouds.local.facts import ABILITIES
from bucketrelay.clouds.local.files import Directory, Opened
from bucketrelay.clouds.local.paths import check_key, fingerprint
from bucketrelay.errors import Damaged, ObjectGone, SourceChanged, StoreRefused
from bucketrelay.model import Address, Fetched, Meta, ObjectInfo
from bucketrelay.store import BLOCK, CONTENT_HEADERS, Abilities, Body, Expect, Stream, Write, Written
from bucketrelay.values import replace

_CHUNK = 1024 * 1024


class LocalStore:
    """Store and PartStore on a directory.

    Args:
        address: `file:///directory`, whose `bucket` is the directory.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._files = Directory(address.bucket)

    def __repr__(self) -> str:
        return f"LocalStore({self._address.url})"

    @property
    def address(self) -> Address:
        """Where it is."""
        return self._address

    @property
    def abilities(self) -> Abilities:
        """What a file system holds; 16 TiB is the largest file of ext4."""
        return ABILITIES

    @property
    def conditional(self) -> bool:
        """No: a file system has no rename on condition, and other programs write here too."""
        return False

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:  # noqa: ARG002 - a directory's absence is always told
        """The object's file and note."""
        with disk(self._address.of(key)), self._files.open(self._full(key)) as file:
            return _info(key, file) if file else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:  # noqa: ARG002 - nothing to save
        """The object and its first bytes."""
        with disk(self._address.of(key)), self._files.open(self._full(key)) as file:
            if file is None:
                return None
            info = _info(key, file)
            if unless and info.etag == unless:
                return Fetched(info, None)
            return Fetched(info, self._bytes(file, info, 0, min(length, info.size)))

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """The file's bytes, if it is still that version."""
        with disk(self._address.of(info.key)), self._files.open(self._full(info.key)) as file:
            return self._bytes(self._same(file, info), info, start, length)

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """The file's bytes in blocks. Of each it is looked whether another program has written into the file."""
        url = self._address.of(info.key)
        with ExitStack() as stack:
            with disk(url):
                opened = self._same(stack.enter_context(self._files.open(self._full(info.key))), info)
            for at in range(start, start + length, BLOCK):
                with disk(url):
                    block = self._bytes(opened, info, at, min(BLOCK, start + length - at))
                write(memoryview(block))  # outside of `disk`: an error of the receiver is none of the disk

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """The directory, walked in the order of the keys."""
        with disk(self._address.url):
            for full in self._files.keys(self._address.prefix + prefix, self._address.prefix + after):
                info = self.look(full[len(self._address.prefix) :])
                if info is not None:
                    yield replace(info, meta=Meta())

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:  # noqa: ARG002 - not enforced
        """Write, sync, rename."""
        with disk(url := self._address.of(key)):
            full, kept, new = self._full(key), self._note(key, meta), self._files.fresh()
        md5 = _fill(new, url, body)
        with disk(url):
            self._publish(full, new, {"etag": md5, "md5": md5, "meta": kept})
        return Written(md5)

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:  # noqa: ARG002 - not enforced
        """Unlink."""
        with disk(self._address.of(key)):
            self._files.remove(self._full(key))

    def begin(self, key: str, meta: Meta) -> Upload:
        """A directory for the parts."""
        with disk(self._address.of(key)):
            upload = Upload(key, uuid.uuid4().hex)
            note = json.dumps({"key": self._full(key), "meta": self._note(key, meta)})
            new = self._files.fresh()
            new.mkdir()
            write_file(new / "upload", [note.encode()])
            place = self._files.hidden_path("uploads", upload.id)
            place.parent.mkdir(parents=True, exist_ok=True)
            new.replace(place)
            return upload

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """A file named by number and MD5."""
        with disk(url := self._address.of(upload.key)):
            place, _ = self._upload(upload)
            if not 1 <= number <= ABILITIES.max_parts:
                raise StoreRefused(f"{url}: parts have numbers 1 to 10,000, not {number}")
            new = self._files.fresh()
        md5 = _fill(new, url, body)
        with disk(url):
            before = set(place.glob(f"{number:05}-*"))
            now = new.replace(place / f"{number:05}-{md5}")
            for old in before - {now}:
                old.unlink(missing_ok=True)
            return Part(number, md5, len(body))

    def parts(self, upload: Upload) -> Iterator[Part]:
        """The files of the upload."""
        with disk(self._address.of(upload.key)):
            place, _ = self._upload(upload)
            for path in sorted(place.glob("?????-*")):
                number, _, md5 = path.name.partition("-")
                yield Part(int(number), md5, path.stat().st_size)

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:  # noqa: ARG002 - not enforced
        """Join the parts in a new file, sync, rename."""
        with disk(self._address.of(upload.key)):
            place, note = self._upload(upload)
            chosen = [place / f"{part.number:05}-{part.etag}" for part in parts]
            numbers = [part.number for part in parts]
            if not parts or numbers != sorted(set(numbers)) or not all(path.is_file() for path in chosen):
                raise StoreRefused(
                    f"{self._address.of(upload.key)}: parts {numbers} are not ascending, or not those held"
                )
            digests = b"".join(bytes.fromhex(part.etag) for part in parts)
            etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
            new = self._files.fresh()
            md5 = write_file(new, (piece for path in chosen for piece in _pieces(path)))
            self._publish(note["key"], new, {"etag": etag, "md5": md5, "meta": note["meta"]})
            self._files.discard(place)
            return Written(etag)

    def abandon(self, upload: Upload) -> None:
        """Remove the upload's directory."""
        with disk(self._address.of(upload.key)):
            try:
                place, _ = self._upload(upload)
            except ObjectGone:
                return
            self._files.discard(place)

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """The uploads' directories."""
        with disk(self._address.url):
            for place in sorted(self._files.hidden_path("uploads").glob("*/upload")):
                try:
                    key = self._address.relative(json.loads(place.read_bytes())["key"])
                except FileNotFoundError:  # ended meanwhile
                    continue
                if key is not None and key.startswith(prefix):
                    yield Upload(key, place.parent.name)

    def _full(self, key: str) -> str:
        return check_key(self._address.prefix + key, self._address.of(key), ABILITIES.key_bytes)

    def _publish(self, full: str, new: Path, note: dict[str, Any]) -> None:
        try:
            self._files.publish(full, new, note)
        finally:
            new.unlink(missing_ok=True)

    def _note(self, key: str, meta: Meta) -> dict[str, Any]:
        """What of *meta* a write keeps."""
        user = {name.lower(): value for name, value in meta.user.items()}
        if sum(len(name.encode()) + len(value.encode()) for name, value in user.items()) > ABILITIES.user_bytes:
            raise StoreRefused(f"{self._address.of(key)}: more than {ABILITIES.user_bytes} bytes of user metadata")
        return {"user": user} | {name: value for name in CONTENT_HEADERS if (value := getattr(meta, name))}

    def _upload(self, upload: Upload) -> tuple[Path, dict[str, Any]]:
        """The upload's directory and note."""
        gone = f"{self._address.of(upload.key)}: there is no upload {upload.id!r}: begin again"
        if not re.fullmatch("[0-9a-f]{32}", upload.id):
            raise ObjectGone(gone)
        place = self._files.hidden_path("uploads", upload.id)
        try:
            note: dict[str, Any] = json.loads((place / "upload").read_bytes())
        except FileNotFoundError as error:
            raise ObjectGone(gone) from error
        if note["key"] != self._full(upload.key):
            raise ObjectGone(gone)
        return place, note

    def _same(self, file: Opened | None, info: ObjectInfo) -> Opened:
        """What was opened, if it is the version *info*."""
        url = self._address.of(info.key)
        if file is None:
            raise ObjectGone(f"{url} is not there any more: look again")
        if _info(info.key, file).etag != info.etag:
            raise SourceChanged(f"{url} is not the version {info.etag} any more: look again")
        return file

    def _bytes(self, file: Opened, info: ObjectInfo, start: int, length: int) -> bytes:
        file.file.seek(start)
        body = file.file.read(length)
        if not file.unchanged():  # another program writes into the file
            raise SourceChanged(f"{self._address.of(info.key)} changed while it was read: look again")
        if len(body) < length:
            raise Damaged(f"{self._address.of(info.key)}: {len(body)} bytes came instead of {length}: start over")
        return body


def _info(key: str, file: Opened) -> ObjectInfo:
    kept = dict(file.note.get("meta", {}))
    user = MappingProxyType(kept.pop("user", {}))
    sums = {"md5": file.note["md5"]} if file.note else {}
    return ObjectInfo(
        key,
        file.stat.st_size,
        file.note.get("etag") or fingerprint(file.stat),
        datetime.fromtimestamp(file.stat.st_mtime, timezone.utc),
        meta=Meta(**kept, user=user),
        checksums=MappingProxyType(sums),
    )


def _fill(new: Path, url: str, body: Body) -> str:
    """The MD5 of *body*, which is in the file *new* now."""
    md5, size = pour_file(new, body.pour if isinstance(body, Stream) else partial(pour_bytes, body), url)
    if size != len(body):
        new.unlink(missing_ok=True)
        raise Damaged(f"{url}: {size} bytes came instead of {len(body)}, and nothing was written: start over")
    return md5


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece
