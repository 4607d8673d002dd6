"""How objects look in S3's requests and answers: metadata, versions, ranges. Pure.

Sources: API pages PutObject, GetObject, HeadObject; "Working with object metadata" (2 KB, ASCII, RFC 2047) of the
Amazon S3 user guide.
"""

import base64
import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.model import Meta, ObjectInfo

KEY_BYTES = 1024
# Amazon S3 user guide, "Categorizing your objects using tags": letters, digits, blanks and these.
TAG_TEXT = r"[\w +\-=.:/@]*"
_HEADERS = {
    "content_type": "ContentType",
    "content_encoding": "ContentEncoding",
    "content_language": "ContentLanguage",
    "content_disposition": "ContentDisposition",
    "cache_control": "CacheControl",
    "expires": "Expires",
}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: what a header's name is made of
_WORDS = re.compile(r"=\?[\w-]+\?[bq]\?[^?]*\?=(\s+=\?[\w-]+\?[bq]\?[^?]*\?=)*", re.IGNORECASE)
_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")
_CHECKSUM = "Checksum"
_NO_SUMS = frozenset({"ChecksumType", "ChecksumMode", "ChecksumAlgorithm"})


def full_key(prefix: str, key: str, url: str) -> str:
    """The key as the server knows it. Raises StoreRefused where no server would take it."""
    full = prefix + key
    try:
        size = len(full.encode())
    except UnicodeEncodeError as error:
        raise StoreRefused(f"{url!a}: the key is not unicode text: rename the object") from error
    if not 0 < size <= KEY_BYTES:
        raise StoreRefused(f"{url}: a key has 1 to 1,024 bytes of UTF-8, not {size}: rename the object")
    return full


def headers_of(meta: Meta, url: str) -> dict[str, Any]:
    """*meta* as parameters of PutObject, CopyObject and CreateMultipartUpload; the class is in this store's words."""
    wanted = {wire: value for name, wire in _HEADERS.items() if (value := getattr(meta, name))}
    for wire, value in wanted.items():
        if not (value.isascii() and value.isprintable()):
            raise StoreRefused(
                f"{url}: {wire} {value!a} is not printable ASCII, which S3 headers must be: mend the object"
            )
    if meta.user:
        wanted["Metadata"] = {_name(name, url): worded(value) for name, value in meta.user.items()}
    if meta.tags:
        wanted["Tagging"] = urlencode(meta.tags, quote_via=quote)
    if meta.storage_class:
        wanted["StorageClass"] = meta.storage_class
    return wanted


def _name(name: str, url: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise StoreRefused(f"{url}: metadata cannot be named {name!a}: a name is one HTTP token")
    return name.lower()


def worded(value: str) -> str:
    """A metadata value as S3 itself shows it: printable ASCII verbatim, anything else as an RFC 2047 word."""
    plain = value.isascii() and (value.isprintable() or not value) and value == value.strip() and "=?" not in value
    try:
        return value if plain else f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="
    except UnicodeEncodeError as error:  # OBS can hold it
        said = f"metadata {value[:60]!a} has half of a surrogate pair, which no UTF-8 can say: mend the object"
        raise StoreRefused(said) from error


def unworded(value: str) -> str:
    """The other way round; a value that is no RFC 2047 word comes back as it is.

    http.client reads headers as Latin-1; servers that send raw UTF-8 (MinIO, rclone) mean UTF-8.
    """
    try:
        if not value.isascii():
            return value.encode("latin-1").decode()
        if _WORDS.fullmatch(value):
            read = "".join(
                part if isinstance(part, str) else part.decode(charset or "ascii")
                for part, charset in decode_header(value)
            )
            read.encode()  # UTF-7 and others can say half of a surrogate pair
            return read
    except (UnicodeError, LookupError, HeaderParseError):
        pass  # not what it looked like: verbatim
    return value


def bare(etag: str) -> str:
    """An ETag without its quotes."""
    return etag.removeprefix("W/").strip('"')


def quoted(etag: str) -> str:
    """An ETag as conditions want it."""
    return f'"{etag}"'


def range_of(answer: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """First byte, count and size of the whole object, where the answer says; None where it is the whole object."""
    found = _RANGE.fullmatch(answer.get("ContentRange", ""))
    if not found:
        return None
    first, last, size = map(int, found.groups())
    return first, last - first + 1, size


def info_of(key: str, answer: Mapping[str, Any], *, url: str = "", digest: bool = False) -> ObjectInfo:
    """The version that an answer to HeadObject or GetObject describes.

    Args:
        digest: the server is AWS's, where a plain ETag is the content's MD5 unless KMS or a customer's key encrypts it.
    """
    part = range_of(answer)
    etag = bare(answer.get("ETag", ""))
    if (not etag and "LastModified" not in answer) or (part is None and "ContentLength" not in answer):
        # A login page of a proxy, or another service on that port, also says 200.
        raise StoreUnavailable(
            f"{url or key}: the answer describes no object (no ETag, no length): check endpoint and proxy"
        )
    whole = part is None or part[1] == part[2]
    sums = _sums(answer) if whole else {}
    if digest and re.fullmatch("[0-9a-f]{32}", etag) and _md5_etag(answer):
        sums["md5"] = etag
    return ObjectInfo(
        key,
        part[2] if part else int(answer.get("ContentLength", 0)),
        etag,
        answer.get("LastModified"),
        version_of(answer),
        _meta(answer),
        MappingProxyType(sums),
    )


def unmodified(key: str, headers: Mapping[str, str]) -> ObjectInfo:
    """The version that a 304 speaks of; its size is unknown."""
    modified = http_date(headers.get("last-modified"))
    return ObjectInfo(key, -1, bare(headers.get("etag", "")), modified, headers.get("x-amz-version-id", ""))


def same_version(found: ObjectInfo, info: ObjectInfo) -> bool:
    """Whether an answer speaks of the version *info*; by time, to the second, where a server has no ETags."""
    if found.size != info.size or (info.version and found.version != info.version):
        return False
    if info.etag and found.etag:
        return found.etag == info.etag
    if info.modified is None or found.modified is None:
        return False
    return found.modified.replace(microsecond=0) == info.modified.replace(microsecond=0)


def version_of(answer: Mapping[str, Any]) -> str:
    """The version id, "" on buckets that never had versions."""
    version = str(answer.get("VersionId", ""))
    return "" if version == "null" else version


def _md5_etag(answer: Mapping[str, Any]) -> bool:
    return answer.get("ServerSideEncryption", "AES256") == "AES256" and "SSECustomerAlgorithm" not in answer


def _sums(answer: Mapping[str, Any]) -> dict[str, str]:
    """Checksums of the whole object; those made of the parts' checksums depend on the cut and are of no use."""
    if answer.get("ChecksumType") != "FULL_OBJECT":
        return {}
    return {
        name.removeprefix(_CHECKSUM).lower(): value
        for name, value in answer.items()
        if name.startswith(_CHECKSUM) and name not in _NO_SUMS
    }


def _meta(answer: Mapping[str, Any]) -> Meta:
    user = {name.lower(): unworded(value) for name, value in answer.get("Metadata", {}).items()}
    found: dict[str, Any] = {n: unworded(answer.get(wire, "")) for n, wire in _HEADERS.items() if n != "expires"}
    return Meta(
        **found,
        expires=answer.get("ExpiresString", ""),  # botocore's name for the raw text
        user=MappingProxyType(user),
        storage_class=answer.get("StorageClass", ""),
        tag_count=answer.get("TagCount", 0),
    )
