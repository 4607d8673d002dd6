"""A path of one of rclone's remotes as a store.

A read is a ranged GET, and a look afterwards that the object is still the version that was wanted: rclone has no
conditions. A write is one request that rclone passes on as it comes, of any length; parts are gathered on this
machine's disk first. Between two stores of rclone's it copies by itself.
"""

import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

from bucketrelay import deadline as deadlines
from bucketrelay.abilities import Part, PartStore, Upload
from bucketrelay.bodies import pour_bytes
from bucketrelay.clouds.rclone.daemon import Rclone, multipart
from bucketrelay.clouds.rclone.errors import error_of, is_missing
from bucketrelay.clouds.rclone.reads import RcloneReads
from bucketrelay.clouds.rclone.remote import metadata_of, path_of
from bucketrelay.deadline import Deadline
from bucketrelay.errors import (
    CannotCopy,
    Damaged,
    ObjectGone,
    OutcomeUnknown,
    OutOfTime,
    StoreRefused,
    StoreUnavailable,
)
from bucketrelay.http.messages import Request
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import Body, Expect, Store, Stream, Write, Written

_POLLS = (0.02, 1.0)  # seconds between two questions after a copy: the first, and the longest


class RcloneStore(RcloneReads):
    """Store, PartStore and ServerSideCopy on `remote:path`.

    Args:
        address: `rclone://remote/path`.
        rclone: the daemon that it talks to.
        spool: where parts are gathered; it must be no other store's.
    """

    def __init__(self, address: Address, rclone: Rclone, spool: Callable[[], PartStore]) -> None:
        super().__init__(address, rclone)
        self._spool = spool
        self._stood = False

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:  # noqa: ARG002 - not enforced
        """One request that is passed on as it comes; by way of this machine's disk where a backend writes in place."""
        self._check(key)
        self._ready()
        if self.remote.partial:
            self._by_disk(key, body, meta)
        else:
            self._at_once(key, body, meta)
        return self._look_at_copy(key, len(body))

    def _ready(self) -> None:
        """Raise where the place is not there, instead of having rclone make it. Asked once."""
        if not self._stood:
            self._check_root()
            self._stood = True

    def _at_once(self, key: str, body: Body, meta: Meta) -> None:
        """A form with one file."""
        url = self._address.of(key)
        folder, _, name = path_of(key).rpartition("/")
        kind, head, tail = multipart(name)
        form = Stream(len(head) + len(body) + len(tail), lambda write: _pour_form(head, body, tail, url, write))
        config = json.dumps({"Metadata": True, "MetadataSet": metadata_of(meta)})
        query = urlencode({"fs": self.fs, "remote": folder, "_config": config})
        request = Request("POST", f"/operations/uploadfile?{query}", {"content-type": kind}, form)
        try:
            answer = self.rclone.send(request, repeatable=False)
        except StoreUnavailable as error:
            raise OutcomeUnknown(f"{url}: {error}; it may have been written") from error
        self._members(answer, key)

    def _by_disk(self, key: str, body: Body, meta: Meta) -> None:
        """A file that rclone copies: it writes beside, and renames."""
        with tempfile.TemporaryDirectory(prefix="bucketrelay-") as folder:
            with (Path(folder) / "body").open("wb", buffering=0) as file:
                _pour_form(b"", body, b"", self._address.of(key), lambda block: _write_block(file, block))
            self._copy_file(folder, "body", key, {"MetadataSet": metadata_of(meta)}, deadlines.current())

    def _look_at_copy(self, key: str, size: int) -> Written:
        now = self.look(key)
        if now is None or now.size != size:
            what = "nothing" if now is None else f"{now.size} bytes"
            raise OutcomeUnknown(f"{self._address.of(key)}: rclone took {size} bytes, and {what} is there: look again")
        return Written(now.etag)

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:  # noqa: ARG002 - not enforced
        """By `operations/deletefile`."""
        self._check(key)
        answer = self.rclone.call("operations/deletefile", fs=self.fs, remote=path_of(key))
        if is_missing(answer.status, self._words(answer)):
            self._check_root()
            return
        self._members(answer, key)

    def begin(self, key: str, meta: Meta) -> Upload:
        """Open an upload on this machine's disk."""
        self._check(key)
        self._ready()
        return self._spool().begin(key, meta)

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """Keep a part there."""
        return self._spool().put_part(upload, number, body)

    def parts(self, upload: Upload) -> Iterator[Part]:
        """The parts that are there."""
        return self._spool().parts(upload)

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        """Hand the parts on as one body, in which they are never held."""
        spool = self._spool()
        spool.commit(upload, parts)
        whole = spool.look(upload.key)
        if whole is None:
            raise ObjectGone(f"{self._address.of(upload.key)}: its parts are gone from the disk: begin again")
        body = Stream(whole.size, lambda write: spool.pour(whole, 0, whole.size, write))
        try:
            return self.put(upload.key, body, whole.meta, expect=expect)
        finally:
            spool.delete(upload.key)

    def abandon(self, upload: Upload) -> None:
        """Throw them away."""
        self._spool().abandon(upload)

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """The uploads that this machine's disk holds."""
        self._ready()
        return self._spool().uploads(prefix)

    def reach(self, source: Store) -> int | None:
        """Everything that the same rclone reaches."""
        return 0 if isinstance(source, RcloneStore) and source.rclone is self.rclone else None

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        """By `operations/copyfile`: inside the backend where it can, through rclone else; never through here."""
        del expect  # not enforced
        url = self._address.of(key)
        if not isinstance(source, RcloneStore) or self.reach(source) is None:
            raise CannotCopy(f"{url}: {source.address.url} is not among the remotes of the same rclone")
        self._check(key)
        deadline.check()
        self._ready()
        source.same(info)
        try:
            self._copy_file(source.fs, path_of(info.key), key, _metadata_set(info.meta, meta), deadline)
        except StoreRefused:
            source.same(info)
            raise
        source.same(info)
        return self._look_at_copy(key, info.size)

    def _copy_file(self, fs: str, path: str, key: str, metadata: Mapping[str, object], deadline: Deadline) -> None:
        config = {"Metadata": True, "IgnoreTimes": True, **metadata}
        destination = {"dstFs": self.fs, "dstRemote": path_of(key)}
        answer = self.rclone.call(
            "operations/copyfile", srcFs=fs, srcRemote=path, **destination, _async=True, _config=config
        )
        self._await(self._members(answer, key)["jobid"], key, deadline)

    def _await(self, job: object, key: str, deadline: Deadline) -> None:
        pause, longest = _POLLS
        while not (state := self._members(self.rclone.call("job/status", jobid=job), key)).get("finished"):
            if deadline.remaining() <= pause:
                self.rclone.call("job/stop", jobid=job)
                raise OutOfTime(f"{self._address.of(key)}: rclone's copy did not end in time, and was called off")
            threading.Event().wait(pause)
            pause = min(2 * pause, longest)
        if state.get("success"):
            return
        raise error_of(self._address.of(key), 500, str(state.get("error")))


def _pour_form(head: bytes, body: Body, tail: bytes, url: str, write: Write) -> None:
    """A form's beginning, its file and its end; the end only if the file has come whole."""
    write(memoryview(head))
    if isinstance(body, Stream):
        gone = 0

        def count(block: memoryview) -> None:
            nonlocal gone
            gone += len(block)
            write(block)

        body.pour(count)
        if gone != body.length:
            raise Damaged(f"{url}: {gone} bytes came instead of {body.length}, and nothing was written: start over")
    else:
        pour_bytes(body, write)
    write(memoryview(tail))


def _write_block(file: IO[bytes], block: memoryview) -> None:
    """This machine's disk being full is no reason to give an object up."""
    try:
        while block:
            block = block[file.write(block) :]
    except OSError as error:
        raise StoreUnavailable(f"{tempfile.gettempdir()}: {error.strerror}: free some space") from error


def _metadata_set(old: Meta, new: Meta) -> dict[str, object]:
    """How rclone is told to write *new* in place of the *old* metadata of what it copies.

    It only adds to them by itself. Where some are to go, a program maps them to what it is told, and to nothing else.
    """
    told = metadata_of(new)
    if metadata_of(old).keys() <= told.keys():
        return {"MetadataSet": told}
    answer = json.dumps({"Metadata": told})
    return {"MetadataMapper": ["/bin/sh", "-c", 'cat >/dev/null; printf %s "$1"', "sh", answer]}
