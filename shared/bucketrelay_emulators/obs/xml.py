"""The XML that OBS speaks: what it answers, and what it is sent."""

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from email.utils import format_datetime
from urllib.parse import quote_plus, unquote_plus
from xml.sax.saxutils import escape

from bucketrelay_emulators.server.messages import Reply

_NAMESPACE = "http://obs.myhwclouds.com/doc/2015-06-30/"
Node = tuple[str, "str | int | Iterable[Node]"]


class Malformed(Exception):
    """The body is not the XML that this request wants."""


def document(root: str, nodes: Iterable[Node], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply with an XML document: `document("A", [("B", "text"), ("C", [("D", 1)])])`."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><{root} xmlns="{_NAMESPACE}">{_text(nodes)}</{root}>'
    )
    return Reply(status, body.encode(), {"Content-Type": "application/xml", **(headers or {})})


def error(status: int, code: str, message: str, *, resource: str, extra: Iterable[Node] = ()) -> Reply:
    """OBS's error document; it has no namespace."""
    nodes = [
        ("Code", code),
        ("Message", message),
        ("Resource", resource),
        ("RequestId", uuid.uuid4().hex.upper()),
        ("HostId", "emulator"),
        *extra,
    ]
    body = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Error>{_text(nodes)}</Error>'
    return Reply(status, body.encode(), {"Content-Type": "application/xml"})


def encode(text: str, encoding: str | None) -> str:
    """A key in a listing: form-encoded where the client asked for `encoding-type=url`."""
    return quote_plus(text) if encoding == "url" else text


def decode(text: str, encoding: str | None) -> str:
    """A key in a request's document."""
    return unquote_plus(text) if encoding == "url" else text


def iso(time: datetime) -> str:
    """2026-11-21T09:15:00.123Z."""
    return f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def http_date(time: datetime) -> str:
    """Sat, 21 Nov 2026 09:15:00 GMT."""
    return format_datetime(time.astimezone(timezone.utc), usegmt=True)


def read(body: bytes, root: str) -> ET.Element:
    """The document's root without namespaces. Raises Malformed."""
    try:
        tree = ET.fromstring(body)  # noqa: S314  as above
    except (ET.ParseError, LookupError, ValueError) as error:  # the latter two: an encoding that nobody knows
        raise Malformed(str(error)) from error
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    if tree.tag != root:
        raise Malformed(f"<{root}> is wanted, not <{tree.tag}>")
    return tree


def text_of(element: ET.Element, name: str) -> str:
    """The text of a child, "" if there is none."""
    return element.findtext(name) or ""


def _text(nodes: Iterable[Node]) -> str:
    return "".join(
        f"<{name}>{_legal(str(value)) if isinstance(value, (str, int)) else _text(value)}</{name}>"
        for name, value in nodes
    )


def _legal(text: str) -> str:
    # Control characters are not allowed in XML at all; like the real service we send a reference to them nevertheless,
    # which strict parsers refuse: that is what encoding-type=url is for.
    return "".join(f"&#{ord(c)};" if c < " " else c for c in escape(text))
