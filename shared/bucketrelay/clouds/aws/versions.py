"""The versions of a bucket's keys, as S3 lists them; and a version's own tags."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from bucketrelay.abilities import Version
from bucketrelay.clouds.aws.answers import base64, tags_inside
from bucketrelay.clouds.aws.documents import children, tagging, texts
from bucketrelay.clouds.aws.fields import bare, info_of, listed_time
from bucketrelay.clouds.aws.requests import Given, Query, Requests
from bucketrelay.clouds.aws.rows import about, member, number, plain, truncated
from bucketrelay.clouds.versions import by_age, in_order
from bucketrelay.errors import ObjectGone, StoreUnavailable
from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Effect, Unsaid
from bucketrelay.model import Address, ObjectInfo

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_UNVERSIONED = "null"  # how S3 calls the version of a bucket that keeps none
_Page = tuple[list[Version], tuple[str, str] | None]  # the versions, and the markers of the next page


def versions(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[Version]:
    """ListObjectVersions, page by page: each goes on at a key *and* a version of it, or versions would be missed.

    Raises:
        StoreRefused: the listing has no order.
        StoreUnavailable: a page is followed by itself, or is not whole.
    """
    return in_order(_rows(requests, address, prefix, after), address.url, prefix, after)


def _rows(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[Version]:
    marker = (address.prefix + after if after else "", "")
    while True:
        query: list[tuple[str, str | None]] = [("encoding-type", "url")]
        query += [(name, told) for name, told in zip(("key-marker", "version-id-marker"), marker, strict=True) if told]
        query += [("prefix", address.prefix + prefix), ("versions", None)]
        query.sort(key=lambda pair: pair[0])
        read = partial(_page, address)
        page, following = requests.document("ListObjectVersions", None, Effect.READ, "ListVersions", read, Given(query))
        yield from page
        if following is None:
            return
        if following == marker:
            raise StoreUnavailable(f"{address.url}: the versions do not go on past {marker[0]!r}: try again later")
        marker = following


def _page(address: Address, root: "Element", _: Answer) -> _Page:
    fields = about(texts(root), "Name", address.bucket)
    rows = sorted(_entries(root, address, fields), key=by_age)
    if not truncated(fields):
        return rows, None
    return rows, (plain(member(fields, "NextKeyMarker"), fields), fields.get("NextVersionIdMarker", ""))


def _entries(root: "Element", address: Address, fields: Mapping[str, str]) -> Iterator[Version]:
    for marker, name in ((False, "Version"), (True, "DeleteMarker")):
        for entry in children(root, name):
            told = texts(entry)
            key = address.relative(plain(member(told, "Key"), fields))
            if key is not None:
                yield _version(key, told, marker=marker)


def _version(key: str, told: Mapping[str, str], *, marker: bool) -> Version:
    version = member(told, "VersionId")
    return Version(
        key=key,
        version="" if version == _UNVERSIONED else version,
        latest=member(told, "IsLatest").strip().lower() == "true",
        marker=marker,
        etag=bare(told.get("ETag", "")),
        size=0 if marker else number(told, "Size"),
        modified=listed_time(told.get("LastModified", "")),
    )


def look_version(requests: Requests, version: Version, url: str) -> ObjectInfo:
    """HeadObject of one version."""
    query: Query = [("versionId", version.version)] if version.version else []
    try:
        answer = requests.send("HeadObject", version.key, Effect.READ, Given(query))
    except Unsaid as error:  # nobody removes anything for it: it was listed a moment ago, so look again
        raise ObjectGone(f"{url}: its version {version.version} is no longer there") from error
    return info_of(version.key, answer.headers, url=url)


def tags(requests: Requests, info: ObjectInfo) -> Mapping[str, str]:
    """GetObjectTagging: of the version where there is one to name, else of what is there now."""
    query = _tagging_of(info)
    return requests.document("GetObjectTagging", info.key, Effect.READ, "Tagging", tags_inside, Given(query))


def set_tags(requests: Requests, info: ObjectInfo, tags: Mapping[str, str]) -> None:
    """PutObjectTagging, which replaces all."""
    query, body = _tagging_of(info), tagging(tags)
    # Which AWS demands of this call; all others know it.
    summed = {"content-md5": base64(hashlib.md5(body, usedforsecurity=False).digest())}
    requests.send("PutObjectTagging", info.key, Effect.PUBLISHING_WRITE, Given(query, summed, body))


def _tagging_of(info: ObjectInfo) -> Query:
    return [("tagging", None), *([("versionId", info.version)] if info.version else [])]
