"""CopyObject: asked of the source's region, accepted at once, done later by a work request.

What may be written in place of the source's: user metadata, all or nothing, and the storage tier. Content headers
cannot be named and come along from the source (SDK, `CopyObjectDetails`), so an object that is to have others is not
copied here. Besides the caller's permissions, the service itself needs a policy (Oracle, "Copying objects").
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn, Protocol

from bucketrelay.abilities import ServerSideCopy
from bucketrelay.clouds.oracle.fields import details_of, full_key, same_content
from bucketrelay.clouds.oracle.requests import Requests, document
from bucketrelay.clouds.oracle.service import Given
from bucketrelay.clouds.server_copy import answering, check_unchanged
from bucketrelay.deadline import Deadline
from bucketrelay.errors import CannotCopy, OutcomeUnknown, OutOfTime, RelayError, TargetChanged
from bucketrelay.http.outcome import Effect
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Absent, Expect, Written
from bucketrelay.values import dataclass

_LONGEST_PAUSE = 5.0  # seconds
_POLICY = (
    "allow the caller OBJECT_READ on the source and OBJECT_CREATE, OBJECT_OVERWRITE and OBJECT_INSPECT on the target,"
    ' and "Allow service objectstorage-REGION to manage object-family", REGION being the source\'s'
)


class _Bucket(ServerSideCopy, Protocol):
    """An OciStore."""

    @property
    def requests(self) -> Requests:
        """Its requests."""


@dataclass(frozen=True, slots=True)
class WorkCopy:
    """One copy; see `ServerSideCopy.copy_from` for the fields.

    Attributes:
        pause: seconds before it is asked the first time whether the copy has ended; doubled each time, up to five.
    """

    target: _Bucket
    source: _Bucket
    info: ObjectInfo
    key: str
    meta: Meta
    deadline: Deadline
    pause: float

    def publish(self, expect: Expect) -> Written:
        """Ask for the copy, wait for its end, and look at what was written."""
        url = self.target.address.of(self.key)
        self._check(url)
        self.deadline.check()
        given = Given(details=self._details(expect))
        with answering(self.source, self.info, url, expect, remedy=_POLICY):
            answer = self.source.requests.send("CopyObject", self.info.key, Effect.PUBLISHING_WRITE, given)
        work = Given(id=answer.headers.get("opc-work-request-id", ""))
        if self._wait_for_end(work, url) != "COMPLETED":
            self._fail(work, url, expect)
        return self._look_at_copy(url)

    def _check(self, url: str) -> None:
        if not self.meta.user:
            raise CannotCopy(f"{url}: without metadata to write, the source's would come along: read it and write it")
        if not same_content(self.meta, self.info.meta):
            raise CannotCopy(f"{url}: a copy keeps the source's content headers: read it and write it")

    def _details(self, expect: Expect) -> dict[str, Any]:
        """CopyObjectDetails as JSON; the names of metadata carry their prefix here."""
        source = self.source.address
        full = full_key(self.target.address.prefix, self.key, self.target.address.of(self.key))
        written = details_of(full, self.meta, self.target.address.of(self.key))
        details = {
            "sourceObjectName": full_key(source.prefix, self.info.key, source.of(self.info.key)),
            "sourceObjectIfMatchETag": self.info.etag,
            "destinationRegion": self.target.requests.region,
            "destinationNamespace": self.target.requests.namespace,
            "destinationBucket": self.target.address.bucket,
            "destinationObjectName": full,
            "destinationObjectMetadata": written["metadata"],
        }
        if "storageTier" in written:
            details["destinationObjectStorageTier"] = written["storageTier"]
        if isinstance(expect, Absent):
            details["destinationObjectIfNoneMatchETag"] = "*"
        elif expect is not None:
            details["destinationObjectIfMatchETag"] = expect.etag
        return details

    def _wait_for_end(self, work: Given, url: str) -> str:
        """How the work request ended. Raises OutOfTime, having called it off; OutcomeUnknown if nobody can say."""
        pause = self.pause
        while True:
            try:
                self.deadline.check()
            except OutOfTime as error:
                with suppress(RelayError):  # it may have ended meanwhile
                    self._ask("CancelWorkRequest", work)
                raise OutOfTime(f"{url}: the copy {work.id} was called off, or ends too late: {error}") from error
            time.sleep(min(pause, self.deadline.remaining()))
            pause = min(2 * pause, _LONGEST_PAUSE)
            try:
                request = self._ask("GetWorkRequest", work)
            except RelayError as error:
                raise OutcomeUnknown(f"{url}: what became of the copy {work.id} cannot be read: {error}") from error
            status = request.get("status", "") if isinstance(request, Mapping) else ""
            if status in ("COMPLETED", "FAILED", "CANCELED"):
                return str(status)

    def _ask(self, operation: str, work: Given) -> Any:
        """What a request about the copy is answered; None where there is no document."""
        effect = Effect.REPEATABLE_WRITE if operation == "CancelWorkRequest" else Effect.READ
        answer = self.source.requests.send(operation, self.info.key, effect, work)
        return document(answer, self.source.address.of(self.info.key)) if answer.body else None

    def _look_at_copy(self, url: str) -> Written:
        """A work request does not tell the ETag. Whether what is there now is ours, its metadata says."""
        now = self.target.look(self.key)
        if now is None or now.size != self.info.size or dict(now.meta.user) != dict(self.meta.user):
            raise TargetChanged(f"{url}: somebody wrote or deleted it just after the copy: look again")
        return Written(now.etag, now.version)

    def _fail(self, work: Given, url: str, expect: Expect) -> NoReturn:
        """Nothing was written: because of the source, of the target, or for what the service says."""
        try:
            told = self._ask("ListWorkRequestErrors", work)
        except RelayError as error:
            told = [{"message": f"no reason can be read: {error}"}]
        rows = [row for row in told if isinstance(row, Mapping)] if isinstance(told, list) else []
        words = "; ".join(f"{row.get('code', '')} {row.get('message', '')}".strip() for row in rows)
        check_unchanged(self.source, self.info)
        if expect is not None:
            now = self.target.look(self.key)
            if now is not None if isinstance(expect, Absent) else now is None or now.etag != expect.etag:
                raise TargetChanged(f"{url}: somebody wrote or deleted it before the copy ended: look again ({words})")
        raise CannotCopy(f"{url}: the copy {work.id} failed: {words}: {_POLICY}")
