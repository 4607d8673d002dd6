"""How objects look in OBS's requests and answers: headers, metadata, listings. Pure; knows no SDK.

Sources: OBS API reference, PutObject, GetObject, ListObjects; SDK guides, "user metadata": header values are ASCII,
clients URL-encode what is not, the server stores what it is sent and decodes nothing.
"""

import re
import string
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, unquote_to_bytes, urlencode

from bucketrelay.http.dates import http_date
from bucketrelay.model import Meta, ObjectInfo

# What OBS itself gives an object that is written without a type. Sent in so many words, because without it the SDK
# guesses one from the key's extension.
DEFAULT_TYPE = "binary/octet-stream"
_HEADERS = {
    "content_encoding": "Content-Encoding",
    "content_language": "Content-Language",
    "content_disposition": "Content-Disposition",
    "cache_control": "Cache-Control",
    "expires": "Expires",
}
_PREFIXES = ("x-obs-", "x-amz-")  # the second is what a server answers to a client that signs the S3 way
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_TOKEN = string.ascii_letters + string.digits + "!#$&'*+-.^_`|~"
_S3_WORDS = {"WARM": "STANDARD_IA", "COLD": "GLACIER"}  # classes in the S3 dialect, as the SDK says them
# API reference, PutObjectTagging: what neither a name nor a value may hold.
TAG_TEXT = r"[^,/|<>=*\\\x00-\x1f]*"
_NUMBER = re.compile(r"[0-9]{1,19}")  # "²" is a digit to Python, too, and of 4,301 digits int() makes nothing
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing, with keys as the bucket knows them."""

    entries: tuple[ObjectInfo, ...]
    next: str  # the marker of the next page; "" if this is the last


def headers_for(meta: Meta, prefix: str) -> dict[str, str]:
    """The headers that carry *meta*, but for Content-Type; *prefix* is `x-obs-` or `x-amz-`."""
    given = {wire: str(getattr(meta, name)) for name, wire in _HEADERS.items()}
    headers = {name: printable(value) for name, value in given.items() if value}
    for name, value in meta.user.items():
        headers[f"{prefix}meta-{quote(name.lower(), safe=_TOKEN)}"] = _encoded(value)
    if meta.tags:
        headers[f"{prefix}tagging"] = urlencode(meta.tags, quote_via=quote)
    if word := meta.storage_class:
        headers[f"{prefix}storage-class"] = word if prefix == "x-obs-" else _S3_WORDS.get(word, word)
    return headers


def placed(prefix: str, *, acl: str, sse: str, kms_key: str) -> dict[str, str]:
    """The headers of how to keep what is written: canned ACL and encryption (`kms` or `AES256`), in either dialect."""
    native = prefix == "x-obs-"
    key = "kms-key-id" if native else "aws-kms-key-id"
    headers = {
        f"{prefix}acl": acl,
        f"{prefix}server-side-encryption": "aws:kms" if sse == "kms" and not native else sse,
        f"{prefix}server-side-encryption-{key}": kms_key,
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


def bare(etag: str | None) -> str:
    """Without quotes: the SDK hands them on in some answers and not in others."""
    return (etag or "").strip('"')


def total(headers: Mapping[str, str]) -> int | None:
    """The size of the whole object; None if the answer does not say."""
    text = headers.get("content-range", "").rpartition("/")[2] or headers.get("content-length", "")
    return int(text) if _NUMBER.fullmatch(text) else None


def first(headers: Mapping[str, str]) -> int:
    """Where the answer's body begins in the object."""
    found = re.match(r"bytes ([0-9]{1,19})-", headers.get("content-range", ""))
    return int(found[1]) if found else 0


def page_of(xml: str, _headers: object = None) -> Page:
    """A listing, parsed instead of by the SDK.

    The SDK's own parser turns times into local ones, off by an hour in summer, and sees an empty bucket where a server
    answers an error under status 200.

    Raises:
        ValueError: it is no listing.
    """
    tree = _tree(xml)
    if tree.tag != "ListBucketResult" or tree.find("IsTruncated") is None:
        raise ValueError(f"not a listing: <{tree.tag}>")
    encoded = tree.findtext("EncodingType") == "url"
    entries = tuple(_entry(node, encoded=encoded) for node in tree.iter("Contents"))
    if (tree.findtext("IsTruncated") or "").lower() != "true":
        return Page(entries, "")
    # S3-style servers name no next marker unless a delimiter was given.
    marker = _text(tree, "NextMarker", encoded=encoded) or (entries[-1].key if entries else "")
    if not marker:
        raise ValueError("a cut listing without an end")
    return Page(entries, marker)


def tags_of(xml: str, _headers: object = None) -> dict[str, str]:
    """An object's tags. Raises ValueError if it is something else, which the SDK takes for no tags at all."""
    tree = _tree(xml)
    if tree.tag != "Tagging":
        raise ValueError(f"no tags: <{tree.tag}>")
    return {tag.findtext("Key") or "": tag.findtext("Value") or "" for tag in tree.iter("Tag")}


def _tree(xml: str) -> ET.Element:
    """The document's root without namespaces. Raises ValueError."""
    try:
        # The text comes from the bucket's own server, over verified TLS; expat itself bounds entity expansion.
        tree = ET.fromstring(xml)  # noqa: S314 - see above
    except ET.ParseError as error:  # which is a SyntaxError
        raise ValueError(f"not XML: {error}") from error
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    return tree


def _entry(node: ET.Element, *, encoded: bool) -> ObjectInfo:
    if not _NUMBER.fullmatch(size := node.findtext("Size") or ""):
        raise ValueError(f"a size that is none: {size[:60]!r}")
    return ObjectInfo(
        key=_text(node, "Key", encoded=encoded),
        size=int(size),
        etag=bare(node.findtext("ETag")),
        modified=_iso(node.findtext("LastModified") or ""),
    )


def _text(node: ET.Element, name: str, *, encoded: bool) -> str:
    text = node.findtext(name) or ""
    # Strictly: U+FFFD for bytes that are no UTF-8 would be another key, and a delete would follow it.
    return unquote_plus(text, errors="strict") if encoded else text


def _meta(headers: Mapping[str, str]) -> Meta:
    count = own(headers, "tagging-count")
    found: dict[str, Any] = {name: headers.get(wire.lower(), "") for name, wire in _HEADERS.items()}
    return Meta(
        content_type=headers.get("content-type", ""),
        **found,
        user=MappingProxyType(_user(headers)),
        storage_class=own(headers, "storage-class"),
        tag_count=int(count) if _NUMBER.fullmatch(count) else 0,
    )


def _user(headers: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for header, value in headers.items():
        for prefix in _PREFIXES:
            if header.startswith(f"{prefix}meta-"):
                found[unquote(header.removeprefix(f"{prefix}meta-")).lower()] = _decoded(value)
    return found


def _encoded(value: str) -> str:
    """As the SDK does it, so that its users read the text; blanks at the ends as well, which HTTP would strip."""
    text = quote(value, safe=_PRINTABLE.replace("%", ""), errors="surrogatepass")
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    return "%20" * before + inner + "%20" * (len(text) - len(inner) - before if inner else 0)


def _decoded(value: str) -> str:
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


def _iso(text: str) -> datetime | None:
    # Python 3.10 reads three or six digits of a second and no others; S3-style servers send up to nine.
    whole = re.sub(r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), text).replace("Z", "+00:00")
    try:
        found = datetime.fromisoformat(whole)
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
