"""The listings of a bucket, page by page: objects, parts, uploads.

No page is believed without its rows, nor a listing that does not go on: the page of a proxy has status 200, too.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from bucketrelay.abilities import Part, Upload
from bucketrelay.clouds.oracle.fields import bare, info_of_entry
from bucketrelay.clouds.oracle.requests import Requests, document, pages
from bucketrelay.clouds.oracle.service import Given
from bucketrelay.clouds.pages import whole
from bucketrelay.errors import StoreUnavailable
from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Effect
from bucketrelay.model import Address, ObjectInfo

Row = TypeVar("Row")
_PAGE = 1000
_FIELDS = "name,size,etag,md5,timeModified"


def objects(requests: Requests, place: Address, prefix: str, after: str) -> Iterator[ObjectInfo]:
    """ListObjects; the order is checked, as a comparison of two listings would delete for a wrong one."""
    last = after
    query = {"prefix": place.prefix + prefix, "startAfter": place.prefix + after if after else "", "fields": _FIELDS}
    while True:
        page = document(requests.send("ListObjects", None, Effect.READ, Given(query)), place.url)
        for entry in _rows(page, place):
            last = _key(entry, place, prefix, last)
            yield info_of_entry(entry, last)
        if not (following := page.get("nextStartWith")):
            return
        before = max(place.prefix + last, query.get("start", ""), key=str.encode)
        if not isinstance(following, str) or following.encode() <= before.encode():
            raise StoreUnavailable(f"{place.url}: the listing does not go on past {last!a}: try again later")
        query |= {"start": following, "startAfter": ""}


def parts(requests: Requests, place: Address, upload: Upload) -> Iterator[Part]:
    """ListMultipartUploadParts."""

    def read(row: Mapping[str, Any]) -> Part:
        return Part(int(row["partNumber"]), bare(row["etag"]), int(row["size"]))

    url, query = place.of(upload.key), {"uploadId": upload.id}
    return _pages(
        lambda given: requests.send("ListMultipartUploadParts", upload.key, Effect.READ, given), query, read, url
    )


def uploads(requests: Requests, place: Address, prefix: str) -> Iterator[Upload]:
    """ListMultipartUploads, those whose key begins with *prefix*."""

    def read(row: Mapping[str, Any]) -> tuple[str | None, str]:
        return place.relative(row["object"]), str(row["uploadId"])

    pages = _pages(lambda given: requests.send("ListMultipartUploads", None, Effect.READ, given), {}, read, place.url)
    for key, upload in pages:
        if key is not None and key.startswith(prefix):
            yield Upload(key, upload)


def _rows(page: object, place: Address) -> list[Any]:
    rows = page.get("objects") if isinstance(page, dict) else None
    if not isinstance(rows, list):
        raise StoreUnavailable(f"{place.url}: the answer is no listing: check endpoint and proxy")
    return rows


def _key(entry: object, place: Address, prefix: str, last: str) -> str:
    """The key of an entry that was asked for and comes after *last*. Raises StoreUnavailable."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise StoreUnavailable(f"{place.url}: an entry without a name: check endpoint and proxy")
    key = place.relative(entry["name"])
    if key is None or not key.startswith(prefix):
        raise StoreUnavailable(f"{place.url}: {entry['name']!a} is listed and was not asked for")
    if key.encode() <= last.encode() and (last or not key):
        raise StoreUnavailable(f"{place.url} lists {key!a} after {last!a}: try again later")
    return key


def _pages(
    ask: Callable[[Given], Answer], query: Mapping[str, str], read: Callable[[Mapping[str, Any]], Row], url: str
) -> Iterator[Row]:
    """The rows of all pages of a listing, each as *read* makes it."""
    for rows in pages(lambda page: ask(Given({**query, "limit": str(_PAGE), "page": page})), url):
        if not isinstance(rows, list):
            raise StoreUnavailable(f"{url}: the answer is no list: check endpoint and proxy")
        with whole(url):
            items = [read(row) for row in rows]
        yield from items
