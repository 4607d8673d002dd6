"""Huawei OBS, by its own SDK; see `obs_client` for what had to be done to that.

OBS has no conditional writes (API reference, PutObject), so `expect` is accepted and not enforced.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from bucketrelay.clouds.huawei.errors import translated
from bucketrelay.clouds.huawei.fields import DEFAULT_TYPE, TAG_TEXT, bare, headers_for, own, placed, printable
from bucketrelay.clouds.huawei.reads import ObsReads
from bucketrelay.clouds.huawei.requests import checked
from bucketrelay.clouds.server_copy import WORTH, PartsCopy, pinnable
from bucketrelay.deadline import Deadline
from bucketrelay.errors import CannotCopy, OutcomeUnknown, StoreUnavailable
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Abilities, Body, Expect, GiB, Part, Store, Upload, Written, gathered


class ObsStore(ObsReads):
    """Store, PartStore, Tagged and ServerSideCopy on a bucket of OBS; the arguments are those of ObsReads."""

    @property
    def abilities(self) -> Abilities:
        """What OBS documents: parts of 100 KB to 5 GB, objects of 48.8 TB, 8 KB of user metadata, 10 tags.

        Tags go with the write (API reference, PutObjectTagging: also "during upload, multipart upload and copy"), never
        by a call of their own: on servers that are not OBS that call puts its XML in the place of the object.
        """
        return Abilities(
            user_bytes=8 * 1024,
            tags=10,
            tag_text=TAG_TEXT,
            min_part=100 * 1024,
            max_part=5 * GiB,
            max_parts=10_000,
            max_object=int(48.8 * 1024) * GiB,
            classes=self._classes,
            consistent=self._consistent,
        )

    @property
    def conditional(self) -> bool:
        """False: OBS ignores If-Match and If-None-Match on writes."""
        return False

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        """See Store; *expect* is not enforced. OBS checks the MD5 of what arrives."""
        from obs import PutObjectHeader  # noqa: PLC0415 - the SDK loads with the first request

        from bucketrelay.clouds.huawei.client import Body  # noqa: PLC0415

        del expect
        body = gathered(body)
        url, client = self._address.of(key), self._session.client()
        given = PutObjectHeader(md5=_md5(body), contentType=_type(meta), contentLength=len(body))
        extra = {**headers_for(meta, client.prefix), **placed(client.prefix, **self._kept)}

        def call() -> Written:
            with translated(url, write=True):
                result = client.putContent(*self._place(key), content=Body(body), headers=given, extensionHeaders=extra)
            headers = checked(result, url, write=True)
            return _written(url, headers.get("etag"), own(headers, "version-id"))

        return self._session.send(call, url)

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        """See Store; *expect* is not enforced."""
        del expect
        self._session.send(lambda: self._delete(key), self._address.of(key))

    def _delete(self, key: str) -> None:
        url, client = self._address.of(key), self._session.client()
        with translated(url, write=True):
            result = client.deleteObject(*self._place(key))
        if result.status == 404 and result.errorCode == "NoSuchKey":
            return
        checked(result, url, write=True)
        if result.body is None:  # the SDK found a document where OBS sends none
            raise OutcomeUnknown(f"{url}: an answer to a delete that cannot be understood: look before believing it")

    def begin(self, key: str, meta: Meta) -> Upload:
        """See PartStore. Each answer that is lost would leave an upload: it is made again like a write."""
        return self._session.send(lambda: self._begin(key, meta), self._address.of(key))

    def _begin(self, key: str, meta: Meta) -> Upload:
        url, client = self._address.of(key), self._session.client()
        extra = {**headers_for(meta, client.prefix), **placed(client.prefix, **self._kept)}
        with translated(url, write=True):
            result = client.initiateMultipartUpload(
                *self._place(key), contentType=_type(meta), extensionHeaders=extra, encoding_type="url"
            )
        checked(result, url, write=True)
        if not (result.body and result.body.uploadId):
            raise OutcomeUnknown(f"{url}: what was answered is no upload, and one may be there: try again later")
        return Upload(key, result.body.uploadId)

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """See PartStore. OBS checks the MD5 of what arrives."""
        from bucketrelay.clouds.huawei.client import Body  # noqa: PLC0415 - the SDK loads with the first request

        body = gathered(body)
        url, client, digest = self._address.of(upload.key), self._session.client(), _md5(body)

        def call() -> Part:
            with translated(url):
                result = client.uploadPart(
                    *self._place(upload.key), number, upload.id, content=Body(body), partSize=len(body), md5=digest
                )
            headers = checked(result, url)
            if not (etag := bare(headers.get("etag"))):
                raise StoreUnavailable(f"{url}: part {number}: an answer without an ETag: try again later")
            return Part(number, etag, len(body))

        return self._session.send(call, url)

    def parts(self, upload: Upload) -> Iterator[Part]:
        """See PartStore: pages of 1,000."""
        url, marker = self._address.of(upload.key), None
        while True:
            page = self._session.send(lambda: self._parts(upload, marker), url)  # noqa: B023 - called here and now
            for part in page.parts:
                yield Part(part.partNumber, bare(part.etag), part.size)
            if not page.isTruncated:
                return
            marker = page.nextPartNumberMarker

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        """See PartStore; *expect* is not enforced. Raises ObjectGone if there is no such upload."""
        from obs import CompleteMultipartUploadRequest, CompletePart  # noqa: PLC0415 - as in put

        del expect
        url, client = self._address.of(upload.key), self._session.client()
        chosen = [CompletePart(partNum=part.number, etag=f'"{part.etag}"') for part in parts]
        wanted = CompleteMultipartUploadRequest(parts=chosen)

        def call() -> Written:
            with translated(url, write=True):
                result = client.completeMultipartUpload(
                    *self._place(upload.key), upload.id, wanted, encoding_type="url"
                )
            headers = checked(result, url, write=True)
            # Under status 200 there may be an error, of which the SDK leaves nothing but an ETag that is not there.
            return _written(url, result.body and result.body.etag, own(headers, "version-id"))

        return self._session.send(call, url)

    def abandon(self, upload: Upload) -> None:
        """See PartStore."""
        self._session.send(lambda: self._abandon(upload), self._address.of(upload.key))

    def _abandon(self, upload: Upload) -> None:
        url, client = self._address.of(upload.key), self._session.client()
        with translated(url):
            result = client.abortMultipartUpload(*self._place(upload.key), upload.id)
        if not (result.status == 404 and result.errorCode == "NoSuchUpload"):
            checked(result, url)

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """See PartStore: pages of 1,000."""
        marker = ("", "")
        while True:
            page = self._session.send(lambda: self._uploads(self._full(prefix), marker))  # noqa: B023 - as in list
            for upload in page.upload:
                if (key := self._address.relative(upload.key or "")) is not None and key.startswith(prefix):
                    yield Upload(key, upload.uploadId)
            if not page.isTruncated:
                return
            marker = (page.nextKeyMarker or "", page.nextUploadIdMarker or "")

    def reach(self, source: Store) -> int | None:
        """Where both are buckets of one region: OBS does not copy from one to another (API reference, CopyObject)."""
        return WORTH if isinstance(source, ObsReads) and source.server == self.server else None

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        """An upload of parts that OBS copies, whatever the size; *expect* is not enforced.

        Not CopyObject: a server that does not know that header would take it for the write of an empty object, and
        answer 200. A part that was not copied is found out before anything is published.
        """
        url = self._address.of(key)
        pinnable(self, source, info, url)
        place = f"/{source.address.bucket}/{source.address.prefix}{info.key}"
        if "?versionId=" in place:
            raise CannotCopy(f"{url}: OBS cannot be told of a source with ?versionId= in its key: read it and write it")
        client = self._session.client()
        # Documented of CopyObject alone; where it is ignored, the look at the source before the commit does its work.
        pinned = {f"{client.prefix}copy-source-if-match": info.etag}

        def copy_part(upload: Upload, number: int, start: int, length: int) -> str:
            span = f"bytes={start}-{start + length - 1}" if length < info.size else None

            def call() -> str:
                with translated(url):
                    result = self._session.client().copyPart(
                        *self._place(key), number, upload.id, quote(place, safe="/"), span, extensionHeaders=pinned
                    )
                checked(result, url)
                return bare(result.body and result.body.etag)

            return self._session.send(call, url)

        return PartsCopy(self, source, info, key, meta, deadline, copy_part).publish(expect)

    def _parts(self, upload: Upload, marker: int | None) -> Any:
        url, client = self._address.of(upload.key), self._session.client()
        with translated(url):
            result = client.listParts(
                *self._place(upload.key), upload.id, maxParts=1000, partNumberMarker=marker, encoding_type="url"
            )
        checked(result, url)
        page = result.body
        whole = page and page.uploadId and all(p.partNumber and p.etag and p.size is not None for p in page.parts)
        if not whole or (page.isTruncated and (page.nextPartNumberMarker or 0) <= (marker or 0)):
            raise StoreUnavailable(f"{url}: what was answered is no list of parts: try again later")
        return page

    def _uploads(self, prefix: str, marker: tuple[str, str]) -> Any:
        from obs import ListMultipartUploadsRequest  # noqa: PLC0415 - the SDK loads with the first request

        wanted = ListMultipartUploadsRequest(
            prefix=prefix or None, max_uploads=1000, key_marker=marker[0] or None, upload_id_marker=marker[1] or None
        )
        client = self._session.client()
        with translated(self._address.url):
            result = client.listMultipartUploads(self._address.bucket, wanted, encoding_type="url")
        checked(result, self._address.url)
        page = result.body
        if not (page and page.bucket) or (page.isTruncated and (page.nextKeyMarker, page.nextUploadIdMarker) == marker):
            raise StoreUnavailable(f"{self._address.url}: what was answered is no list of uploads: try again later")
        return page


def _md5(body: bytes | bytearray) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _type(meta: Meta) -> str:
    return printable(meta.content_type) or DEFAULT_TYPE


def _written(url: str, etag: str | None, version: str) -> Written:
    """What a write was answered; an answer without an ETag is none, whatever its status."""
    if not (known := bare(etag)):
        raise OutcomeUnknown(f"{url}: an answer without an ETag to a write: look before believing either")
    return Written(known, "" if version == "null" else version)
