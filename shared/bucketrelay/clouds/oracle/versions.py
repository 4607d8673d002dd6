"""The versions of a bucket's keys, as ListObjectVersions tells them, and what HeadObject tells of one.

Which of a key's versions is the latest is not told, nor in which order they come: it is the one that was modified last,
and of two of one moment the one that is listed first.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

from bucketrelay.abilities import Version
from bucketrelay.clouds.oracle.fields import info_of, info_of_entry
from bucketrelay.clouds.oracle.requests import Requests, pages
from bucketrelay.clouds.oracle.service import Given
from bucketrelay.clouds.versions import by_age, in_order
from bucketrelay.errors import ObjectGone, StoreUnavailable
from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Effect, Unsaid
from bucketrelay.model import Address, ObjectInfo
from bucketrelay.values import replace

_FIELDS = "name,size,etag,md5,timeCreated,timeModified"
_PAGE = "1000"


def versions(requests: Requests, place: Address, prefix: str, after: str) -> Iterator[Version]:
    """ListObjectVersions: versions and delete markers, ascending by key, of one key the newest first.

    Raises:
        StoreRefused: the listing has no order.
        StoreUnavailable: a page is followed by itself, or is none.
    """
    rows = in_order(_rows(requests, place, prefix, after), place.url, prefix, after)
    for _, some in groupby(rows, key=lambda version: version.key):
        first, *rest = sorted(some, key=by_age)
        yield replace(first, latest=True)
        yield from rest


def _rows(requests: Requests, place: Address, prefix: str, after: str) -> Iterator[Version]:
    query = {"prefix": place.prefix + prefix, "startAfter": place.prefix + after if after else ""}

    def ask(page: str) -> Answer:
        given = Given({**query, "fields": _FIELDS, "limit": _PAGE, "page": page})
        return requests.send("ListObjectVersions", None, Effect.READ, given)

    for told in pages(ask, place.url):
        items = told.get("items") if isinstance(told, dict) else None
        if not isinstance(items, list):
            raise StoreUnavailable(f"{place.url}: the answer is no listing of versions: check endpoint and proxy")
        for item in items:
            if version := _version(item, place):
                yield version


def _version(item: object, place: Address) -> Version | None:
    """An entry, if it is in the store. Raises StoreUnavailable where it is none."""
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str) or not item.get("versionId"):
        raise StoreUnavailable(f"{place.url}: a version without a name or an id: check endpoint and proxy")
    key = place.relative(item["name"])
    if key is None:
        return None
    number, modified = str(item["versionId"]), _moment(item)
    if item.get("isDeleteMarker") is True:
        return Version(key, number, latest=False, marker=True, modified=modified)
    info = info_of_entry(item, key)
    return Version(key, number, latest=False, etag=info.etag, size=info.size, modified=modified)


def _moment(item: Mapping[str, Any]) -> datetime | None:
    """With its fractions, by which versions of one second are told apart."""
    text = str(item.get("timeModified") or item.get("timeCreated") or "")
    head, _, fraction = text.removesuffix("Z").removesuffix("+00:00").partition(".")
    try:
        return datetime.fromisoformat(f"{head}.{fraction[:6].ljust(6, '0')}").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def look_version(requests: Requests, version: Version, url: str) -> ObjectInfo:
    """HeadObject of one version. Raises ObjectGone."""
    try:
        answer = requests.send("HeadObject", version.key, Effect.READ, Given({"versionId": version.version}))
    except Unsaid as error:  # nobody removes anything for it: it was listed a moment ago, so look again
        raise ObjectGone(f"{url}: its version {version.version} is no longer there") from error
    return info_of(version.key, answer.headers, url=url)
