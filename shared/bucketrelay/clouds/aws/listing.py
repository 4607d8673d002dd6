"""What S3 lists, in pages: objects, uploads, parts. A page that is not whole, or not this bucket's, is none."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from bucketrelay.abilities import Part, Upload
from bucketrelay.clouds.aws.documents import children, texts
from bucketrelay.clouds.aws.fields import bare
from bucketrelay.clouds.aws.requests import LIST, LIST_PARTS, LIST_UPLOADS, Requests
from bucketrelay.clouds.aws.rows import Page, about, member, number, page_of, plain
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.messages import Answer
from bucketrelay.model import Address, Listed, ObjectInfo

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def objects(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[ObjectInfo]:
    """The objects of `pages`, one by one."""
    for page in pages(requests, address, prefix, after):
        for row in page:
            yield row.info()


def pages(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[list[Listed]]:
    """ListObjectsV2, page by page; none of them is empty. The order is checked, for not every server keeps it.

    Raises:
        StoreRefused: the listing is not ascending by UTF-8 bytes.
        StoreUnavailable: a page is not whole, is not this bucket's, or is followed by itself.
    """
    last, token = after, ""
    while True:
        start = address.prefix + last if last else ""
        page = _page(requests, address, address.prefix + prefix, start, token)
        rows = _inside(page.rows, address, prefix, after)
        _check_order(rows, last, address.url)
        fresh = bool(rows) and rows[-1].key != last
        if rows:
            yield rows
            last = rows[-1].key
        if not page.more:
            return
        if not fresh and page.following == token:
            raise StoreUnavailable(f"{address.url}: the listing does not go on past {last!r}: try again later")
        token = page.following


def _inside(rows: list[Listed], address: Address, prefix: str, after: str) -> list[Listed]:
    """Those that were asked for, by their keys relative to the store."""
    if address.prefix:
        start = len(address.prefix)
        rows = [Listed(row.key[start:], *row[1:]) for row in rows if row.key.startswith(address.prefix)]
    return [row for row in rows if row.key.startswith(prefix) and (not after or row.key != after)]


def _check_order(rows: list[Listed], last: str, url: str) -> None:
    for row in rows:
        if row.key < last:
            raise StoreRefused(f"{url} lists {row.key!r} after {last!r}: its listings have no order")
        last = row.key


def uploads(requests: Requests, address: Address, prefix: str) -> Iterator[Upload]:
    """ListMultipartUploads."""
    marker = ("", "")
    while True:
        query: list[tuple[str, str | None]] = [("encoding-type", "url"), ("prefix", address.prefix + prefix)]
        if any(marker):
            query += [("key-marker", marker[0]), ("upload-id-marker", marker[1])]
        query.append(("uploads", None))
        read = partial(_uploads, address.bucket)
        page, following = requests.document(LIST_UPLOADS, None, "ListMultipartUploads", read, query=query)
        for full, upload_id in page:
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
        page, following = requests.document(LIST_PARTS, upload.key, "ListParts", read, query=query)
        yield from page
        if following is None:
            return
        if following <= marker:
            raise StoreUnavailable(f"{url}: the list of parts turns back: try again later")
        marker = following


def _uploads(bucket: str, root: "Element", _: Answer) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
    """Full key and id of each, and the markers of the next page."""
    fields = about(texts(root), "Bucket", bucket)
    entries = [texts(entry) for entry in children(root, "Upload")]
    rows = [(plain(member(told, "Key"), fields), member(told, "UploadId")) for told in entries]
    if fields.get("IsTruncated", "") != "true":
        return rows, None
    return rows, (plain(member(fields, "NextKeyMarker"), fields), member(fields, "NextUploadIdMarker"))


def _parts(upload_id: str, root: "Element", _: Answer) -> tuple[list[Part], int | None]:
    """The parts, and the marker of the next page."""
    fields = about(texts(root), "UploadId", upload_id)
    entries = [texts(entry) for entry in children(root, "Part")]
    rows = [Part(number(told, "PartNumber"), bare(member(told, "ETag")), number(told, "Size")) for told in entries]
    return rows, number(fields, "NextPartNumberMarker") if fields.get("IsTruncated", "") == "true" else None


def _page(requests: Requests, address: Address, prefix: str, start: str, token: str) -> Page:
    query: list[tuple[str, str | None]] = [("encoding-type", "url"), ("list-type", "2"), ("prefix", prefix)]
    if token:
        query.append(("continuation-token", token))
    if start:
        query.append(("start-after", start))
    pages: list[Page] = []

    def check(answer: Answer) -> None:
        pages.append(page_of(answer.body, address.bucket))

    requests.send(LIST, None, query=sorted(query), check=check)
    return pages[-1]
