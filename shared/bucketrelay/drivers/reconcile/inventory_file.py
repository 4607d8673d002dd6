"""The inventory that a cloud writes of a bucket, as a sorted listing: S3 Inventory (CSV, Parquet), OBS inventory (CSV).

Sources: Amazon S3 user guide, "Amazon S3 Inventory list" and "Locating your inventory list" (manifest.json; keys are
URL-encoded in CSV); OBS user guide, "Bucket Inventories" (its manifest has the same members).
"""

import csv
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from bucketrelay.errors import BadEvent, Damaged
from bucketrelay.model import Address, ObjectInfo
from bucketrelay.store import MiB
from bucketrelay.values import dataclass

csv.field_size_limit(MiB)
_BLOCK = MiB
_LONGEST = 4 * MiB  # of a line
_NAMES = {"lastmodifieddate": "modified", "etag": "etag", "islatest": "latest", "isdeletemarker": "marker"}
_KNOWN = ("bucket", "key", "size", "modified", "etag", "latest", "marker")
Row = Mapping[str, Any]

# The bytes of a file, in pieces: a name as in the manifest, relative to where the manifest is.
Open = Callable[[str], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of an inventory, and what its manifest says of it."""

    name: str
    size: int | None = None
    md5: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An inventory's manifest."""

    format: str  # CSV, Parquet
    columns: tuple[str, ...]  # of CSV, as we call them; "" for those that we need not
    files: tuple[DataFile, ...]
    bucket: str = ""  # where the files are


def manifest(body: bytes, where: str) -> Manifest:
    """Read a `manifest.json`. Raises BadEvent naming *where* and what is wrong."""
    try:
        members = json.loads(body)
        files = tuple(
            DataFile(str(each["key"]), each.get("size"), str(each.get("MD5checksum", ""))) for each in members["files"]
        )
        kind = str(members["fileFormat"]).strip().upper()
        columns = _columns(str(members["fileSchema"]).split(",")) if kind == "CSV" else ()
        bucket = str(members.get("destinationBucket", "")).rpartition(":")[2]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error)[:200]
        raise BadEvent(f"{where}: no manifest of an inventory ({reason}): say the manifest.json of one day") from error
    if kind not in ("CSV", "PARQUET"):
        raise BadEvent(f"{where}: the inventory is {kind[:20]}: have it written as CSV or Parquet")
    if kind == "CSV":
        _check(columns, where)
    return Manifest(kind, columns, files, bucket)


def _columns(names: list[str]) -> tuple[str, ...]:
    plain = [name.strip().replace("_", "").lower() for name in names]
    return tuple(_NAMES.get(name, name) for name in plain)


def _check(columns: tuple[str, ...], where: str) -> None:
    lacking = [name for name in ("key", "size") if name not in columns]
    if lacking:
        raise BadEvent(f"{where}: the inventory lacks {' and '.join(lacking)}: add it to the inventory's fields")


@dataclass(frozen=True, slots=True)
class Inventory:
    """The objects of a store, as an inventory has them, in the inventory's own order.

    Args:
        said: its manifest.
        fetch: gives the bytes of one of its files.
        store: whose objects are meant; those of its bucket outside of its prefix are left out.
        folder: for files while they are read.
    """

    said: Manifest
    fetch: Open
    store: Address
    folder: Path

    def objects(self) -> Iterator[ObjectInfo]:
        """The newest version of each object.

        Raises:
            BadEvent: it is an inventory of another bucket, or a file is none.
            Damaged: a file is not what the manifest says.
        """
        for number, file in enumerate(self.said.files):
            path = self.folder / f"file-{number}"
            self._download(file, path)
            rows = _parquet(path) if self.said.format == "PARQUET" else _csv(path, self.said.columns, file.name)
            for row in rows:
                info = self._object(row, file.name)
                if info:
                    yield info
            path.unlink()

    def _download(self, file: DataFile, path: Path) -> None:
        digest, size = md5(usedforsecurity=False), 0
        with path.open("wb") as out:
            for piece in self.fetch(file.name):
                out.write(piece)
                digest.update(piece)
                size += len(piece)
        if (file.size is not None and file.size != size) or (file.md5 and file.md5 != digest.hexdigest()):
            raise Damaged(f"{file.name}: {size} bytes, and not what the manifest says of it: fetch the inventory again")

    def _object(self, row: Row, where: str) -> ObjectInfo | None:
        bucket = row.get("bucket")
        if bucket and bucket != self.store.bucket:
            raise BadEvent(f"{where}: an inventory of the bucket {str(bucket)[:80]!r}, not of {self.store.bucket!r}")
        if _is(row.get("latest"), "false") or _is(row.get("marker"), "true"):
            return None
        key = self.store.relative(str(row["key"]))
        if not key:
            return None
        etag = str(row.get("etag") or "").strip('"')
        return ObjectInfo(key, int(row["size"] or 0), etag, _moment(row.get("modified")))


def _is(value: object, word: str) -> bool:
    return str(value).lower() == word


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    text = re.sub(r"(\.\d{1,6})\d*", r"\1", str(value or "")).replace("Z", "+00:00")
    text = re.sub(r"\.(\d+)", lambda match: f".{match[1]:0<6}", text)  # Python 3.10 takes three digits or six
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _csv(path: Path, columns: tuple[str, ...], where: str) -> Iterator[Row]:
    for number, cells in enumerate(_cells(path, where), start=1):
        if len(cells) < len(columns):
            raise BadEvent(f"{where} line {number}: {len(cells)} columns, where the manifest has {len(columns)}")
        row = {name: cell for name, cell in zip(columns, cells, strict=False) if name in _KNOWN}
        row["key"] = unquote_plus(row["key"], errors="surrogateescape")
        if not row["size"].isdecimal() and not _is(row.get("marker"), "true"):
            raise BadEvent(
                f"{where} line {number}: the size {row['size'][:40]!r} is no number: no file of this manifest"
            )
        yield row


def _cells(path: Path, where: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(_lines(path, where))
    except csv.Error as error:  # a cell of more than a MiB; before Python 3.11, a NUL
        raise BadEvent(f"{where}: no CSV ({error}): is it a file of this manifest?") from error


def _lines(path: Path, where: str) -> Iterator[str]:
    """The lines of a text file, which may be compressed."""
    rest = ""
    try:
        for piece in _pieces(path):
            *whole, rest = (rest + piece.decode()).split("\n")
            yield from whole
    except (zlib.error, UnicodeDecodeError) as error:
        raise BadEvent(f"{where}: no CSV, compressed or not ({error}): is it a file of this manifest?") from error
    if rest:
        yield rest


def _pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file, expanded, cut where lines end; gzip may have several members."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        held = b""
        for piece in _expand(file) if zipped else iter(lambda: file.read(_BLOCK), b""):
            whole, _, rest = (held + piece).rpartition(b"\n")
            if whole:
                yield whole + b"\n"
            held = rest
            if len(held) > _LONGEST:
                raise BadEvent(f"{path.name}: a line of more than {_LONGEST} bytes: no file of an inventory")
        yield held


def _expand(file: Any) -> Iterator[bytes]:
    unzip, rest, ended = zlib.decompressobj(31), b"", True
    while piece := rest or file.read(_BLOCK):
        yield unzip.decompress(piece, _BLOCK)
        while unzip.unconsumed_tail:
            yield unzip.decompress(unzip.unconsumed_tail, _BLOCK)
        rest, ended = b"", unzip.eof
        if ended:
            rest, unzip = unzip.unused_data, zlib.decompressobj(31)
    if not ended:
        raise zlib.error("it ends too soon")


def _parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet  # an extra, for who has such an inventory
    except ModuleNotFoundError as error:
        raise BadEvent("a Parquet inventory: pip install 'bucketrelay[parquet]'") from error
    try:
        file = parquet.ParquetFile(path)
        names = dict(zip(file.schema_arrow.names, _columns(list(file.schema_arrow.names)), strict=True))
        _check(tuple(names.values()), "the Parquet file")
        wanted = [name for name, ours in names.items() if ours in _KNOWN]
        for batch in file.iter_batches(batch_size=10_000, columns=wanted):
            for row in batch.to_pylist():
                yield {names[name]: value for name, value in row.items()}
    except ArrowException as error:
        raise BadEvent(f"no Parquet file ({str(error)[:200]}): is it a file of this manifest?") from error
