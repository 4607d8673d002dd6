"""XML documents as S3 and OBS answer them, read into plain values. Pure.

A document is believed only with the root element that was asked for: a proxy's page has status 200, too.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bucketrelay.errors import StoreUnavailable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


class Document:
    """A document whose root is *root*, in whatever namespace.

    Args:
        body: as it came.
        url: of the object or the store, for errors.

    Raises:
        StoreUnavailable: it is something else.
    """

    def __init__(self, body: bytes, root: str, url: str) -> None:
        from xml.etree import ElementTree as ET  # no copy of a small object reads a document

        self._url, self._root = url, root
        try:
            # It comes from the bucket's own server, and expat itself bounds entity expansion.
            self._tree = ET.fromstring(body)  # noqa: S314 - see above
        except (ET.ParseError, ValueError, LookupError) as error:  # the latter two: an unknown encoding
            raise self.error(f"not XML: {error}") from error
        self._space, _, name = self._tree.tag.rpartition("}")
        self._space += "}" if self._space else ""
        if name != root:
            raise self.error(f"<{name[:60]}>")

    def error(self, why: str) -> StoreUnavailable:
        """To be raised where the document lacks what every such document has."""
        return StoreUnavailable(f"{self._url}: what was answered is no {self._root} ({why}): check endpoint and proxy")

    def text(self, name: str) -> str:
        """The text of a child of the root; "" where it has none."""
        return self._tree.findtext(self._space + name) or ""

    def require(self, name: str) -> str:
        """The text of a child that every such document has. Raises StoreUnavailable."""
        if not (text := self.text(name)):
            raise self.error(f"without {name}")
        return text

    def truncated(self) -> bool:
        """Whether another page follows. Raises StoreUnavailable where the document does not say."""
        word = self.require("IsTruncated").strip().lower()
        if word not in ("true", "false"):
            raise self.error(f"IsTruncated {word[:20]!r}")
        return word == "true"

    def rows(self, name: str, within: str = "") -> Iterator[Mapping[str, str]]:
        """The children of that *name*, each as the texts of its own children, and of theirs (`Filter/Prefix`).

        Args:
            within: the child of the root that they are in.
        """
        cut = len(self._space)
        places = self._tree.iterfind(self._space + within) if within else (self._tree,)
        for place in places:
            for row in place.iterfind(self._space + name):
                yield _cells(row, cut)

    def rows_in_order(self, *names: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        """The children of the root that have one of these *names*, in the order in which they stand there."""
        cut = len(self._space)
        for row in self._tree:
            if row.tag.startswith(self._space) and row.tag[cut:] in names:
                yield row.tag[cut:], _cells(row, cut)


def _cells(row: "Element", cut: int) -> Mapping[str, str]:
    cells = {cell.tag[cut:]: cell.text or "" for cell in row}
    for cell in row:
        if len(cell):
            cells |= {f"{cell.tag[cut:]}/{inner.tag[cut:]}": inner.text or "" for inner in cell}
    return cells
