"""Oracle Cloud Infrastructure Object Storage, by Oracle's SDK. With the other `oci_…` modules its only importer."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bucketrelay.clouds.oracle.copies import WORTH, WorkCopy
from bucketrelay.clouds.oracle.errors import NoSuchUpload
from bucketrelay.clouds.oracle.fields import bare, details_of, headers_of
from bucketrelay.clouds.oracle.reads import OciReads
from bucketrelay.clouds.oracle.requests import Effect
from bucketrelay.clouds.pages import whole
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ObjectGone, OutcomeUnknown, StoreUnavailable, TargetChanged
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Absent, Body, Expect, Part, Store, Upload, Written, gathered

_PAGE = 1000


class OciStore(OciReads):
    """Store, PartStore and ServerSideCopy on a bucket; the arguments are those of OciReads. Objects have no tags."""

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        """PutObject, with Content-MD5: what is damaged on the way is not stored."""
        body = gathered(body)
        asked = headers_of(meta, self._address.of(key)) | _sent(body) | _condition(expect)
        try:
            return self._written(key, self._of_key("put_object", key, effect="publish", body=body, **asked))
        except ObjectGone as error:
            raise TargetChanged(f"{error}: it was deleted") from error

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        """DeleteObject."""
        try:
            answer = self._of_key("delete_object", key, effect="publish", **_condition(expect))
        except ObjectGone:
            return
        if answer.headers.get("content-length", "0") != "0":  # 204 without a document is what the service says
            url = self._address.of(key)
            raise OutcomeUnknown(f"{url}: an answer to a delete that cannot be understood: look before believing it")

    def begin(self, key: str, meta: Meta) -> Upload:
        """CreateMultipartUpload. Not tried again once it was sent: each answer that is lost would leave an upload."""
        details = details_of(self._full(key), meta, self._address.of(key))
        answer = self._calls.send("create_multipart_upload", key, "stage", details)
        if not (isinstance(answer.data, Mapping) and answer.data.get("uploadId")):
            raise StoreUnavailable(f"{self._address.of(key)}: what was answered is no upload: check endpoint and proxy")
        return Upload(key, answer.data["uploadId"])

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """UploadPart, with Content-MD5."""
        body = gathered(body)
        answer = self._of_upload("upload_part", upload, number, body=body, **_sent(body))
        if not (etag := bare(answer.headers.get("etag", ""))):
            url = self._address.of(upload.key)
            raise StoreUnavailable(f"{url}: part {number}: an answer without an ETag: check endpoint and proxy")
        return Part(number, etag, len(body))

    def parts(self, upload: Upload) -> Iterator[Part]:
        """ListMultipartUploadParts."""
        page: dict[str, Any] = {"limit": _PAGE}
        while True:
            answer = self._of_upload("list_multipart_upload_parts", upload, **page)
            with whole(self._address.of(upload.key)):
                rows = self._rows(answer, upload.key)
                found = [Part(int(part["partNumber"]), bare(part["etag"]), int(part["size"])) for part in rows]
            yield from found
            if not self._goes_on(page, answer):
                return

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        """CommitMultipartUpload. Raises ObjectGone if there is no such upload."""
        details = {"partsToCommit": [{"partNum": part.number, "etag": part.etag} for part in parts]}
        condition = _condition(expect)
        answer = self._of_upload("commit_multipart_upload", upload, details, effect="publish", **condition)
        return self._written(upload.key, answer)

    def abandon(self, upload: Upload) -> None:
        """AbortMultipartUpload."""
        try:
            self._of_upload("abort_multipart_upload", upload)
        except NoSuchUpload:
            return

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """ListMultipartUploads, which are those of the whole bucket."""
        page: dict[str, Any] = {"limit": _PAGE}
        while True:
            answer = self._calls.send("list_multipart_uploads", "", "read", **page)
            with whole(self._address.url):
                keys = [(self._address.relative(row["object"]), str(row["uploadId"])) for row in self._rows(answer)]
            yield from (Upload(key, upload) for key, upload in keys if key is not None and key.startswith(prefix))
            if not self._goes_on(page, answer):
                return

    def reach(self, source: Store) -> int | None:
        """Any bucket of the same realm, in whichever region and tenancy; policies decide."""
        near = isinstance(source, OciReads) and source.calls.server == self._calls.server
        return WORTH if near else None

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        """CopyObject, which goes on by itself and is asked after until it has ended; see `oci_copy`."""
        return WorkCopy(self, source, info, key, self._full(key), meta, deadline).publish(expect)

    def _of_upload(self, operation: str, upload: Upload, *more: Any, effect: Effect = "read", **asked: Any) -> Any:
        """A request about one upload. Its parts may be sent again: the same number replaces, and nobody sees it."""
        return self._calls.send(operation, upload.key, effect, self._full(upload.key), upload.id, *more, **asked)

    def _written(self, key: str, answer: Any) -> Written:
        """What a write was answered; an answer without an ETag is none, whatever its status."""
        if not (etag := bare(answer.headers.get("etag", ""))):
            url = self._address.of(key)
            raise OutcomeUnknown(f"{url}: an answer without an ETag to a write: look before believing either")
        return Written(etag)

    def _goes_on(self, page: dict[str, Any], answer: Any) -> bool:
        """Whether there is another page, which *page* then asks for."""
        following = answer.headers.get("opc-next-page")
        if following and following == page.get("page"):
            raise StoreUnavailable(f"{self._address.url}: the listing names the same next page again: try again later")
        page["page"] = following
        return bool(following)

    def _rows(self, answer: Any, key: str = "") -> Sequence[Mapping[str, Any]]:
        rows = answer.data
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            url = self._address.of(key) if key else self._address.url
            raise StoreUnavailable(f"{url}: the answer is no list: check endpoint and proxy")
        return rows


def _sent(body: bytes | bytearray) -> dict[str, Any]:
    """Without content_length the SDK would copy a body that is no bytes into memory, to see how long it is."""
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return {"content_length": len(body), "content_md5": base64.b64encode(digest).decode()}


def _condition(expect: Expect) -> dict[str, str]:
    if expect is None:
        return {}
    return {"if_none_match": "*"} if isinstance(expect, Absent) else {"if_match": expect.etag}
