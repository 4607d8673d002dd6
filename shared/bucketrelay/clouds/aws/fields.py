"""How objects look in S3's headers: metadata, versions, ranges, checksums. Pure.

Sources: API pages PutObject, GetObject, HeadObject; "Working with object metadata" (2 KB, ASCII, RFC 2047) of the
Amazon S3 user guide.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from urllib.parse import quote, urlencode

from bucketrelay.clouds.aws.facts import ABILITIES
from bucketrelay.clouds.undeclared import withheld
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.http.headers import decode_word, encode_word, lasting
from bucketrelay.model import Meta, ObjectInfo

_HEADERS = {
    "content_type": "content-type",
    "content_encoding": "content-encoding",
    "content_language": "content-language",
    "content_disposition": "content-disposition",
    "cache_control": "cache-control",
    "expires": "expires",
}
_META = "x-amz-meta-"
_SUM = "x-amz-checksum-"
_SUMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: what a header's name is made of
_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")
_MD5 = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z")


def full_key(prefix: str, key: str, url: str) -> str:
    """The key as the server knows it. Raises StoreRefused where no server would take it."""
    full = prefix + key
    try:
        size = len(full) if full.isascii() else len(full.encode())
    except UnicodeEncodeError as error:
        raise StoreRefused(f"{url!a}: the key is not unicode text: rename the object") from error
    if not 0 < size <= ABILITIES.key_bytes:
        raise StoreRefused(f"{url}: a key has 1 to 1,024 bytes of UTF-8, not {size}: rename the object")
    return full


def headers_of(meta: Meta, url: str) -> dict[str, str]:
    """*meta* as headers of PutObject, CopyObject and CreateMultipartUpload; the class is in this store's words."""
    wanted = {wire: value for name, wire in _HEADERS.items() if (value := getattr(meta, name))}
    if "content-encoding" in wanted:
        wanted["content-encoding"] = lasting(wanted["content-encoding"])
        if not wanted["content-encoding"]:
            del wanted["content-encoding"]
    for wire, value in wanted.items():
        if not (value.isascii() and value.isprintable()):
            raise StoreRefused(
                f"{url}: {wire} {value!a} is not printable ASCII, which S3 headers must be: mend the object"
            )
    for name, value in meta.user.items():
        wanted[_META + _name(name, url)] = encode_word(value)
    if meta.tags:
        wanted["x-amz-tagging"] = urlencode(meta.tags, quote_via=quote)
    if meta.storage_class:
        wanted["x-amz-storage-class"] = meta.storage_class
    return wanted


def _name(name: str, url: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise StoreRefused(f"{url}: metadata cannot be named {name!a}: a name is one HTTP token")
    return name.lower()


def bare(etag: str) -> str:
    """An ETag without its quotes."""
    return etag.removeprefix("W/").strip('"')


def quote_etag(etag: str) -> str:
    """An ETag as conditions want it."""
    return f'"{etag}"'


def range_of(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """First byte, count and size of the whole object, where the answer says; None where it is the whole object."""
    written = headers.get("content-range")
    match = _RANGE.fullmatch(written) if written else None
    if not match:
        return None
    first, last, size = map(int, match.groups())
    return first, last - first + 1, size


def info_of(key: str, headers: Mapping[str, str], *, url: str = "", digest: bool = False) -> ObjectInfo:
    """The version that an answer to HeadObject or GetObject describes.

    Args:
        digest: the server is AWS's, where a plain ETag is the content's MD5 unless KMS or a customer's key encrypts it.
    """
    part = range_of(headers)
    etag, length = bare(headers.get("etag", "")), headers.get("content-length", "")
    known = length.isascii() and length.isdigit() and len(length) < 20
    if (not etag and "last-modified" not in headers) or (part is None and not known):
        # A login page of a proxy, or another service on that port, also says 200.
        raise StoreUnavailable(
            f"{url or key}: the answer describes no object (no ETag, no length): check endpoint and proxy"
        )
    whole = part is None or part[1] == part[2]
    sums = checksums(headers) if whole else {}
    if digest and _MD5.fullmatch(etag) and _md5_etag(headers):
        sums["md5"] = etag
    modified = http_date(headers.get("last-modified"))
    size = part[2] if part else int(length)
    return ObjectInfo(key, size, etag, modified, version_of(headers), _meta(headers), MappingProxyType(sums))


def info_of_304(key: str, headers: Mapping[str, str]) -> ObjectInfo:
    """The version that a 304 speaks of; its size is unknown."""
    modified = http_date(headers.get("last-modified"))
    return ObjectInfo(key, -1, bare(headers.get("etag", "")), modified, version_of(headers))


def same_version(now: ObjectInfo, info: ObjectInfo) -> bool:
    """Whether an answer speaks of the version *info*; by time, to the second, where a server has no ETags."""
    if now.size != info.size or (info.version and now.version != info.version):
        return False
    if info.etag and now.etag:
        return now.etag == info.etag
    if info.modified is None or now.modified is None:
        return False
    return now.modified.replace(microsecond=0) == info.modified.replace(microsecond=0)


def version_of(headers: Mapping[str, str]) -> str:
    """The version id, "" on buckets that never had versions."""
    version = headers.get("x-amz-version-id", "")
    return "" if version == "null" else version


def checksums(headers: Mapping[str, str]) -> dict[str, str]:
    """Checksums of the whole object; those made of the parts' checksums depend on the cut and are of no use."""
    if headers.get("x-amz-checksum-type") != "FULL_OBJECT":
        return {}
    return {name: headers[_SUM + name] for name in _SUMS if _SUM + name in headers}


def listed_time(text: str) -> datetime | None:
    """A time in a document: `2026-11-21T09:15:00.000Z`, with any number of decimals; None where it is none."""
    match = _TIME.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction = int((match[7] or "0").ljust(6, "0")[:6])
    try:
        return datetime(year, month, day, hour, minute, second, fraction, tzinfo=timezone.utc)
    except ValueError:
        return None


def _md5_etag(headers: Mapping[str, str]) -> bool:
    plain = headers.get("x-amz-server-side-encryption", "AES256") == "AES256"
    return plain and "x-amz-server-side-encryption-customer-algorithm" not in headers


def _meta(headers: Mapping[str, str]) -> Meta:
    told = headers.get
    user = {name[len(_META) :]: decode_word(headers[name]) for name in headers if name.startswith(_META)}
    count = told("x-amz-tagging-count", "")
    return Meta(
        content_type=decode_word(told("content-type", "")),
        content_encoding=lasting(decode_word(told("content-encoding", ""))),
        content_language=decode_word(told("content-language", "")),
        content_disposition=decode_word(told("content-disposition", "")),
        cache_control=decode_word(told("cache-control", "")),
        expires=told("expires", ""),  # as it came: "0" and "-1" are usual, and no dates
        user=MappingProxyType(user),
        storage_class=told("x-amz-storage-class", ""),
        withheld=withheld(headers),
        tags_told=bool(count),
        tag_count=int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0,
    )
