"""Amazon S3 and every server that speaks its dialect, over our own HTTP: no SDK moves an object."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

from bucketrelay.abilities import Columns, Part, Upload, Version
from bucketrelay.bodies import Held, md5_of
from bucketrelay.clouds.aws import listings, versions
from bucketrelay.clouds.aws.access import Access, access_of
from bucketrelay.clouds.aws.answers import base64, has_etag, parse_commit, parse_put, upload_id
from bucketrelay.clouds.aws.conditions import Conditions, Tagging
from bucketrelay.clouds.aws.copies import AT_ONCE, Copying, no_bucket
from bucketrelay.clouds.aws.documents import completion
from bucketrelay.clouds.aws.errors import is_bare
from bucketrelay.clouds.aws.facts import COPIES
from bucketrelay.clouds.aws.fields import bare, headers_of, info_of, info_of_304, quote_etag
from bucketrelay.clouds.aws.options import Options, options_of
from bucketrelay.clouds.aws.reading import Fetching, Ranged, read_range
from bucketrelay.clouds.aws.requests import Given, Requests
from bucketrelay.clouds.pending_look import PendingLook
from bucketrelay.clouds.server_copy import PartsCopy, answering, pinnable
from bucketrelay.clouds.undeclared import TagCounts
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ObjectGone, StoreRefused, StoreUnavailable
from bucketrelay.http.connections import Pending
from bucketrelay.http.outcome import Effect, Lacking, NoSuchUpload, NotModified, OutOfRange
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING, Address, Fetched, Meta, ObjectInfo
from bucketrelay.store import Abilities, Body, Expect, Store, Stream, Write, Written
from bucketrelay.values import replace

_MISSING = 404
_READ, _PART, _PUBLISH = Effect.READ, Effect.REPEATABLE_WRITE, Effect.PUBLISHING_WRITE


class S3Store:
    """Store, PartStore, Versioned and ServerSideCopy on a bucket, or a prefix of one.

    Args:
        address: `s3://bucket[/prefix]`.
        pace: of the server, shared by its stores.
    """

    def __init__(self, address: Address, access: Access, options: Options, pace: Pace) -> None:
        self._address, self._access, self._options = address, access, options
        self._requests = Requests(address, access, pace, payer=options.request_payer)
        self._placed = options.headers

    def __repr__(self) -> str:
        return f"S3Store({self._address.url})"

    @property
    def address(self) -> Address:
        """Where it is."""
        return self._address

    @property
    def abilities(self) -> Abilities:
        """Documented limits of S3: 2 KB of metadata, 10 tags, 5 MiB to 5 GiB a part, 10,000 parts, 50 TB."""
        return self._abilities if self._tagging.taken else replace(self._abilities, tags=0)

    @property
    def conditional(self) -> bool:
        """Whether `put` enforces `expect`: documented for AWS, found out by the first such write elsewhere."""
        return self._conditions.honoured("put")

    @property
    def server(self) -> str:
        """Whose server it is: stores of one server can copy among each other. AWS's partition, or an address."""
        return self._requests.place.server

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._requests.close()

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:
        """HeadObject; what its bare refusal hides, a GetObject of one byte tells: bucket or key, and the reason."""
        return self._look(key, None, trust_bare_404=trust_bare_404)

    def handshake(self) -> Callable[[], None] | None:
        """See Connects."""
        return self._requests.handshake()

    @property
    def ready(self) -> bool:
        """See Connects."""
        return self._requests.ready

    def begin_look(self, key: str) -> PendingLook | None:
        """See LooksAhead: the HeadObject of `look`."""
        pending = self._requests.ask("HeadObject", key, self._look_given)
        return PendingLook(pending, lambda pending: self._look(key, pending, trust_bare_404=True)) if pending else None

    def _look(self, key: str, pending: Pending | None, *, trust_bare_404: bool) -> ObjectInfo | None:
        try:
            answer = self._requests.send("HeadObject", key, _READ, self._look_given, pending=pending)
        except StoreRefused as error:
            if not is_bare(error):
                raise
        else:
            if answer.status != _MISSING:
                return info_of(key, answer.headers, url=self._address.of(key), digest=self._aws)
            if trust_bare_404:
                return None
        fetched = self.fetch(key, 1)
        return fetched.info if fetched else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        """GetObject of the first *length* bytes."""
        fetching = Fetching(key, self._address.of(key), length, unless, digest=self._aws)
        headers = {**self._look_given.headers, **({"if-none-match": quote_etag(unless)} if unless else {})}
        ranged = {} if size == 0 else {"range": f"bytes=0-{length - 1}"}
        given = Given((), {**headers, **ranged}, b"", fetching.check)
        try:
            try:
                self._requests.send("GetObject", key, _READ, given, fetching.receive)
            except OutOfRange:  # an empty object has no first byte
                self._requests.send("GetObject", key, _READ, given._replace(headers=headers), fetching.receive)
        except NotModified as same:
            return Fetched(info_of_304(key, same.headers), None)
        except ObjectGone:
            return None
        return fetching.fetched

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """GetObject of a range with If-Match; the answer's own ETag is compared too, as some servers ignore If-Match.

        By version id only where it is no longer the latest: that needs s3:GetObjectVersion.
        """
        held = Held(length)
        read_range(self._requests, Ranged(info, self._address.of(info.key), start, length, memoryview(held)))
        return held

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """See Store: a `read`, handed over as it comes."""
        read_range(self._requests, Ranged(info, self._address.of(info.key), start, length, write))

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """ListObjectsV2; the order is checked, for not every server keeps it."""
        return listings.objects(self._requests, self._address, prefix, after)

    def pages(self, prefix: str = "", after: str = "") -> Iterator[Columns]:
        """The same, page by page."""
        return listings.pages(self._requests, self._address, prefix, after)

    def tags(self, info: ObjectInfo) -> Mapping[str, str]:
        """GetObjectTagging: of the version where there is one to name, else of what is there now."""
        return self._counts.tags(info, partial(versions.tags, self._requests, info))

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        """PutObject."""
        headers = {**self._placed, **headers_of(meta, self._address.of(key)), **self._sum(body)}

        def call(condition: Mapping[str, str]) -> Written:
            given = Given((), {**headers, **condition}, body, has_etag)
            return parse_put(self._requests.send("PutObject", key, _PUBLISH, given))

        return self._tagging.write(key, headers, lambda: self._conditions.write("put", call, expect))

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        """DeleteObject, with If-Match where *expect* is given.

        Conditions are not probed here: where a server ignores them, the probe would delete just what the unconditional
        request deletes, and where it honours them, the first request with the true condition is all that is needed.
        """
        condition = {"if-match": quote_etag(expect.etag)} if expect is not None else {}
        try:
            self._requests.send("DeleteObject", key, _PUBLISH, Given(headers=condition))
        except ObjectGone:  # with a condition, AWS says 404 of a missing key
            return
        except Lacking:
            if not condition:
                raise
            self._requests.send("DeleteObject", key, _PUBLISH)

    def begin(self, key: str, meta: Meta) -> Upload:
        """CreateMultipartUpload. On AWS with a CRC-32 of the whole object: `commit` then needs none of each part."""
        summed = {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"} if self._aws else {}
        headers = {**self._placed, **headers_of(meta, self._address.of(key)), **summed}

        def call() -> Upload:
            # An answer that is lost leaves an upload behind: so it is no more repeated than a publishing write is.
            name, given = "InitiateMultipartUpload", Given([("uploads", None)], headers)
            operation = "CreateMultipartUpload"
            return Upload(key, self._requests.document(operation, key, _PUBLISH, name, upload_id, given))

        return self._tagging.write(key, headers, call)

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """UploadPart."""
        query = [("partNumber", str(number)), ("uploadId", upload.id)]
        given = Given(query, self._sum(body), body, has_etag)
        answer = self._requests.send("UploadPart", upload.key, _PART, given)
        return Part(number, bare(answer.headers["etag"]), len(body))

    def parts(self, upload: Upload) -> Iterator[Part]:
        """ListParts."""
        return listings.parts(self._requests, self._address, upload)

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        """CompleteMultipartUpload. Raises ObjectGone if there is no such upload."""
        body, name = completion([(part.number, quote_etag(part.etag)) for part in parts]), "CompleteMultipartUpload"

        def call(condition: Mapping[str, str]) -> Written:
            given = Given([("uploadId", upload.id)], condition, body)
            return self._requests.document(name, upload.key, _PUBLISH, name, parse_commit, given)

        done = self._conditions.write("commit", call, expect)
        if done.etag:
            return done
        info = self.look(upload.key)
        if info is None:
            raise StoreUnavailable(
                f"{self._address.of(upload.key)}: it was published, and is not there: it comes again"
            )
        return Written(info.etag, info.version)

    def abandon(self, upload: Upload) -> None:
        """AbortMultipartUpload."""
        with suppress(NoSuchUpload):
            self._requests.send("AbortMultipartUpload", upload.key, _PART, Given([("uploadId", upload.id)]))

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """ListMultipartUploads."""
        return listings.uploads(self._requests, self._address, prefix)

    def reach(self, source: Store) -> int | None:
        """Where both are buckets of one server: on AWS of one partition, in whichever region."""
        return COPIES.least if isinstance(source, S3Store) and source.server == self.server else None

    def copy_from(
        self, source: Store, info: ObjectInfo, key: str, meta: Meta, deadline: Deadline, *, expect: Expect = None
    ) -> Written:
        """CopyObject on AWS; else, and for what is large, an upload of parts that are copied.

        Some servers ignore the condition on the source (moto, `rclone serve s3`). So theirs are copied in parts, and
        the source is looked at once more before they are published.
        """
        url = self._address.of(key)
        pinnable(self, source, info, url)
        copying = Copying(self._requests, source, info, key, url)
        if not self._aws or info.size > AT_ONCE:
            return PartsCopy(self, source, info, key, meta, deadline, copying.part).publish(expect)
        deadline.check()
        headers = {**self._placed, **headers_of(meta, url)}
        with answering(source, info, url, expect, passing=no_bucket):
            return self._conditions.write("copy", lambda more: copying.whole({**headers, **more}), expect)

    def versions(self, prefix: str = "", after: str = "") -> Iterator[Version]:
        """ListObjectVersions."""
        return versions.versions(self._requests, self._address, prefix, after)

    def look_version(self, version: Version) -> ObjectInfo:
        """HeadObject of one version."""
        return versions.look_version(self._requests, version, self._address.of(version.key))

    def set_tags(self, info: ObjectInfo, tags: Mapping[str, str]) -> None:
        """PutObjectTagging."""
        versions.set_tags(self._requests, info, tags)

    @cached_property
    def _aws(self) -> bool:
        return self._access.on_aws

    @cached_property
    def _abilities(self) -> Abilities:
        return self._options.abilities(aws=self._aws)

    @cached_property
    def _conditions(self) -> Conditions:
        return Conditions(documented=self._aws)

    @cached_property
    def _counts(self) -> TagCounts:
        return TagCounts(documented=self._aws)

    @cached_property
    def _tagging(self) -> Tagging:
        return Tagging(documented=self._aws)

    @cached_property
    def _look_given(self) -> Given:
        return Given(headers={"x-amz-checksum-mode": "ENABLED"} if self._aws else NOTHING, answers=(_MISSING,))

    def _sum(self, body: Body) -> dict[str, str]:
        """What the server compares. Of a stream it goes behind it, see `chunks`; or, on other servers, nothing does."""
        if isinstance(body, Stream):
            return {}
        if self._aws:
            return {"x-amz-checksum-crc32": base64(zlib.crc32(body).to_bytes(4, "big"))}
        # The others know no checksums, or refuse them; the MD5 they have always compared.
        return {"content-md5": base64(md5_of(body))}


def s3_store(address: Address, *, pace: Pace | None = None, **options: Any) -> S3Store:
    """The store that a configuration's options describe; see `Access` and `Options`."""
    return S3Store(address, access_of(options), options_of(options), pace or Pace())
