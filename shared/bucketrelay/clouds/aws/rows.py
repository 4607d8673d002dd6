"""A page of ListObjectsV2 as rows. Pure.

Most pages are read by one pattern. It knows the shapes in which servers write an object, takes nothing that it does not
understand whole, and is several times as fast as a tree of elements, with which a comparison of two buckets spends most
of its time. What the pattern leaves of the page is read as XML; so is the whole page where anything unusual is in it: a
comment, an entity, a member that the pattern does not know. What is believed is the same either way.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from bucketrelay.clouds.aws.documents import NoDocument, children, read, texts
from bucketrelay.clouds.aws.fields import bare, listed_time
from bucketrelay.model import Listed
from bucketrelay.values import dataclass

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOT, _CONTENTS = "ListBucketResult", "Contents"
_TEXT = r"[^<&\x00-\x1f]*"
_QUOTE = '(?:&quot;|&#34;|")?'
_BESIDE = "|".join(rf"<{name}>{_TEXT}</{name}>\s*" for name in ("StorageClass", "ChecksumAlgorithm", "ChecksumType"))
_OWNER = rf"<Owner>\s*(?:<ID>{_TEXT}</ID>\s*|<DisplayName>{_TEXT}</DisplayName>\s*)*</Owner>\s*"
_MORE = f"(?:{_BESIDE}|{_OWNER})*"
_OBJECT = re.compile(
    rf"<Contents>\s*<Key>({_TEXT})</Key>\s*"
    r"<LastModified>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?)Z</LastModified>\s*"
    rf"<ETag>{_QUOTE}([0-9A-Za-z-]+){_QUOTE}</ETag>\s*{_MORE}<Size>([0-9]{{1,18}})</Size>\s*{_MORE}</Contents>",
    re.ASCII,
)
_PIECES = 5  # into which the pattern cuts a page for each object: what is before it, and its four members


@dataclass(frozen=True, slots=True)
class Page:
    """One page of objects.

    Attributes:
        rows: by their full keys.
        more: another page follows; *following* is what it is asked by, where the server says so.
    """

    rows: list[Listed]
    more: bool
    following: str


def page_of(document: bytes, bucket: str) -> Page:
    """The page that a document is. Raises NoDocument where it is no whole page of that bucket."""
    pieces = _OBJECT.split(_usual(document))
    before, *between, behind = pieces[::_PIECES] if len(pieces) > 1 else ("", "")
    if not before or "".join(between).strip() or _CONTENTS in before or _CONTENTS in behind:
        return _page(read(document, _ROOT), bucket)
    # One element stands for all, so that the tree tells whether they are where objects are.
    root = read(f"{before}<{_CONTENTS}/>{behind}".encode(), _ROOT)
    fields = about(texts(root), "Name", bucket)
    keys, times, etags, sizes = (pieces[at::_PIECES] for at in range(1, _PIECES))
    try:
        rows = list(map(Listed, _plain_all(keys, fields), map(int, sizes), etags, map(_time, times)))
    except ValueError:  # a time that no calendar has
        rows = []
    if not rows or next(children(root, _CONTENTS), None) is None:
        return _page(read(document, _ROOT), bucket)
    return Page(rows, truncated(fields), fields.get("NextContinuationToken", ""))


def _usual(document: bytes) -> str:
    """The document as text, "" where something is in it that only XML has."""
    try:
        text = document.decode()
    except UnicodeDecodeError:
        return ""
    before = text[: text.find("?>") + 1].lower()
    unusual = "<!" in text or text.count("<?") > 1 or ("encoding" in before and "utf-8" not in before)
    return "" if unusual else text


def _page(root: "Element", bucket: str) -> Page:
    fields = about(texts(root), "Name", bucket)
    rows = []
    for entry in children(root, _CONTENTS):
        told = texts(entry)
        key = plain(member(told, "Key"), fields)
        time = listed_time(told.get("LastModified", ""))
        rows.append(Listed(key, number(told, "Size"), bare(told.get("ETag", "")), time))
    return Page(rows, truncated(fields), fields.get("NextContinuationToken", ""))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def _plain_all(keys: list[str], fields: Mapping[str, str]) -> list[str]:
    encoded = fields.get("EncodingType") == "url"
    return [unquote_plus(key) if "%" in key or "+" in key else key for key in keys] if encoded else keys


def about(fields: Mapping[str, str], name: str, wanted: str) -> Mapping[str, str]:
    """The same, if it is about what was asked for; an access point's listing has a name of its own."""
    told = fields.get(name, "")
    if told != wanted and not (told and wanted.startswith("arn:")):
        raise NoDocument(f"the answer is about {name} {told[:64]!r}: check endpoint and proxy")
    return fields


def truncated(fields: Mapping[str, str]) -> bool:
    """Whether there are more pages; a page that does not say so is not whole."""
    word = member(fields, "IsTruncated").strip().lower()
    if word not in ("true", "false"):
        raise NoDocument(f"IsTruncated is {word[:20]!r}: check endpoint and proxy")
    return word == "true"


def plain(text: str, fields: Mapping[str, str]) -> str:
    """A key as it is; pages say whether they encode, which was asked for as XML cannot hold every letter."""
    return unquote_plus(text) if fields.get("EncodingType") == "url" else text


def member(fields: Mapping[str, str], name: str) -> str:
    """What every such document says. Raises NoDocument where this one does not."""
    if name not in fields:
        raise NoDocument(f"the answer lacks {name}: check endpoint and proxy")
    return fields[name]


def number(fields: Mapping[str, str], name: str) -> int:
    """The same, where it must be a number."""
    text = member(fields, name).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise NoDocument(f"{name} is {text[:20]!r}, no number: check endpoint and proxy")
    return int(text)
