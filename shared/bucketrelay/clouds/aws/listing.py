"""What S3 lists, in pages: objects, uploads, parts. A page that is not whole, or not this bucket's, is none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from bucketrelay.abilities import Part, Upload
from bucketrelay.clouds.aws.documents import NoDocument, Reader, children, texts
from bucketrelay.clouds.aws.fields import bare, listed_time
from bucketrelay.clouds.aws.requests import LIST, LIST_PARTS, LIST_UPLOADS, Requests
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.messages import Answer, Head, Into
from bucketrelay.model import Address, ObjectInfo

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of objects.

    Attributes:
        entries: full key, size, ETag, time.
        more: another page follows; *following* is what it is asked by, where the server says so.
    """

    entries: list[tuple[str, int, str, str]]
    more: bool
    following: str


def objects(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[ObjectInfo]:
    """ListObjectsV2. The order is checked, for not every server keeps it.

    Raises:
        StoreRefused: the listing is not ascending by UTF-8 bytes.
        StoreUnavailable: a page is not whole, is not this bucket's, or is followed by itself.
    """
    last, token = after, ""
    while True:
        start = address.prefix + last if last else ""
        page = _page(requests, address, address.prefix + prefix, start, token)
        fresh = False
        for full, size, etag, time in page.entries:
            key = address.relative(full)
            if key is None or not key.startswith(prefix) or (key == after and after):
                continue
            if key.encode() < last.encode():
                raise StoreRefused(f"{address.url} lists {key!r} after {last!r}: its listings have no order")
            fresh, last = fresh or key != last, key
            yield ObjectInfo(key, size, etag, listed_time(time))
        if not page.more:
            return
        if not fresh and page.following == token:
            raise StoreUnavailable(f"{address.url}: the listing does not go on past {last!r}: try again later")
        token = page.following


def uploads(requests: Requests, address: Address, prefix: str) -> Iterator[Upload]:
    """ListMultipartUploads."""
    marker = ("", "")
    while True:
        query: list[tuple[str, str | None]] = [("encoding-type", "url"), ("prefix", address.prefix + prefix)]
        if any(marker):
            query += [("key-marker", marker[0]), ("upload-id-marker", marker[1])]
        query.append(("uploads", None))
        read = partial(_uploads, address.bucket)
        found, following = requests.document(LIST_UPLOADS, None, "ListMultipartUploads", read, query=query)
        for full, upload_id in found:
            key = address.relative(full)
            if key is not None and key.startswith(prefix):
                yield Upload(key, upload_id)
        if following is None:
            return
        if following == marker:
            raise StoreUnavailable(f"{address.url}: the list of uploads turns back: try again later")
        marker = following


def parts(requests: Requests, upload: Upload, url: str) -> Iterator[Part]:
    """ListParts."""
    marker = 0
    while True:
        query: list[tuple[str, str | None]] = [("part-number-marker", str(marker))] if marker else []
        query.append(("uploadId", upload.id))
        read = partial(_parts, upload.id)
        found, following = requests.document(LIST_PARTS, upload.key, "ListParts", read, query=query)
        yield from found
        if following is None:
            return
        if following <= marker:
            raise StoreUnavailable(f"{url}: the list of parts turns back: try again later")
        marker = following


def _uploads(bucket: str, root: "Element", _: Answer) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
    """Full key and id of each, and the markers of the next page."""
    said = about(texts(root), "Bucket", bucket)
    entries = [texts(entry) for entry in children(root, "Upload")]
    found = [(plain(member(told, "Key"), said), member(told, "UploadId")) for told in entries]
    if said.get("IsTruncated", "") != "true":
        return found, None
    return found, (plain(member(said, "NextKeyMarker"), said), member(said, "NextUploadIdMarker"))


def _parts(upload_id: str, root: "Element", _: Answer) -> tuple[list[Part], int | None]:
    """The parts, and the marker of the next page."""
    said = about(texts(root), "UploadId", upload_id)
    entries = [texts(entry) for entry in children(root, "Part")]
    found = [Part(number(told, "PartNumber"), bare(member(told, "ETag")), number(told, "Size")) for told in entries]
    return found, number(said, "NextPartNumberMarker") if said.get("IsTruncated", "") == "true" else None


def _page(requests: Requests, address: Address, prefix: str, start: str, token: str) -> _Page:
    query: list[tuple[str, str | None]] = [("encoding-type", "url"), ("list-type", "2"), ("prefix", prefix)]
    if token:
        query.append(("continuation-token", token))
    if start:
        query.append(("start-after", start))
    readers: list[Reader] = []
    pages: list[_Page] = []

    def receive(head: Head) -> Into:
        del head
        readers.append(Reader("ListBucketResult"))
        return Into(readers[-1].feed)

    def check(answer: Answer) -> None:
        del answer
        pages.append(_read(readers[-1].root(), address))

    requests.send(LIST, None, query=sorted(query), receive=receive, check=check)
    return pages[-1]


def _read(root: "Element", address: Address) -> _Page:
    said = about(texts(root), "Name", address.bucket)
    entries = []
    for entry in children(root, "Contents"):
        told = texts(entry)
        key = plain(member(told, "Key"), said)
        entries.append((key, number(told, "Size"), bare(told.get("ETag", "")), told.get("LastModified", "")))
    return _Page(entries, truncated(said), said.get("NextContinuationToken", ""))


def about(said: dict[str, str], member: str, wanted: str) -> dict[str, str]:
    """The same, if it is about what was asked for; an access point's listing has a name of its own."""
    told = said.get(member, "")
    if told != wanted and not (told and wanted.startswith("arn:")):
        raise NoDocument(f"the answer is about {member} {told[:64]!r}: check endpoint and proxy")
    return said


def truncated(said: Mapping[str, str]) -> bool:
    """Whether there are more pages; a page that does not say so is not whole."""
    found = member(said, "IsTruncated").strip().lower()
    if found not in ("true", "false"):
        raise NoDocument(f"IsTruncated is {found[:20]!r}: check endpoint and proxy")
    return found == "true"


def plain(text: str, said: Mapping[str, str]) -> str:
    """A key as it is; pages say whether they encode, which was asked for as XML cannot hold every letter."""
    return unquote_plus(text) if said.get("EncodingType") == "url" else text


def member(said: Mapping[str, str], name: str) -> str:
    """What every such document says. Raises NoDocument where this one does not."""
    if name not in said:
        raise NoDocument(f"the answer lacks {name}: check endpoint and proxy")
    return said[name]


def number(said: Mapping[str, str], name: str) -> int:
    """The same, where it must be a number."""
    text = member(said, name).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise NoDocument(f"{name} is {text[:20]!r}, no number: check endpoint and proxy")
    return int(text)
