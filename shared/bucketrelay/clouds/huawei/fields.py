"""How objects look in OBS's requests and answers: headers and metadata. Pure.

Sources: OBS API reference, PutObject, GetObject; SDK guides, "user metadata": header values are ASCII,
clients URL-encode what is not, the server stores what it is sent and decodes nothing.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes, urlencode

from bucketrelay.clouds.undeclared import withheld
from bucketrelay.errors import OutcomeUnknown, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.http.headers import lasting
from bucketrelay.model import NOTHING, Meta, ObjectInfo
from bucketrelay.store import Written
from bucketrelay.values import dataclass, field

# What OBS itself gives an object that is written without a type; servers like it give others.
DEFAULT_TYPE = "binary/octet-stream"
_HEADERS = {
    "content_encoding": "content-encoding",
    "content_language": "content-language",
    "content_disposition": "content-disposition",
    "cache_control": "cache-control",
    "expires": "expires",
}
_PREFIXES = ("x-obs-", "x-amz-")  # the second is what a server answers to a client that signs the S3 way
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&'*+-.^_`|~"
_S3_WORDS = {"WARM": "STANDARD_IA", "COLD": "GLACIER"}  # classes in the S3 dialect
_NUMBER = re.compile(r"[0-9]{1,19}")  # "²" is a digit to Python, too, and of 4,301 digits int() makes nothing
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Keeping:
    """How what is written is kept.

    Attributes:
        storage_classes: other stores' classes and the class here that each becomes, beside the usual ones.
        acl: a canned ACL, e.g. `bucket-owner-full-control` for a bucket of another account.
        sse: `kms` or `AES256`; with *kms_key*, "" for the bucket's or the account's default key.
    """

    storage_classes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    acl: str = ""
    sse: str = ""
    kms_key: str = ""


def keeping_of(settings: Mapping[str, Any]) -> Keeping:
    """What a store's settings say of it, named as in the configuration."""
    return Keeping(**{name: settings[name] for name in Keeping.__slots__ if name in settings})


def headers_for(meta: Meta, prefix: str) -> dict[str, str]:
    """The headers that carry *meta*; *prefix* is `x-obs-` or `x-amz-`."""
    given = {wire: str(getattr(meta, name)) for name, wire in _HEADERS.items()}
    headers = {"content-type": printable(meta.content_type) or DEFAULT_TYPE}
    given["content-encoding"] = lasting(given["content-encoding"])
    headers |= {name: printable(value) for name, value in given.items() if value}
    for name, value in meta.user.items():
        headers[f"{prefix}meta-{quote(name.lower(), safe=_LETTERS)}"] = _encode(value)
    if meta.tags:
        headers[f"{prefix}tagging"] = urlencode(meta.tags, quote_via=quote)
    if word := meta.storage_class:
        headers[f"{prefix}storage-class"] = word if prefix == "x-obs-" else _S3_WORDS.get(word, word)
    return headers


def keeping_headers(keeping: Keeping, prefix: str) -> dict[str, str]:
    """The headers of how to keep what is written, but for its class, in either dialect."""
    native = prefix == "x-obs-"
    key = "kms-key-id" if native else "aws-kms-key-id"
    headers = {
        f"{prefix}acl": keeping.acl,
        f"{prefix}server-side-encryption": "aws:kms" if keeping.sse == "kms" and not native else keeping.sse,
        f"{prefix}server-side-encryption-{key}": keeping.kms_key,
    }
    return {name: value for name, value in headers.items() if value}


def printable(value: str) -> str:
    """A content header as Huawei's own clients send it: what is not printable ASCII is percent-encoded."""
    return quote(value, safe=_PRINTABLE, errors="surrogatepass")


def info_of(key: str, headers: Mapping[str, str], size: int) -> ObjectInfo:
    """The object that an answer's raw headers (names in lower case) describe."""
    etag = bare(headers.get("etag", ""))
    return ObjectInfo(
        key=key,
        size=size,
        etag=etag,
        modified=http_date(headers.get("last-modified")),
        version="" if (version := own(headers, "version-id")) == "null" else version,
        meta=_meta(headers),
        checksums=_checksums(etag, headers),
    )


def object_of(key: str, headers: Mapping[str, str], url: str) -> ObjectInfo:
    """The object that an answer with its bytes, or to HEAD, describes. Raises StoreUnavailable where it is none."""
    if not headers.get("etag"):
        raise StoreUnavailable(f"{url}: an answer without an ETag is no object: check endpoint and proxy")
    if (size := total(headers)) is None:
        raise StoreUnavailable(f"{url}: an answer without a length: try again later")
    return info_of(key, headers, size)


def parse_write(etag: str | None, headers: Mapping[str, str], url: str) -> Written:
    """What a write was answered. Raises OutcomeUnknown: an answer without an ETag is none, whatever its status."""
    if not (known := bare(etag)):
        raise OutcomeUnknown(f"{url}: an answer without an ETag to a write: look before believing either")
    version = own(headers, "version-id")
    return Written(known, "" if version == "null" else version)


def bare(etag: str | None) -> str:
    """Without quotes: listings have them in some dialects and not in others."""
    return (etag or "").strip('"')


def total(headers: Mapping[str, str]) -> int | None:
    """The size of the whole object; None if the answer does not say."""
    text = headers.get("content-range", "").rpartition("/")[2] or headers.get("content-length", "")
    return int(text) if _NUMBER.fullmatch(text) else None


def _meta(headers: Mapping[str, str]) -> Meta:
    count = own(headers, "tagging-count")
    values: dict[str, Any] = {name: headers.get(wire, "") for name, wire in _HEADERS.items()}
    values["content_encoding"] = lasting(values["content_encoding"])
    return Meta(
        content_type=headers.get("content-type", ""),
        **values,
        user=MappingProxyType(_user(headers)),
        storage_class=own(headers, "storage-class"),
        withheld=withheld(headers),
        tags_told=bool(count),
        tag_count=int(count) if _NUMBER.fullmatch(count) else 0,
    )


def _user(headers: Mapping[str, str]) -> dict[str, str]:
    user = {}
    for header, value in headers.items():
        for prefix in _PREFIXES:
            if header.startswith(f"{prefix}meta-"):
                user[unquote(header.removeprefix(f"{prefix}meta-")).lower()] = _decode(value)
    return user


def _encode(value: str) -> str:
    """As Huawei's SDKs do it, so that their users read the text; blanks at the ends too, which HTTP would strip."""
    text = quote(value, safe=_PRINTABLE.replace("%", ""), errors="surrogatepass")
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    return "%20" * before + inner + "%20" * (len(text) - len(inner) - before if inner else 0)


def _decode(value: str) -> str:
    """The text of a value; one that somebody stored in another encoding comes as Latin-1, as HTTP has it."""
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode("utf-8", "surrogatepass")
    except UnicodeError:
        return value


def own(headers: Mapping[str, str], name: str) -> str:
    """A header of the service's own, under either prefix; "" if there is none."""
    return next((headers[prefix + name] for prefix in _PREFIXES if prefix + name in headers), "")


def _checksums(etag: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    """A plain object's ETag is its MD5, unless the server encrypts it."""
    sealed = any(own(headers, f"server-side-encryption{kind}") for kind in ("", "-customer-algorithm"))
    return MappingProxyType({} if sealed or not _MD5.fullmatch(etag) else {"md5": etag})
