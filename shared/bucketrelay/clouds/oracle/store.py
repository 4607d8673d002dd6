"""Oracle Cloud Infrastructure Object Storage."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bucketrelay.abilities import Part, Upload, Version
from bucketrelay.clouds.object_answers import Piece, Unchanged, send_with_md5
from bucketrelay.clouds.oracle import listings
from bucketrelay.clouds.oracle.copies import WorkCopy
from bucketrelay.clouds.oracle.credentials import Access, access_of
from bucketrelay.clouds.oracle.facts import ABILITIES, COPIES
from bucketrelay.clouds.oracle.fields import bare, details_of, full_key, headers_of, info_of, md5_of
from bucketrelay.clouds.oracle.requests import Requests, document
from bucketrelay.clouds.oracle.service import Given, Identities
from bucketrelay.clouds.pending_look import PendingLook
from bucketrelay.clouds.server_copy import pinnable
from bucketrelay.deadline import Deadline
from bucketrelay.errors import (
    Damaged,
    ObjectGone,
    OutcomeUnknown,
    RelayError,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.http.connections import Pending
from bucketrelay.http.dates import http_date
from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Effect, NoSuchUpload, NotModified, OutOfRange, Refusal, Unsaid
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING, Address, Fetched, Meta, ObjectInfo
from bucketrelay.store import Abilities, Absent, Body, Expect, Store, Write, Written
from bucketrelay.values import dataclass, field, replace

_READ, _PART, _PUBLISH = Effect.READ, Effect.REPEATABLE_WRITE, Effect.PUBLISHING_WRITE


@dataclass(frozen=True, slots=True)
class Options:
    """What a store does its own way.

    Attributes:
        storage_classes: other stores' classes and the tier here that each becomes, beside the usual ones.
        poll: seconds before a copy by the service is asked after for the first time.
    """

    storage_classes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    poll: float = 0.2


def oci_store(address: Address, *, pace: Pace | None = None, **settings: Any) -> "OciStore":
    """A store from *settings*, named as in the configuration; and `poll`, see `Options`.

    Args:
        pace: of the service, shared by its stores.
    """
    options = Options(**{name: settings[name] for name in Options.__slots__ if name in settings})
    return OciStore(address, access_of(settings), options, pace or Pace())


class OciStore:
    """Store, PartStore and ServerSideCopy on a bucket, or a prefix of one. Objects have no tags.

    Args:
        address: `oci://bucket@namespace[/prefix]`; without a namespace the service is asked for the tenancy's.
        pace: how fast requests to the service may go.
    """

    def __init__(self, address: Address, access: Access, options: Options, pace: Pace) -> None:
        self._address, self._poll = address, options.poll
        self.requests = Requests(address, Identities(access, address.url), pace)
        classes = MappingProxyType({**ABILITIES.classes, **options.storage_classes})
        self._abilities = replace(ABILITIES, classes=classes)

    def __repr__(self) -> str:
        return f"OciStore({self._address.url})"

    @property
    def address(self) -> Address:
        """Where it is. A namespace that the url leaves out is asked for: with and without, it is one bucket.

        Where nobody answers it stays as it is, for nothing can be written there either.
        """
        if not self._address.namespace:
            try:
                self._address = replace(self._address, namespace=self.requests.namespace)
            except RelayError:
                return self._address
        return self._address

    @property
    def abilities(self) -> Abilities:
        """What Oracle documents: no Expires, no tags; parts of 10 MiB to 50 GiB, 10,000 of them; objects of 10 TiB.

        How much metadata an object may have is not documented (a bucket: 4 KB): 2 KiB is what S3 allows.
        """
        return self._abilities

    @property
    def conditional(self) -> bool:
        """True: If-Match and If-None-Match are documented of PutObject, CommitMultipartUpload and DeleteObject."""
        return True

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self.requests.close()

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:
        """HeadObject. Unless its 404 without a word is trusted, a GetObject of a byte tells the key from the bucket."""
        return self._look(key, None, trust_bare_404=trust_bare_404)

    def handshake(self) -> Callable[[], None] | None:
        """See Connects."""
        return self.requests.handshake()

    @property
    def ready(self) -> bool:
        """See Connects."""
        return self.requests.ready

    def begin_look(self, key: str) -> PendingLook | None:
        """See LooksAhead: the HeadObject of `look`."""
        pending = self.requests.ask("HeadObject", key)
        return PendingLook(pending, lambda pending: self._look(key, pending, trust_bare_404=True)) if pending else None

    def _look(self, key: str, pending: Pending | None, *, trust_bare_404: bool) -> ObjectInfo | None:
        try:
            answer = self.requests.send("HeadObject", key, _READ, pending=pending)
        except ObjectGone:
            return None
        except Unsaid:
            if trust_bare_404:
                return None
        except StoreRefused as error:
            if not isinstance(error.__cause__, Refusal) or error.__cause__.code:
                raise
        else:
            return info_of(key, answer.headers, url=self._address.of(key))
        # Answers to HEAD have no code: a GET says whether it is the key, the bucket, the credentials or a policy.
        fetched = self.fetch(key, 1)
        return fetched.info if fetched else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        """GetObject of the first *length* bytes."""
        headers = {"if-none-match": unless} if unless else {}
        if size != 0:
            headers["range"] = f"bytes=0-{length - 1}"
        piece = self._piece(key, length, unless=unless)
        try:
            self.requests.send("GetObject", key, _READ, Given(headers=headers), piece)
        except OutOfRange:  # an empty object has no first byte
            if size == 0:
                raise
            return self.fetch(key, length, unless=unless, size=0)
        except ObjectGone:
            return None
        except (NotModified, Unchanged) as same:
            etag = bare(same.headers.get("etag", "")) or unless
            return Fetched(ObjectInfo(key, -1, etag, http_date(same.headers.get("last-modified"))), None)
        return Fetched(piece.info, piece.body)

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """GetObject of a range with If-Match; the answer's own ETag and range are compared too."""
        return self._read(info, start, length).body if length else b""

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """As `read`."""
        if length:
            self._read(info, start, length, write)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """ListObjects."""
        return listings.objects(self.requests, self._address, prefix, after)

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        """PutObject, with the MD5 of bytes: what is damaged is not stored. Of a stream the answer's is compared."""
        headers = headers_of(meta, self._address.of(key)) | _condition(expect)
        try:
            answer, same = self._send_body("PutObject", key, _PUBLISH, Given(headers=headers, body=body))
        except ObjectGone as error:
            raise TargetChanged(f"{error}: it was deleted") from error
        if not same:
            words = "what is stored there is not what was sent: look before believing either"
            raise OutcomeUnknown(f"{self._address.of(key)}: {words}")
        return self._parse_write(key, answer)

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        """DeleteObject."""
        try:
            answer = self.requests.send("DeleteObject", key, _PUBLISH, Given(headers=_condition(expect)))
        except ObjectGone:
            return
        if answer.body:  # 204 without a document is what the service says
            url = self._address.of(key)
            raise OutcomeUnknown(f"{url}: an answer to a delete that cannot be understood: look before believing it")

    def begin(self, key: str, meta: Meta) -> Upload:
        """CreateMultipartUpload. Not tried again once it was sent: each answer that is lost would leave an upload."""
        url = self._address.of(key)
        given = Given(details=details_of(full_key(self._address.prefix, key, url), meta, url))
        parsed = document(self.requests.send("CreateMultipartUpload", key, _PUBLISH, given), url)
        upload = parsed.get("uploadId") if isinstance(parsed, Mapping) else None
        if not upload or not isinstance(upload, str):
            raise StoreUnavailable(f"{url}: what was answered is no upload: check endpoint and proxy")
        return Upload(key, upload)

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """UploadPart; the MD5 as with `put`. It may be sent again: the same number replaces, and nobody sees it."""
        given = Given({"uploadId": upload.id, "uploadPartNum": str(number)}, body=body)
        answer, same = self._send_body("UploadPart", upload.key, _PART, given)
        url = self._address.of(upload.key)
        if not (etag := bare(answer.headers.get("etag", ""))):
            raise StoreUnavailable(f"{url}: part {number}: an answer without an ETag: check endpoint and proxy")
        if not same:
            raise Damaged(f"{url}: part {number}: what arrived there is not what was sent: start over")
        return Part(number, etag, len(body))

    def parts(self, upload: Upload) -> Iterator[Part]:
        """ListMultipartUploadParts."""
        return listings.parts(self.requests, self._address, upload)

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        """CommitMultipartUpload. Raises ObjectGone if there is no such upload."""
        details = {"partsToCommit": [{"partNum": part.number, "etag": part.etag} for part in parts]}
        given = Given({"uploadId": upload.id}, _condition(expect), details=details)
        return self._parse_write(upload.key, self.requests.send("CommitMultipartUpload", upload.key, _PUBLISH, given))

    def abandon(self, upload: Upload) -> None:
        """AbortMultipartUpload."""
        try:
            self.requests.send("AbortMultipartUpload", upload.key, _PART, Given({"uploadId": upload.id}))
        except NoSuchUpload:
            return

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """ListMultipartUploads, which are those of the whole bucket."""
        return listings.uploads(self.requests, self._address, prefix)

    def versions(self, prefix: str = "", after: str = "") -> Iterator[Version]:
        """ListObjectVersions."""
        from bucketrelay.clouds.oracle.versions import versions  # only the inventory asks

        return versions(self.requests, self._address, prefix, after)

    def look_version(self, version: Version) -> ObjectInfo:
        """HeadObject of that version."""
        from bucketrelay.clouds.oracle.versions import look_version  # only the inventory asks

        return look_version(self.requests, version, self._address.of(version.key))

    def reach(self, source: Store) -> int | None:
        """Any bucket of the same realm, in whichever region and tenancy; policies decide."""
        near = isinstance(source, OciStore) and source.requests.server == self.requests.server
        return COPIES.least if near else None

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        """CopyObject, which goes on by itself and is asked after until it has ended; see `copies.py`."""
        pinnable(self, source, info, self._address.of(key))
        assert isinstance(source, OciStore), "what can be reached"
        return WorkCopy(self, source, info, key, meta, deadline, self._poll).publish(expect)

    def _read(self, info: ObjectInfo, start: int, length: int, write: Write | None = None) -> Piece:
        piece = self._piece(info.key, length, start=start, of=info, write=write)
        headers = {"range": f"bytes={start}-{start + length - 1}"} | ({"if-match": info.etag} if info.etag else {})
        self.requests.send("GetObject", info.key, _READ, Given(headers=headers), piece)
        return piece

    def _piece(self, key: str, length: int, **wanted: Any) -> Piece:
        url = self._address.of(key)
        return Piece(url, lambda head: info_of(key, head.headers, url=url), length, **wanted)

    def _send_body(self, operation: str, key: str, effect: Effect, given: Given) -> tuple[Answer, bool]:
        """The answer to a request with an object's bytes; and whether the MD5 that it tells, if any, is theirs."""

        def send(body: Body, more: Mapping[str, str]) -> Answer:
            made = given._replace(headers={**given.headers, **more}, body=body)
            return self.requests.send(operation, key, effect, made)

        return send_with_md5(
            send, given.body, lambda answer: md5_of(answer.headers.get("opc-content-md5", "")).get("md5")
        )

    def _parse_write(self, key: str, answer: Answer) -> Written:
        """What a write was answered; an answer without an ETag is none, whatever its status."""
        if not (etag := bare(answer.headers.get("etag", ""))):
            url = self._address.of(key)
            raise OutcomeUnknown(f"{url}: an answer without an ETag to a write: look before believing either")
        return Written(etag)


def _condition(expect: Expect) -> dict[str, str]:
    if expect is None:
        return {}
    return {"if-none-match": "*"} if isinstance(expect, Absent) else {"if-match": expect.etag}
