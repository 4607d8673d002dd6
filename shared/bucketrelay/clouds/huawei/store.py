"""Huawei OBS. It has no conditional writes (API reference, PutObject), so `expect` is accepted and not enforced."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from bucketrelay.abilities import Part, Upload, Version
from bucketrelay.clouds.documents import Document
from bucketrelay.clouds.huawei import listings
from bucketrelay.clouds.huawei.copies import part_copier
from bucketrelay.clouds.huawei.credentials import Access, access_of
from bucketrelay.clouds.huawei.facts import ABILITIES, COPIES
from bucketrelay.clouds.huawei.fields import (
    Keeping,
    bare,
    headers_for,
    info_of,
    keeping_headers,
    keeping_of,
    object_of,
    parse_write,
)
from bucketrelay.clouds.huawei.requests import Given, Requests
from bucketrelay.clouds.huawei.sign import Keys
from bucketrelay.clouds.object_answers import Piece, Unchanged, send_with_md5
from bucketrelay.clouds.pending_look import PendingLook
from bucketrelay.clouds.server_copy import PartsCopy, pinnable
from bucketrelay.clouds.undeclared import TagCounts
from bucketrelay.deadline import Deadline
from bucketrelay.errors import Damaged, ObjectGone, OutcomeUnknown, StoreRefused, StoreUnavailable
from bucketrelay.http.connections import Pending
from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Archived, Effect, NoSuchUpload, NotModified, OutOfRange, Refusal, Unsaid
from bucketrelay.http.pace import Pace
from bucketrelay.model import Address, Fetched, Meta, ObjectInfo
from bucketrelay.store import Abilities, Body, Expect, Store, Write, Written
from bucketrelay.values import replace

_READ, _PART, _PUBLISH = Effect.READ, Effect.REPEATABLE_WRITE, Effect.PUBLISHING_WRITE


def obs_store(
    address: Address, *, keys: Callable[[], Keys] | None = None, pace: Pace | None = None, **settings: Any
) -> "ObsStore":
    """A store from *settings*, named as in the configuration.

    Args:
        keys: an invocation's, for a store that has none of its own.
        pace: of the server, shared by its stores.
    """
    return ObsStore(address, access_of(settings, keys), keeping_of(settings), pace or Pace())


class ObsStore:
    """Store, PartStore, Tagged and ServerSideCopy on a bucket of OBS, or a prefix of one.

    Args:
        address: `obs://bucket[/prefix]`.
        pace: how fast requests to the server may go.
    """

    def __init__(self, address: Address, access: Access, keeping: Keeping, pace: Pace) -> None:
        self._address = address
        self.server = access.server  # the endpoint of one region, within which OBS can copy
        self._requests = Requests(address, access, pace)
        self._kept = keeping_headers(keeping, access.prefix)
        self._counts = TagCounts(documented=not access.in_path)
        # Tags go with the write (API reference, PutObjectTagging: also "during upload, multipart upload and copy"),
        # never by a call of their own: on servers that are not OBS that call puts its XML in the place of the object.
        self._abilities = replace(
            ABILITIES,
            classes=MappingProxyType({**ABILITIES.classes, **keeping.storage_classes}),
            consistent=not access.in_path,  # OBS itself refuses that: it is another server
        )

    def __repr__(self) -> str:
        return f"ObsStore({self._address.url})"

    @property
    def address(self) -> Address:
        """Where it is."""
        return self._address

    @property
    def abilities(self) -> Abilities:
        """What OBS documents: parts of 100 KB to 5 GB, objects of 48.8 TB, 8 KB of user metadata, 10 tags."""
        return self._abilities

    @property
    def conditional(self) -> bool:
        """False: OBS ignores If-Match and If-None-Match on writes."""
        return False

    def close(self) -> None:
        """Close the connections that are kept alive; the next request opens new ones."""
        self._requests.close()

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:
        """See Store. Unless a bare 404 is trusted, a GET of the first byte: its own 404 says what is missing."""
        return self._head(key) if trust_bare_404 else self._peek(key)

    def handshake(self) -> Callable[[], None] | None:
        """See Connects."""
        return self._requests.handshake()

    @property
    def ready(self) -> bool:
        """See Connects."""
        return self._requests.ready

    def begin_look(self, key: str) -> PendingLook | None:
        """See LooksAhead: the HeadObject of `look`."""
        pending = self._requests.ask("HeadObject", key)
        return PendingLook(pending, lambda pending: self._head(key, pending)) if pending else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        """See Store: one request; two for an empty object of which no event said that it is empty."""
        headers = {"if-none-match": unless} if unless else {}
        if size != 0:
            headers["range"] = f"bytes=0-{length - 1}"
        piece = self._piece(key, length, unless=unless)
        try:
            self._requests.send("GetObject", key, _READ, Given(headers=headers), piece)
        except OutOfRange:
            if size == 0:
                raise
            return self.fetch(key, length, unless=unless, size=0)  # an empty object
        except ObjectGone:
            return None
        except (NotModified, Unchanged) as same:
            return Fetched(info_of(key, same.headers, -1), None)
        return Fetched(piece.info, piece.body)

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """See Store."""
        if not length:
            return b""
        return self._read(info, start, length).body

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """See Store."""
        if length:
            self._read(info, start, length, write)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """See Store: pages of 1,000."""
        return listings.objects(self._requests, self._address, prefix, after)

    def tags(self, info: ObjectInfo) -> Mapping[str, str]:
        """See Tagged: of the version where there is one to name, else of what is there now."""
        return self._counts.tags(info, partial(listings.tags, self._requests, self._address, info))

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        """See Store; *expect* is not enforced. OBS checks the MD5 of bytes; of a stream the answer's is compared."""
        del expect
        given = Given(headers={**headers_for(meta, self._requests.prefix), **self._kept}, body=body)
        answer, same = self._send_body("PutObject", key, _PUBLISH, given)
        if not same:
            words = "what is stored there is not what was sent: look before believing either"
            raise OutcomeUnknown(f"{self._address.of(key)}: {words}")
        return parse_write(answer.headers.get("etag"), answer.headers, self._address.of(key))

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        """See Store; *expect* is not enforced."""
        del expect
        try:
            answer = self._requests.send("DeleteObject", key, _PUBLISH)
        except ObjectGone:
            return
        if answer.body:  # OBS sends no document
            words = "an answer to a delete that cannot be understood: look before believing it"
            raise OutcomeUnknown(f"{self._address.of(key)}: {words}")

    def begin(self, key: str, meta: Meta) -> Upload:
        """See PartStore. Each answer that is lost would leave an upload: it is made again like a publishing write."""
        given = Given({"uploads": None}, {**headers_for(meta, self._requests.prefix), **self._kept})
        answer = self._requests.send("InitiateMultipartUpload", key, _PUBLISH, given)
        try:
            document = Document(answer.body, "InitiateMultipartUploadResult", self._address.of(key))
            upload_id = document.require("UploadId")
        except StoreUnavailable as error:
            raise OutcomeUnknown(f"{error}: an upload may be there") from error
        return Upload(key, upload_id)

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """See PartStore. OBS checks the MD5 of bytes; of a stream the answer's is compared."""
        given = Given({"partNumber": str(number), "uploadId": upload.id}, body=body)
        answer, same = self._send_body("UploadPart", upload.key, _PART, given)
        url = self._address.of(upload.key)
        if not (etag := bare(answer.headers.get("etag"))):
            raise StoreUnavailable(f"{url}: part {number}: an answer without an ETag: try again later")
        if not same:
            raise Damaged(f"{url}: part {number}: what arrived there is not what was sent: start over")
        return Part(number, etag, len(body))

    def parts(self, upload: Upload) -> Iterator[Part]:
        """See PartStore: pages of 1,000."""
        return listings.parts(self._requests, self._address, upload)

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        """See PartStore; *expect* is not enforced. Raises ObjectGone if there is no such upload."""
        del expect
        rows = (f'<Part><PartNumber>{part.number}</PartNumber><ETag>"{part.etag}"</ETag></Part>' for part in parts)
        body = f"<CompleteMultipartUpload>{''.join(rows)}</CompleteMultipartUpload>".encode()
        given = Given({"uploadId": upload.id}, {"content-type": "application/xml"}, body)
        answer = self._requests.send("CompleteMultipartUpload", upload.key, _PUBLISH, given)
        try:
            done = Document(answer.body, "CompleteMultipartUploadResult", self._address.of(upload.key))
        except StoreUnavailable as error:
            raise OutcomeUnknown(f"{error}: look before believing either") from error
        return parse_write(done.text("ETag"), answer.headers, self._address.of(upload.key))

    def abandon(self, upload: Upload) -> None:
        """See PartStore."""
        try:
            self._requests.send("AbortMultipartUpload", upload.key, _PART, Given({"uploadId": upload.id}))
        except NoSuchUpload:
            return

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """See PartStore: pages of 1,000."""
        return listings.uploads(self._requests, self._address, prefix)

    def versions(self, prefix: str = "", after: str = "") -> Iterator[Version]:
        """See Versioned: pages of 1,000."""
        from bucketrelay.clouds.huawei.versions import versions  # only the inventory asks

        return versions(self._requests, self._address, prefix, after)

    def look_version(self, version: Version) -> ObjectInfo:
        """See Versioned: HEAD of that version."""
        from bucketrelay.clouds.huawei.versions import look_version  # only the inventory asks

        return look_version(self._requests, version, self._address.of(version.key))

    def set_tags(self, info: ObjectInfo, tags: Mapping[str, str]) -> None:
        """See Taggable. Of OBS alone: other servers that speak its dialect take the call for the object's bytes."""
        if not self._abilities.consistent:
            words = "this server is none of Huawei's, and may put the tags in the place of the object"
            raise StoreRefused(f"{self._address.of(info.key)}: {words}: leave out coms_id")
        from bucketrelay.clouds.huawei.versions import set_tags  # only the inventory asks

        set_tags(self._requests, info, tags)

    def reach(self, source: Store) -> int | None:
        """Where both are buckets of one region: OBS does not copy from one to another (API reference, CopyObject)."""
        return COPIES.least if isinstance(source, ObsStore) and source.server == self.server else None

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        """An upload of parts that OBS copies; *expect* is not enforced. See `copies.py`."""
        url = self._address.of(key)
        pinnable(self, source, info, url)
        copy_part = part_copier(self._requests, source.address, info, url)
        return PartsCopy(self, source, info, key, meta, deadline, copy_part).publish(expect)

    def _peek(self, key: str) -> ObjectInfo | None:
        try:
            fetched = self.fetch(key, 1)
        except Archived:
            # It answers no GET, but it is there, and HEAD describes it.
            if info := self._head(key):
                return info
            raise
        return fetched.info if fetched else None

    def _head(self, key: str, pending: Pending | None = None) -> ObjectInfo | None:
        try:
            answer = self._requests.send("HeadObject", key, _READ, pending=pending)
        except Unsaid:
            return None
        except StoreRefused as error:
            # Answers to HEAD have no code: a GET says whether it is the secret, the token or the permission.
            if isinstance(error.__cause__, Refusal) and not error.__cause__.code:
                return self._peek(key)
            raise
        return object_of(key, answer.headers, self._address.of(key))

    def _read(self, info: ObjectInfo, start: int, length: int, write: Write | None = None) -> Piece:
        piece = self._piece(info.key, length, start=start, of=info, write=write)
        # ETags without quotes, as OBS documents them.
        headers = {"range": f"bytes={start}-{start + length - 1}"} | ({"if-match": info.etag} if info.etag else {})
        self._requests.send("GetObject", info.key, _READ, Given(headers=headers), piece)
        return piece

    def _piece(self, key: str, length: int, **wanted: Any) -> Piece:
        url = self._address.of(key)
        return Piece(url, lambda head: object_of(key, head.headers, url), length, **wanted)

    def _send_body(self, operation: str, key: str, effect: Effect, given: Given) -> tuple[Answer, bool]:
        """The answer to a request with an object's bytes; and whether its ETag, where it is an MD5, is theirs."""

        def send(body: Body, more: Mapping[str, str]) -> Answer:
            made = given._replace(headers={**given.headers, **more}, body=body)
            return self._requests.send(operation, key, effect, made)

        return send_with_md5(send, given.body, lambda answer: info_of(key, answer.headers, 0).checksums.get("md5"))
