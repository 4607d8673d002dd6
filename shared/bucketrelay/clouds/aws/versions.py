"""The versions of a bucket's keys, as S3 lists them; and a version's own tags."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bucketrelay.clouds.aws.errors import Unsaid
from bucketrelay.clouds.aws.fields import bare, info_of
from bucketrelay.clouds.pages import whole
from bucketrelay.errors import ObjectGone, StoreRefused, StoreUnavailable
from bucketrelay.model import Address, ObjectInfo
from bucketrelay.store import Version

Call = Callable[[str, str, Mapping[str, Any]], Any]
_UNVERSIONED = "null"  # how S3 calls the version of a bucket that keeps none


def versions(call: Call, address: Address, prefix: str, after: str) -> Iterator[Version]:
    """ListObjectVersions, page by page: each goes on at a key *and* a version of it, or versions would be missed.

    Raises:
        StoreRefused: the listing has no order.
        StoreUnavailable: a page is followed by itself.
    """
    asked: dict[str, Any] = {"Prefix": address.prefix + prefix}
    if after:
        asked["KeyMarker"] = address.prefix + after
    last = after
    while True:
        page = call("list_object_versions", prefix, asked)
        with whole(address.url):
            found = sorted(_entries(page, address), key=_order)
        for version in found:
            if version.key.encode() < last.encode():
                raise StoreRefused(f"{address.url} lists {version.key!r} after {last!r}: its listings have no order")
            last = version.key
            if version.key.startswith(prefix) and not (after and version.key == after):
                yield version
        if not page.get("IsTruncated"):
            return
        going_on = {"KeyMarker": page.get("NextKeyMarker"), "VersionIdMarker": page.get("NextVersionIdMarker")}
        following = {**asked, **{name: value for name, value in going_on.items() if value}}
        if following == asked:
            raise StoreUnavailable(f"{address.url}: the versions do not go on past {last!r}: try again later")
        asked = following


def _order(version: Version) -> tuple[bytes, bool, float]:
    """Keys ascend; of one key the newest comes first, though versions and delete markers are two lists."""
    return version.key.encode(), not version.latest, -version.modified.timestamp() if version.modified else 0.0


def _entries(page: Mapping[str, Any], address: Address) -> Iterator[Version]:
    for marker, name in ((False, "Versions"), (True, "DeleteMarkers")):
        for entry in page.get(name, ()):
            key = address.relative(entry["Key"])
            if key is not None:
                yield _version(key, entry, marker=marker)


def _version(key: str, entry: Mapping[str, Any], *, marker: bool) -> Version:
    return Version(
        key=key,
        version="" if entry["VersionId"] == _UNVERSIONED else entry["VersionId"],
        latest=bool(entry["IsLatest"]),
        marker=marker,
        etag=bare(entry.get("ETag", "")),
        size=int(entry.get("Size", 0)),
        modified=entry.get("LastModified"),
    )


def look_version(call: Call, address: Address, full: str, version: Version) -> ObjectInfo:
    """HeadObject of one version."""
    named = {"VersionId": version.version} if version.version else {}
    try:
        answer = call("head_object", version.key, {"Key": full, **named})
    except Unsaid as error:  # nobody removes anything for it: it was listed a moment ago, so look again
        raise ObjectGone(f"{address.of(version.key)}: its version {version.version} is no longer there") from error
    return info_of(version.key, answer, url=address.of(version.key))


def set_tags(call: Call, full: str, info: ObjectInfo, tags: Mapping[str, str]) -> None:
    """PutObjectTagging, which replaces all."""
    named = {"VersionId": info.version} if info.version else {}
    tagging = {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
    call("put_object_tagging", info.key, {"Key": full, "Tagging": tagging, **named})
