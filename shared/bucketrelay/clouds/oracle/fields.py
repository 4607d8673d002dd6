"""How objects look in Object Storage's requests and answers: names, metadata, versions, ranges. Pure.

Sources: the SDK 2.189 (docstrings of put_object, get_object, list_objects, create_multipart_upload) and Oracle's page
"Object Storage Objects" (names: 1 to 1024 bytes of UTF-8 without NUL, line feed and carriage return).
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

from bucketrelay.clouds.oracle.facts import ABILITIES, STORAGE_CLASSES
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.http.headers import decode_word, encode_word, lasting
from bucketrelay.model import NOTHING, Meta, ObjectInfo

PREFIX = "opc-meta-"
# What the service itself calls an object that was put without a type.
UNTYPED = "application/octet-stream"
_HEADERS = ("content_type", "content_encoding", "content_language", "content_disposition", "cache_control")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: what a header's name is made of
_NUMBER = re.compile(r"[0-9]{1,19}")  # of 4,301 digits int() makes nothing
_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")


def full_key(prefix: str, key: str, url: str) -> str:
    """The key as the service knows it. Raises StoreRefused where it cannot be asked for."""
    full = prefix + key
    try:
        size = len(full.encode())
    except UnicodeEncodeError as error:
        raise StoreRefused(f"{url!a}: the key is not unicode text: rename the object") from error
    if not 0 < size <= ABILITIES.key_bytes:
        raise StoreRefused(f"{url}: a key has 1 to 1,024 bytes of UTF-8, not {size}: rename the object")
    if re.search(r"[\0\r\n]", full):
        raise StoreRefused(f"{url!a}: Object Storage takes no NUL and no line break in a name: rename the object")
    if full in (".", ".."):
        # A proxy on the way may take DELETE /n/…/b/BUCKET/o/%2E%2E for the bucket itself (RFC 3986, 6.2.2).
        raise StoreRefused(f"{url}: an object of that name cannot be asked for safely: rename it, or add a prefix")
    return full


def headers_of(meta: Meta, url: str) -> dict[str, str]:
    """*meta* as headers of PutObject. An object without a type becomes application/octet-stream."""
    wanted = {"content-type": UNTYPED}
    wanted |= {name.replace("_", "-"): _latin(value) for name, value in _content(meta, url).items()}
    wanted |= {PREFIX + _name(name, url): encode_word(value) for name, value in meta.user.items()}
    if meta.storage_class:
        wanted["storage-tier"] = _tier(meta, url)
    return wanted


def details_of(full: str, meta: Meta, url: str) -> dict[str, Any]:
    """*meta* as the JSON of CreateMultipartUpload, where metadata names carry their prefix."""
    content = {"content_type": UNTYPED, **_content(meta, url)}
    wanted: dict[str, Any] = {"object": full}
    wanted |= {re.sub("_(.)", lambda m: m[1].upper(), name): value for name, value in content.items()}
    if meta.user:
        wanted["metadata"] = {PREFIX + _name(name, url): encode_word(value) for name, value in meta.user.items()}
    if meta.storage_class:
        wanted["storageTier"] = _tier(meta, url)
    return wanted


def bare(etag: str) -> str:
    """An ETag without quotes; the service sends none."""
    return etag.removeprefix("W/").strip('"')


def range_of(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """First byte, count and size of the whole object, where the answer says; None where it is the whole object."""
    match = _RANGE.fullmatch(headers.get("content-range", ""))
    if not match:
        return None
    first, last, size = map(int, match.groups())
    return first, last - first + 1, size


def info_of(key: str, headers: Mapping[str, str], *, url: str = "") -> ObjectInfo:
    """The version that an answer to HEAD or GET describes.

    `version` stays empty: listings and 304s do not tell it, and an ETag names one write anyway.
    """
    part = range_of(headers)
    if not headers.get("etag") or (part is None and not _NUMBER.fullmatch(headers.get("content-length", ""))):
        # A gateway's page also says 200: it must not be published as the object.
        raise StoreUnavailable(
            f"{url or key}: the answer describes no object (no ETag, no length): check endpoint and proxy"
        )
    # Whether a ranged answer's content-md5 is of the object or of the range is not documented.
    sums = md5_of(headers.get("content-md5", "")) if part is None or part[1] == part[2] else NOTHING
    size = part[2] if part else int(headers["content-length"])
    return ObjectInfo(
        key, size, bare(headers.get("etag", "")), http_date(headers.get("last-modified")), "", _meta(headers), sums
    )


def info_of_entry(entry: Mapping[str, Any], key: str) -> ObjectInfo:
    """One entry of a listing. Its time is cut to whole seconds: HEAD tells no more.

    Raises:
        StoreUnavailable: it has no size.
    """
    size = entry.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 63:
        raise StoreUnavailable(f"{key!a} is listed without a size: check endpoint and proxy")
    etag, sums = bare(str(entry.get("etag") or "")), md5_of(str(entry.get("md5") or ""))
    return ObjectInfo(key, size, etag, _whole_seconds(str(entry.get("timeModified") or "")[:19]), checksums=sums)


def _whole_seconds(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def md5_of(text: str) -> Mapping[str, str]:
    """{"md5": hex} of a base64 digest; nothing of `opc-multipart-md5`, which depends on the cut."""
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one; so is what is raised for letters above ASCII
        return NOTHING
    return MappingProxyType({"md5": digest.hex()}) if len(digest) == 16 else NOTHING


def same_content(one: Meta, other: Meta) -> bool:
    """Whether two objects have the same content headers, as far as Object Storage has them."""

    def content_of(meta: Meta) -> list[str]:
        values = {name: getattr(meta, name).strip() for name in _HEADERS}
        return [value or (UNTYPED if name == "content_type" else "") for name, value in values.items()]

    return content_of(one) == content_of(other)


def _tier(meta: Meta, url: str) -> str:
    if meta.storage_class not in STORAGE_CLASSES:
        known = ", ".join(sorted(STORAGE_CLASSES))
        raise StoreRefused(f"{url}: there is no storage tier {meta.storage_class!a}: known: {known}")
    return meta.storage_class


def _content(meta: Meta, url: str) -> dict[str, str]:
    values = {}
    for name in _HEADERS:
        value: str = getattr(meta, name).strip()
        value = lasting(value) if name == "content_encoding" else value
        if re.search(r"[\0-\x1f\x7f]", value):
            raise StoreRefused(f"{url}: {name} {value!a} has control characters, as no header may: mend the object")
        if value:
            values[name] = value
    return values


def _latin(value: str) -> str:
    """Headers are Latin-1 on the way: text above ASCII goes out as its UTF-8 bytes instead of an exception."""
    return value if value.isascii() else value.encode().decode("latin-1")


def _name(name: str, url: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise StoreRefused(f"{url}: metadata cannot be named {name!a}: a name is one HTTP token")
    return name.lower()


def _meta(headers: Mapping[str, str]) -> Meta:
    lower = {name.lower(): value for name, value in headers.items()}
    user = {name[len(PREFIX) :]: decode_word(value) for name, value in lower.items() if name.startswith(PREFIX)}
    content: dict[str, Any] = {name: decode_word(lower.get(name.replace("_", "-"), "")) for name in _HEADERS}
    content["content_encoding"] = lasting(content["content_encoding"])
    return Meta(**content, user=MappingProxyType(user), storage_class=lower.get("storage-tier", ""))
