"""Objects in any order, sorted on disk within bounded memory, and read from any key on."""

import heapq
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

from bucketrelay.model import ObjectInfo

_RUN = 100_000  # objects that are sorted at once: some 64 MiB
_STEP = 1000  # objects between two entries of the index

Cells = tuple[str, int, str, float | None]


class SortedFile:
    """The objects by key, each once: of several with one key, the one that was written last.

    Args:
        folder: where the files are; some 200 bytes an object are needed twice while it is made.
    """

    def __init__(self, objects: Iterable[ObjectInfo], folder: Path) -> None:
        self._path = folder / "sorted"
        self._keys: list[str] = []  # every thousandth key, and where its line begins
        self._places: list[int] = []
        runs = list(_runs(iter(objects), folder))
        with self._path.open("wb") as out:
            place = 0
            for number, cells in enumerate(_once(heapq.merge(*map(_read, runs), key=_order))):
                if number % _STEP == 0:
                    self._keys.append(cells[0])
                    self._places.append(place)
                place += out.write(_line(cells))
        for run in runs:
            run.unlink()

    def listing(self, after: str = "") -> Iterator[ObjectInfo]:
        """The objects whose key is greater than *after*, ascending."""
        at = bisect_right(self._keys, after) - 1
        with self._path.open("rb") as file:
            file.seek(self._places[at] if at > 0 else 0)
            for line in file:
                cells = json.loads(line)
                if cells[0] > after:
                    yield _object(cells)


def _runs(objects: Iterator[ObjectInfo], folder: Path) -> Iterator[Path]:
    number = 0
    while chunk := [_cells(info) for info in islice(objects, _RUN)]:
        path = folder / f"run-{number}"
        path.write_bytes(b"".join(map(_line, sorted(chunk, key=_order))))
        yield path
        number += 1


def _cells(info: ObjectInfo) -> Cells:
    return info.key, info.size, info.etag, info.modified.timestamp() if info.modified else None


def _order(cells: Cells) -> tuple[str, float]:
    return cells[0], cells[3] or 0.0


def _once(rows: Iterator[Cells]) -> Iterator[Cells]:
    last = next(rows, None)
    for cells in rows:
        if last and cells[0] != last[0]:
            yield last
        last = cells
    if last:
        yield last


def _line(cells: Cells) -> bytes:
    return json.dumps(cells).encode() + b"\n"


def _read(path: Path) -> Iterator[Cells]:
    with path.open("rb") as file:
        for line in file:
            yield tuple(json.loads(line))


def _object(cells: Cells) -> ObjectInfo:
    key, size, etag, moment = cells
    return ObjectInfo(key, size, etag, None if moment is None else datetime.fromtimestamp(moment, timezone.utc))
