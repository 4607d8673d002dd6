"""What S3 lists, in pages: objects, uploads, parts. A page that is not whole, or not this bucket's, is none."""

from collections.abc import Iterator
from functools import partial
from operator import le
from typing import TYPE_CHECKING

from bucketrelay.abilities import Columns, Part, Upload
from bucketrelay.clouds.aws.documents import children, texts
from bucketrelay.clouds.aws.fields import bare
from bucketrelay.clouds.aws.requests import Given, Requests
from bucketrelay.clouds.aws.rows import Page, about, member, number, page_of, plain
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Effect
from bucketrelay.model import Address, ObjectInfo

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def objects(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[ObjectInfo]:
    """The objects of `pages`, one by one."""
    for page in pages(requests, address, prefix, after):
        for row in page:
            yield row.info()


def pages(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[Columns]:
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
        _check_order(rows.keys, last, address.url)
        fresh = bool(rows) and rows.keys[-1] != last
        if rows:
            yield rows
            last = rows.keys[-1]
        if not page.more:
            return
        if not fresh and page.following == token:
            raise StoreUnavailable(f"{address.url}: the listing does not go on past {last!r}: try again later")
        token = page.following


def _inside(rows: Columns, address: Address, prefix: str, after: str) -> Columns:
    """Those that were asked for, by their keys relative to the store."""
    keys, full, start = rows.keys, address.prefix + prefix, len(address.prefix)
    last = address.prefix + after if after else ""
    # In a sorted page the keys between two of the same beginning have it, too.
    sure = keys and _ascending(keys) and keys[0].startswith(full) and keys[-1].startswith(full) and keys[0] > last
    if not sure:
        rows = rows.only(key.startswith(full) and not (last and key == last) for key in keys)
    return Columns([key[start:] for key in rows.keys], rows.sizes, rows.etags, rows.times) if start else rows


def _check_order(keys: list[str], last: str, url: str) -> None:
    if keys and (keys[0] < last or not _ascending(keys)):
        for key in keys:
            if key < last:
                raise StoreRefused(f"{url} lists {key!r} after {last!r}: its listings have no order")
            last = key


def _ascending(keys: list[str]) -> bool:
    return all(map(le, keys, keys[1:]))


def uploads(requests: Requests, address: Address, prefix: str) -> Iterator[Upload]:
    """ListMultipartUploads."""
    marker = ("", "")
    while True:
        query: list[tuple[str, str | None]] = [("encoding-type", "url"), ("prefix", address.prefix + prefix)]
        if any(marker):
            query += [("key-marker", marker[0]), ("upload-id-marker", marker[1])]
        query.append(("uploads", None))
        read, name = partial(_uploads, address.bucket), "ListMultipartUploads"
        page, following = requests.document(name, None, Effect.READ, name, read, Given(query))
        for full, upload_id in page:
            key = address.relative(full)
            if key is not None and key.startswith(prefix):
                yield Upload(key, upload_id)
        if following is None:
            return
        if following == marker:
            raise StoreUnavailable(f"{address.url}: the list of uploads turns back: try again later")
        marker = following


def parts(requests: Requests, address: Address, upload: Upload) -> Iterator[Part]:
    """ListParts."""
    marker = 0
    while True:
        query: list[tuple[str, str | None]] = [("part-number-marker", str(marker))] if marker else []
        query.append(("uploadId", upload.id))
        read = partial(_parts, upload.id)
        page, following = requests.document("ListParts", upload.key, Effect.READ, "ListParts", read, Given(query))
        yield from page
        if following is None:
            return
        if following <= marker:
            raise StoreUnavailable(f"{address.of(upload.key)}: the list of parts turns back: try again later")
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

    requests.send("ListObjectsV2", None, Effect.READ, Given(sorted(query), check=check))
    return pages[-1]
