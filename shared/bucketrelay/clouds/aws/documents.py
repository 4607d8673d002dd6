"""XML as S3 writes it: read as it comes, and believed only if it is the document that was asked for. Pure.

A proxy's page, an empty answer, an answer that was cut are no listing and no success, whatever their status says.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from xml.parsers import expat

from bucketrelay.http.faults import Malformed
from bucketrelay.store import LONGEST_DOCUMENT

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


# How nearly all documents begin: nothing but a declaration is before the name of the root element.
_BEGINNING = re.compile(rb"(?:<\?xml[^<>]*\?>)?\s*<([A-Za-z]+)[\s>]")


class NoDocument(Malformed):
    """What came is not the document that was asked for."""


class Reader:
    """Takes a document piece by piece; `root` at its end.

    Args:
        name: that its root element must begin with: AWS says `InitiateMultipartUploadResult`, rclone leaves the end
            out, and moto has another.
    """

    def __init__(self, name: str) -> None:
        from xml.etree.ElementTree import XMLParser  # moving an object needs no XML

        self._name, self._parser, self._size = name, XMLParser(), 0  # noqa: S314 — no DTD is let in, see `feed`

    def feed(self, piece: memoryview | bytes) -> None:
        """The next bytes. Raises NoDocument as soon as they are none of a document."""
        text, self._size = bytes(piece), self._size + len(piece)
        if self._size > LONGEST_DOCUMENT:
            raise NoDocument(f"an answer of more than {LONGEST_DOCUMENT} bytes")
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # no store's answer has any; in UTF-16 expat bounds them
            raise NoDocument(f"the answer is no {self._name}: check endpoint and proxy")
        try:
            self._parser.feed(text)
        except (SyntaxError, expat.ExpatError, ValueError) as error:  # ParseError is a SyntaxError
            raise self._none(error) from error

    def root(self) -> "Element":
        """The root element of the whole document. Raises NoDocument where it is cut, or another."""
        try:
            element = self._parser.close()
        except (SyntaxError, expat.ExpatError, ValueError) as error:
            raise self._none(error) from error
        if not local(element.tag).startswith(self._name):
            raise NoDocument(
                f"the answer is a {local(element.tag)[:60]!r} and no {self._name}: check endpoint and proxy"
            )
        return element

    def _none(self, error: Exception) -> NoDocument:
        return NoDocument(f"the answer is no whole {self._name} ({error}): check endpoint and proxy")


def read(document: bytes, name: str) -> "Element":
    """The root element of a document. Raises NoDocument."""
    reader = Reader(name)
    reader.feed(document)
    return reader.root()


def local(tag: str) -> str:
    """An element's name without its namespace, which servers write, leave out or invent."""
    return tag.rpartition("}")[2]


def texts(element: "Element") -> dict[str, str]:
    """The texts of an element's children by name; of what comes twice the first."""
    values: dict[str, str] = {}
    for child in element:
        values.setdefault(local(child.tag), child.text or "")
    return values


def children(element: "Element", name: str) -> "Iterator[Element]":
    """The children of that name."""
    for child in element:
        if local(child.tag) == name:
            yield child


def error_of(document: bytes) -> dict[str, str]:
    """Code, Message and what else an error document says; empty where it is none."""
    beginning = _BEGINNING.match(document)  # so that a listing of a thousand keys is not searched
    if (beginning and not beginning[1].startswith(b"Error")) or b"<Error" not in document:
        return {}
    try:
        return texts(read(document, "Error"))
    except NoDocument:
        return {}


def completion(parts: "list[tuple[int, str]]") -> bytes:
    """The body of CompleteMultipartUpload: numbers and ETags."""
    told = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{_escape(etag)}</ETag></Part>" for number, etag in parts
    )
    return f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{told}</CompleteMultipartUpload>'.encode()


def tagging(tags: Mapping[str, str]) -> bytes:
    """The body of PutObjectTagging."""
    told = "".join(
        f"<Tag><Key>{_escape(name)}</Key><Value>{_escape(value)}</Value></Tag>" for name, value in tags.items()
    )
    return f'<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>{told}</TagSet></Tagging>'.encode()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
