"""A page of ListObjectsV2 as rows. Pure.

Most pages are read by one pattern. It knows the shapes in which servers write an object, takes nothing that it does not
understand whole, and is several times as fast as a tree of elements, with which a comparison of two buckets spends most
of its time. What the pattern leaves of the page is read as XML; so is the whole page where anything unusual is in it: a
comment, an entity, a member that the pattern does not know. What is believed is the same either way.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain, zip_longest
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from bucketrelay.abilities import Columns
from bucketrelay.clouds.aws.documents import NoDocument, children, read, texts
from bucketrelay.clouds.aws.fields import bare, listed_time
from bucketrelay.values import dataclass

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOT, _CONTENTS = "ListBucketResult", "Contents"
_TEXT = r"[^<&\x00-\x1f]*"
_QUOTE = '(?:&quot;|&#34;|")?'
_BESIDE = "|".join(rf"<{name}>{_TEXT}</{name}>\s*" for name in ("StorageClass", "ChecksumAlgorithm", "ChecksumType"))
_OWNER = rf"<Owner>\s*(?:<ID>{_TEXT}</ID>\s*|<DisplayName>{_TEXT}</DisplayName>\s*)*</Owner>\s*"
_MORE = f"(?:{_BESIDE}|{_OWNER})*"
# The four members that are wanted, and what may be before, between and behind them.
_MEMBERS = (
    f"({_TEXT})",
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?)",
    "([0-9A-Za-z-]+)",
    "([0-9]{1,18})",
)
_AROUND = (
    r"<Contents>\s*<Key>",
    r"</Key>\s*<LastModified>",
    rf"Z</LastModified>\s*<ETag>{_QUOTE}",
    rf"{_QUOTE}</ETag>\s*{_MORE}<Size>",
    rf"</Size>\s*{_MORE}</Contents>",
)
_PIECES = 5  # into which the pattern cuts a page for each object: what is before it, and its four members


def _pattern(around: Sequence[str]) -> re.Pattern[str]:
    """An object's, with these patterns around its members."""
    return re.compile("".join(chain.from_iterable(zip_longest(around, _MEMBERS, fillvalue=""))), re.ASCII)


_OBJECT = _pattern(_AROUND)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of objects.

    Attributes:
        rows: by their full keys.
        more: another page follows; *following* is what it is asked by, where the server says so.
    """

    rows: Columns
    more: bool
    following: str


def page_of(document: bytes, bucket: str) -> Page:
    """The page that a document is. Raises NoDocument where it is no whole page of that bucket."""
    pieces = _cut(_usual(document))
    if not pieces:
        return _page(read(document, _ROOT), bucket)
    before, behind = pieces[0], pieces[-1]
    # One element stands for all, so that the tree tells whether they are where objects are.
    root = read(f"{before}<{_CONTENTS}/>{behind}".encode(), _ROOT)
    fields = about(texts(root), "Name", bucket)
    keys, times, etags, sizes = (pieces[at::_PIECES] for at in range(1, _PIECES))
    moments = _moments(times)
    if not moments or next(children(root, _CONTENTS), None) is None:
        return _page(read(document, _ROOT), bucket)
    rows = Columns(_plain_all(keys, fields), [*map(int, sizes)], etags, moments)
    return Page(rows, truncated(fields), fields.get("NextContinuationToken", ""))


def _cut(text: str) -> list[str]:
    """What is before the objects, their members with what is between two objects, and what is behind them.

    Empty where that is not all of them. Most servers write all objects of a page in one and the same way, and a pattern
    of just that is faster by a third.
    """
    first = _OBJECT.search(text)
    if not first:
        return []
    edges = [first.start(), *chain.from_iterable(first.regs[1:]), first.end()]
    narrow = _narrow(tuple(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)))
    tries = (text.find(f"<{_CONTENTS}>", len(text) * quarter // 4) for quarter in (1, 2, 3))
    alike = all(at < 0 or narrow.match(text, at) for at in tries)
    return (_pieces(narrow, text) if alike else []) or _pieces(_OBJECT, text)


@lru_cache(maxsize=64)
def _narrow(around: tuple[str, ...]) -> re.Pattern[str]:
    """The pattern of objects that have these very texts around their members."""
    return _pattern([re.escape(text) for text in around])


def _pieces(pattern: re.Pattern[str], text: str) -> list[str]:
    pieces = pattern.split(text)
    before, *between, behind = pieces[::_PIECES] if len(pieces) > 1 else ("", "")
    left = not before or "".join(between).strip() or _CONTENTS in before or _CONTENTS in behind
    return [] if left else pieces


def _usual(document: bytes) -> str:
    """The document as text, "" where something is in it that only XML has."""
    try:
        text = document.decode()
    except UnicodeDecodeError:
        return ""
    end = text.find("?>") + 1
    before = text[:end].lower()
    # One letter is found in a tenth of the time that two take, of which the first is everywhere.
    unusual = (
        ("!" in text and "<!" in text)
        or before.count("<?") > 1
        or (text.find("?", end) >= 0 and text.count("<?") > 1)
        or ("encoding" in before and "utf-8" not in before)
    )
    return "" if unusual else text


def _page(root: "Element", bucket: str) -> Page:
    fields = about(texts(root), "Name", bucket)
    rows = Columns([], [], [], [])
    for entry in children(root, _CONTENTS):
        told = texts(entry)
        rows.keys.append(plain(member(told, "Key"), fields))
        rows.sizes.append(number(told, "Size"))
        rows.etags.append(bare(told.get("ETag", "")))
        rows.times.append(listed_time(told.get("LastModified", "")))
    return Page(rows, truncated(fields), fields.get("NextContinuationToken", ""))


def _moments(texts: list[str]) -> list[datetime | None]:
    """The times, in UTC; none where a calendar has not one of them."""
    zone = "+00:00"
    try:
        # All get their zone at once: an f-string for each takes as long as reading the time.
        return [*map(datetime.fromisoformat, f"{zone} ".join([*texts, ""]).split())]
    except ValueError:
        return []


def _plain_all(keys: list[str], fields: Mapping[str, str]) -> list[str]:
    encoded = fields.get("EncodingType") == "url" and ("%" in (whole := "".join(keys)) or "+" in whole)
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
