"""CopyObject: asked of the source's region, accepted at once, done later by a work request.

What may be written in place of the source's: user metadata, all or nothing, and the storage tier. Content headers
cannot be named and come along from the source (SDK, `CopyObjectDetails`), so an object that is to have others is not
copied here. Besides the caller's permissions, the service itself needs a policy (Oracle, "Copying objects").
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from bucketrelay.clouds.oracle.fields import details_of, full_key, same_content
from bucketrelay.clouds.oracle.reads import OciReads
from bucketrelay.clouds.oracle.requests import Calls
from bucketrelay.clouds.server_copy import answering, pinnable, unchanged
from bucketrelay.deadline import Deadline
from bucketrelay.errors import CannotCopy, OutcomeUnknown, OutOfTime, RelayError, TargetChanged
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Absent, Expect, MiB, ServerSideCopy, Store, Written

WORTH = 64 * MiB  # a work request is asked after for seconds; what is smaller has been streamed by then
_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_POLICY = (
    "allow the caller OBJECT_READ on the source and OBJECT_CREATE, OBJECT_OVERWRITE and OBJECT_INSPECT on the target,"
    ' and "Allow service objectstorage-REGION to manage object-family", REGION being the source\'s'
)


class _Target(ServerSideCopy, Protocol):
    """An OciStore."""

    @property
    def calls(self) -> Calls:
        """Its requests."""


@dataclass(frozen=True, slots=True)
class WorkCopy:
    """One copy; see `ServerSideCopy.copy_from` for the fields. `full` is the target's key with its prefix."""

    target: _Target
    source: Store
    info: ObjectInfo
    key: str
    full: str
    meta: Meta
    deadline: Deadline

    def publish(self, expect: Expect) -> Written:
        """Ask for the copy, wait for its end, and look at what was written."""
        url = self.target.address.of(self.key)
        pinnable(self.target, self.source, self.info, url)
        self._check(url)
        assert isinstance(self.source, OciReads), "what can be reached"
        calls = self.source.calls
        self.deadline.check()
        with answering(self.source, self.info, url, expect, remedy=_POLICY):
            answer = calls.send("copy_object", self.info.key, "publish", self._details(expect))
        work = str(answer.headers.get("opc-work-request-id", ""))
        if self._ended(calls, work, url) == "COMPLETED":
            return self._written(url)
        self._fail(calls, work, url, expect)
        raise AssertionError("a copy that failed raises")

    def _check(self, url: str) -> None:
        if not self.meta.user:
            raise CannotCopy(f"{url}: without metadata to write, the source's would come along: read it and write it")
        if not same_content(self.meta, self.info.meta):
            raise CannotCopy(f"{url}: a copy keeps the source's content headers: read it and write it")

    def _details(self, expect: Expect) -> dict[str, Any]:
        """CopyObjectDetails as JSON; the names of metadata carry their prefix here."""
        source = self.source.address
        namespace, region = self.target.calls.place
        written = details_of(self.full, self.meta, self.target.address.of(self.key))
        details = {
            "sourceObjectName": str(full_key(source.prefix, self.info.key, source.of(self.info.key))),
            "sourceObjectIfMatchETag": self.info.etag,
            "destinationRegion": region,
            "destinationNamespace": namespace,
            "destinationBucket": self.target.address.bucket,
            "destinationObjectName": str(self.full),
            "destinationObjectMetadata": written["metadata"],
        }
        if "storageTier" in written:
            details["destinationObjectStorageTier"] = written["storageTier"]
        if isinstance(expect, Absent):
            details["destinationObjectIfNoneMatchETag"] = "*"
        elif expect is not None:
            details["destinationObjectIfMatchETag"] = expect.etag
        return details

    def _ended(self, calls: Calls, work: str, url: str) -> str:
        """How the work request ended. Raises OutOfTime, having called it off; OutcomeUnknown if nobody can say."""
        pause = _PAUSE
        while True:
            try:
                self.deadline.check()
            except OutOfTime as error:
                with suppress(RelayError):  # it may have ended meanwhile
                    calls.ask("cancel_work_request", self.info.key, work)
                raise OutOfTime(f"{url}: the copy {work} was called off, or ends too late: {error}") from error
            time.sleep(min(pause, self.deadline.left()))
            pause = min(2 * pause, _LONGEST_PAUSE)
            try:
                found = calls.ask("get_work_request", self.info.key, work).data
            except RelayError as error:
                raise OutcomeUnknown(f"{url}: what became of the copy {work} cannot be read: {error}") from error
            status = found.get("status", "") if isinstance(found, Mapping) else ""
            if status in ("COMPLETED", "FAILED", "CANCELED"):
                return str(status)

    def _written(self, url: str) -> Written:
        """A work request does not tell the ETag. Whether what is there now is ours, its metadata says."""
        now = self.target.look(self.key)
        if now is None or now.size != self.info.size or dict(now.meta.user) != dict(self.meta.user):
            raise TargetChanged(f"{url}: somebody wrote or deleted it just after the copy: look again")
        return Written(now.etag, now.version)

    def _fail(self, calls: Calls, work: str, url: str, expect: Expect) -> None:
        """Nothing was written: because of the source, of the target, or for what the service says."""
        try:
            errors = calls.ask("list_work_request_errors", self.info.key, work).data
        except RelayError as error:
            errors = [{"message": f"no reason can be read: {error}"}]
        said = "; ".join(f"{row.get('code', '')} {row.get('message', '')}".strip() for row in errors)
        unchanged(self.source, self.info)
        if expect is not None:
            now = self.target.look(self.key)
            if now is not None if isinstance(expect, Absent) else now is None or now.etag != expect.etag:
                raise TargetChanged(f"{url}: somebody wrote or deleted it before the copy ended: look again ({said})")
        raise CannotCopy(f"{url}: the copy {work} failed: {said}: {_POLICY}")
