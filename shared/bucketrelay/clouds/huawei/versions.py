"""The versions of a bucket's keys, as OBS lists them (API reference, ListObjects with `versions`); a version's tags."""

import hashlib
from binascii import b2a_base64
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from bucketrelay.abilities import Version
from bucketrelay.clouds.documents import Document
from bucketrelay.clouds.huawei.fields import bare, object_of
from bucketrelay.clouds.huawei.listings import ENCODED, PAGE, Page, listing, moment_of, number_of, pages, plain
from bucketrelay.clouds.huawei.requests import Given, Requests
from bucketrelay.clouds.versions import by_age, in_order
from bucketrelay.errors import ObjectGone
from bucketrelay.http.outcome import Effect, Unsaid
from bucketrelay.model import Address, ObjectInfo
from bucketrelay.values import replace

_UNVERSIONED = "null"  # how OBS calls the version of a bucket that keeps none


def versions(requests: Requests, address: Address, prefix: str, after: str) -> Iterator[Version]:
    """ListVersions."""
    full, key = address.prefix + prefix, address.prefix + after if after else ""
    query = {"max-keys": PAGE, "versions": None, **ENCODED}
    query |= {name: value for name, value in (("prefix", full), ("key-marker", key)) if value}
    rows = pages(requests, address, "ListVersions", query, versions_of)
    return in_order(_within(rows, address.prefix), address.url, prefix, after)


def versions_of(body: bytes, bucket: str, url: str) -> Page[Version]:
    """A page of versions and delete markers, with both markers of the next one: it goes on within a key.

    Raises:
        StoreUnavailable: it is no such page.
    """
    page = listing(body, "ListVersionsResult", "Name", bucket, url)
    encoded = page.text("EncodingType") == "url"
    rows = [
        _version(row, page, encoded=encoded, marker=name == "DeleteMarker")
        for name, row in page.rows_in_order("Version", "DeleteMarker")
    ]
    if not page.truncated():
        return Page(tuple(sorted(rows, key=by_age)))
    key, version = plain(page.require("NextKeyMarker"), page, encoded=encoded), page.text("NextVersionIdMarker")
    following = {"key-marker": key} | ({"version-id-marker": version} if version else {})
    return Page(tuple(sorted(rows, key=by_age)), following, (key.encode(),))


def _version(row: Mapping[str, str], page: Document, *, encoded: bool, marker: bool = False) -> Version:
    if not (version := row.get("VersionId", "")):
        raise page.error("with a version that has no id")
    return Version(
        key=plain(row.get("Key", ""), page, encoded=encoded),
        version="" if version == _UNVERSIONED else version,
        latest=row.get("IsLatest", "").strip().lower() == "true",
        marker=marker,
        etag=bare(row.get("ETag")),
        size=0 if marker else number_of(row.get("Size", ""), page),
        modified=moment_of(row.get("LastModified", "")),
    )


def look_version(requests: Requests, version: Version, url: str) -> ObjectInfo:
    """HEAD of one version. Raises ObjectGone."""
    query = {"versionId": version.version} if version.version else {}
    try:
        answer = requests.send("HeadObject", version.key, Effect.READ, Given(query))
    except Unsaid as error:  # nobody removes anything for it: it was listed a moment ago, so look again
        raise ObjectGone(f"{url}: its version {version.version} is no longer there") from error
    return object_of(version.key, answer.headers, url)


def set_tags(requests: Requests, info: ObjectInfo, tags: Mapping[str, str]) -> None:
    """PutObjectTagging, which replaces all."""
    rows = (f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>" for name, value in tags.items())
    body = f"<Tagging><TagSet>{''.join(rows)}</TagSet></Tagging>".encode()
    md5 = b2a_base64(hashlib.md5(body, usedforsecurity=False).digest(), newline=False).decode()
    headers = {"content-type": "application/xml", "content-md5": md5}
    query = {"tagging": None, **({"versionId": info.version} if info.version else {})}
    requests.send("PutObjectTagging", info.key, Effect.REPEATABLE_WRITE, Given(query, headers, body))


def _within(versions: Iterator[Version], prefix: str) -> Iterator[Version]:
    """Of the bucket's, those below a store's prefix, by the names that the store has for them."""
    for version in versions:
        if version.key.startswith(prefix):
            yield replace(version, key=version.key[len(prefix) :])
