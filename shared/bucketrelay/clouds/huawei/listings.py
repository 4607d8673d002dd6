"""What OBS lists, in pages of 1,000: objects, parts, uploads; and its documents as values, tags among them.

Sources: OBS API reference, ListObjects, ListParts, ListMultipartUploads, GetObjectTagging. A page is believed only with
its root, the bucket's name and a word on whether it is the last: a proxy's page has status 200, too.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Generic, TypeVar
from urllib.parse import unquote_plus

from bucketrelay.abilities import Part, Upload
from bucketrelay.clouds.documents import Document
from bucketrelay.clouds.huawei.fields import bare
from bucketrelay.clouds.huawei.requests import Given, Requests
from bucketrelay.errors import StoreUnavailable
from bucketrelay.http.outcome import Effect, Refusal, Unsaid
from bucketrelay.model import NOTHING, Address, ObjectInfo
from bucketrelay.values import dataclass, field, replace

Row = TypeVar("Row")
PAGE = "1000"
ENCODED = {"encoding-type": "url"}  # or XML could not say every key
_NUMBER = re.compile(r"[0-9]{1,19}")  # "²" is a digit to Python, too, and of 4,301 digits int() makes nothing


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page, with keys as the bucket knows them.

    Attributes:
        next: what the next page is asked for with, as parameters of the query; empty if this is the last.
        place: where that is: it never goes down.
    """

    rows: tuple[Row, ...]
    next: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    place: tuple[bytes | int, ...] = ()


def objects(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[ObjectInfo]:
    """ListObjects."""
    full = address.prefix + prefix
    query = {"prefix": full, "marker": address.prefix + after if after else "", "max-keys": PAGE, **ENCODED}
    given = {name: value for name, value in query.items() if value}
    for entry in pages(requests, address, "ListObjects", given, objects_of):
        if entry.key.startswith(full):
            yield replace(entry, key=entry.key[len(address.prefix) :])


def parts(requests: Requests, address: Address, upload: Upload) -> Iterator[Part]:
    """ListParts."""
    query = {"uploadId": upload.id, "max-parts": PAGE}
    return pages(requests, address, "ListParts", query, parts_of, upload.key)


def uploads(requests: Requests, address: Address, prefix: str) -> Iterator[Upload]:
    """ListMultipartUploads, those whose key begins with *prefix*."""
    full = address.prefix + prefix
    query = {"uploads": None, "max-uploads": PAGE, **ENCODED} | ({"prefix": full} if full else {})
    for row in pages(requests, address, "ListMultipartUploads", query, uploads_of):
        if row.key.startswith(full):
            yield replace(row, key=row.key[len(address.prefix) :])


def tags(requests: Requests, address: Address, info: ObjectInfo) -> Mapping[str, str]:
    """GetObjectTagging: of the version where there is one to name, else of what is there now."""
    query = {"tagging": None} | ({"versionId": info.version} if info.version else {})
    try:
        answer = requests.send("GetObjectTagging", info.key, Effect.READ, Given(query))
    except Unsaid as error:
        if isinstance(error.__cause__, Refusal) and error.__cause__.code == "NoSuchTagSet":
            return NOTHING
        raise
    return MappingProxyType(dict(tags_of(answer.body, address.of(info.key))))


def pages(
    requests: Requests,
    address: Address,
    operation: str,
    query: Mapping[str, str | None],
    read: Callable[..., Page[Row]],
    key: str | None = None,
) -> Iterator[Row]:
    """The rows of all pages that a listing has; *read* makes one of a body, the bucket's name and a URL."""
    url = address.url if key is None else address.of(key)
    following: Mapping[str, str] = NOTHING
    place: tuple[bytes | int, ...] = ()
    while True:
        answer = requests.send(operation, key, Effect.READ, Given({**query, **following}))
        page = read(answer.body, address.bucket, url)
        yield from page.rows
        if not page.next:
            return
        if page.next == following or page.place < place:
            raise StoreUnavailable(f"{url}: the listing turns back at {page.place}: try again later")
        following, place = page.next, page.place


def objects_of(body: bytes, bucket: str, url: str) -> Page[ObjectInfo]:
    """A page of ListObjects, with the next one's marker. Raises StoreUnavailable where it is none."""
    page = listing(body, "ListBucketResult", "Name", bucket, url)
    encoded, truncated = page.text("EncodingType") == "url", page.truncated()
    infos = tuple(_object(row, page, encoded=encoded) for row in page.rows("Contents"))
    if not truncated:
        return Page(infos)
    # S3-style servers name no next marker unless a delimiter was given.
    marker = plain(page.text("NextMarker"), page, encoded=encoded) or (infos[-1].key if infos else "")
    if not marker:
        raise page.error("cut, and without a place to go on from")
    return Page(infos, {"marker": marker}, (marker.encode(),))


def parts_of(body: bytes, bucket: str, url: str) -> Page[Part]:
    """A page of ListParts, with the next one's marker. Raises StoreUnavailable where it is none."""
    page = listing(body, "ListPartsResult", "Bucket", bucket, url)
    page.require("UploadId")
    parts = tuple(_part(row, page) for row in page.rows("Part"))
    if not page.truncated():
        return Page(parts)
    marker = number_of(page.text("NextPartNumberMarker"), page)
    return Page(parts, {"part-number-marker": str(marker)}, (marker,))


def uploads_of(body: bytes, bucket: str, url: str) -> Page[Upload]:
    """A page of ListMultipartUploads, with both markers of the next one. Raises StoreUnavailable where it is none."""
    page = listing(body, "ListMultipartUploadsResult", "Bucket", bucket, url)
    encoded = page.text("EncodingType") == "url"
    uploads = tuple(
        Upload(plain(row.get("Key", ""), page, encoded=encoded), row.get("UploadId", "")) for row in page.rows("Upload")
    )
    if not page.truncated():
        return Page(uploads)
    key, upload = plain(page.require("NextKeyMarker"), page, encoded=encoded), page.text("NextUploadIdMarker")
    return Page(uploads, {"key-marker": key, "upload-id-marker": upload}, (key.encode(),))


def tags_of(body: bytes, url: str) -> Mapping[str, str]:
    """An object's tags. Raises StoreUnavailable if it is something else."""
    tags = Document(body, "Tagging", url)
    return {row.get("Key", ""): row.get("Value", "") for row in tags.rows("Tag", "TagSet")}


def listing(body: bytes, root: str, name: str, bucket: str, url: str) -> Document:
    """A page of a listing of that bucket. Raises StoreUnavailable where it is something else."""
    page = Document(body, root, url)
    if (told := page.require(name)) != bucket:
        raise page.error(f"of the bucket {told[:80]!r}")
    return page


def _object(row: Mapping[str, str], page: Document, *, encoded: bool) -> ObjectInfo:
    return ObjectInfo(
        key=plain(row.get("Key", ""), page, encoded=encoded),
        size=number_of(row.get("Size", ""), page),
        etag=bare(row.get("ETag")),
        modified=moment_of(row.get("LastModified", "")),
    )


def _part(row: Mapping[str, str], page: Document) -> Part:
    if not (etag := bare(row.get("ETag"))):
        raise page.error("with a part that has no ETag")
    return Part(number_of(row.get("PartNumber", ""), page), etag, number_of(row.get("Size", ""), page))


def plain(text: str, page: Document, *, encoded: bool) -> str:
    """A key as the bucket knows it. Strictly: U+FFFD for what is no UTF-8 would be another key, and be deleted."""
    try:
        return unquote_plus(text, errors="strict") if encoded else text
    except UnicodeDecodeError as error:
        raise page.error(f"with a key that is no UTF-8: {text[:80]!r}") from error


def number_of(text: str, page: Document) -> int:
    """A number in a page. Raises StoreUnavailable where it is none."""
    if not _NUMBER.fullmatch(text):
        raise page.error(f"with a number that is none: {text[:60]!r}")
    return int(text)


def moment_of(text: str) -> datetime | None:
    """A time in a page; None where it is none."""
    # Python 3.10 reads three or six digits of a second and no others; S3-style servers send up to nine.
    whole = re.sub(r"\.(\d+)", lambda match: "." + match[1][:6].ljust(6, "0"), text).replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(whole)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
