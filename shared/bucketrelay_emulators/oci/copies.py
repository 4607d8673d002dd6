"""copyObject: accepted at once, done later, told by a work request."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bucketrelay_emulators.engine.engine import Bucket, Engine
from bucketrelay_emulators.engine.values import NoSuchBucket, NoSuchKey, Obj, PreconditionFailed
from bucketrelay_emulators.oci.events import COMPARTMENT
from bucketrelay_emulators.oci.objects import no_object
from bucketrelay_emulators.oci.wire import Answer, Refusal, Request, answer_json, metadata, object_name, rfc3339, tier


@dataclass(slots=True)
class WorkRequest:
    """One copy; `polls` more questions are answered IN_PROGRESS before it is done."""

    id: str
    polls: int
    accepted: datetime
    copy: Callable[[], None] = field(repr=False)
    status: str = "ACCEPTED"
    finished: datetime | None = None
    errors: list[dict[str, str]] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)


class Copies:
    """The work requests of an emulator.

    `polls` is how often a new work request is answered before it ends; 0 copies before the 202 is sent. `fail_next`
    makes the next copy end FAILED.
    """

    def __init__(self, engine: Engine) -> None:
        self.polls = 1
        self._engine = engine
        self._lock = threading.RLock()
        self._all: dict[str, WorkRequest] = {}
        self._failures: list[tuple[str, str]] = []

    def fail_next(self, code: str = "InternalServerError", message: str = "the copy failed, as it was told to") -> None:
        """Let the next copy that ends end FAILED with this error."""
        with self._lock:
            self._failures.append((code, message))

    def finish(self) -> None:
        """End every copy that is still under way, as time does in the real service."""
        with self._lock:
            for work in self._all.values():
                self._end(work)

    def accept(self, bucket: Bucket, request: Request) -> Answer:
        """CopyObject: 202, or a refusal where the source can be seen to be wrong at once."""
        details = {key: value for key, value in request.json().items() if value is not None}
        for name in ("sourceObjectName", "destinationRegion", "destinationNamespace", "destinationBucket"):
            if not isinstance(details.get(name), str):
                raise Refusal(400, "InvalidParameter", f"{name} is missing")
        object_name(str(details.get("destinationObjectName") or ""))
        source = _source(bucket, details)
        work = WorkRequest(
            str(uuid.uuid4()), self.polls, self._engine.now(), lambda: self._copy(bucket, source, details)
        )
        parts = [str(details[f"destination{part}"]) for part in ("Namespace", "Bucket", "ObjectName")]
        written = "/n/{}/b/{}/o/{}".format(*parts)
        read = f"/n/{bucket.namespace}/b/{bucket.name}/o/{source.key}"
        work.resources = [
            {"actionType": action, "entityType": "object", "identifier": place}
            for action, place in (("READ", read), ("WRITTEN", written))
        ]
        with self._lock:
            self._all[work.id] = work
            if work.polls <= 0:
                self._end(work)
        return Answer(202, {"opc-work-request-id": work.id})

    def show(self, work_id: str) -> Answer:
        """GetWorkRequest; each question brings the copy nearer to its end."""
        with self._lock:
            work = self._find(work_id)
            if work.polls > 0 and work.finished is None:
                work.polls -= 1
                work.status = "IN_PROGRESS"
            else:
                self._end(work)
            done = work.finished is not None
            return answer_json(
                {
                    "operationType": "COPY_OBJECT",
                    "status": work.status,
                    "id": work.id,
                    "compartmentId": COMPARTMENT,
                    "resources": work.resources,
                    "percentComplete": 100.0 if work.status == "COMPLETED" else 0.0,
                    "timeAccepted": rfc3339(work.accepted),
                    "timeStarted": rfc3339(work.accepted),
                    "timeFinished": rfc3339(work.finished) if done and work.finished else None,
                }
            )

    def cancel(self, work_id: str) -> Answer:
        """CancelWorkRequest; too late for one that has ended."""
        with self._lock:
            work = self._find(work_id)
            if work.finished is not None:
                raise Refusal(409, "IncorrectState", f"work request {work_id} has ended")
            work.status, work.finished = "CANCELED", self._engine.now()
        return Answer(202)

    def errors(self, work_id: str) -> Answer:
        """ListWorkRequestErrors."""
        with self._lock:
            return answer_json(self._find(work_id).errors)

    def _find(self, work_id: str) -> WorkRequest:
        if work_id not in self._all:
            raise Refusal(404, "NotAuthorizedOrNotFound", f"work request {work_id} is not there or not yours")
        return self._all[work_id]

    def _end(self, work: WorkRequest) -> None:
        if work.finished is not None:
            return
        work.polls, work.finished = 0, self._engine.now()
        try:
            self._fail_if_told()
            work.copy()
            work.status = "COMPLETED"
        except Refusal as refusal:
            work.status = "FAILED"
            error = {"code": refusal.code, "message": str(refusal), "timestamp": rfc3339(work.finished)}
            work.errors.append(error)

    def _fail_if_told(self) -> None:
        if self._failures:
            code, message = self._failures.pop(0)
            raise Refusal(500, code, message)

    def _copy(self, bucket: Bucket, source: Obj, details: dict[str, object]) -> None:
        """Do it now. "If you rename, overwrite or delete a source object during a copy, the copy fails"."""
        if _source(bucket, {"sourceObjectName": source.key}).etag != source.etag:
            raise Refusal(412, "IfMatchFailed", "The source object was overwritten during the copy")
        try:
            target = self._engine.bucket(str(details["destinationBucket"]), str(details["destinationNamespace"]))
        except NoSuchBucket as error:
            raise Refusal(404, "BucketNotFound", f"there is no bucket '{details['destinationBucket']}'") from error
        given = details.get("destinationObjectMetadata")
        user = metadata({str(k): str(v) for k, v in given.items()}) if isinstance(given, dict) else source.user
        if_match, if_none = details.get("destinationObjectIfMatchETag"), details.get("destinationObjectIfNoneMatchETag")
        try:
            target.put(
                str(details["destinationObjectName"]),
                source.body,
                source.headers,
                user,
                storage_class=tier(details.get("destinationObjectStorageTier")) or source.storage_class,
                kind="Copy",
                if_match=None if if_match is None else str(if_match),
                if_none_match=None if if_none is None else str(if_none),
            )
        except PreconditionFailed as error:
            code = "IfMatchFailed" if if_match is not None else "IfNoneMatchFailed"
            raise Refusal(412, code, "the destination object is not as the request wants it") from error


def _source(bucket: Bucket, details: dict[str, object]) -> Obj:
    name = str(details["sourceObjectName"])
    try:
        source = bucket.get(name)
    except NoSuchKey as error:
        raise no_object(bucket, name) from error
    if details.get("sourceObjectIfMatchETag", source.etag) != source.etag:
        raise Refusal(412, "IfMatchFailed", "The source object has another ETag")
    if details.get("sourceVersionId", source.version) != source.version:
        raise Refusal(404, "ObjectVersionNotFound", "The source object has no such version")
    if source.storage_class == "Archive":
        raise Refusal(409, "NotRestored", "The source object is archived")
    return source
