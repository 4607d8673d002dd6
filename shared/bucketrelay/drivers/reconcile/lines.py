"""The lists beside the books, in bounded memory, the same after any interruption.

Lines wait in the mark until there are some 64 KiB of a kind; then they become an object beside the mark. At the end the
objects of all spans become `missing.jsonl` and its like in the folder of the books, in the order of the keys; what
would be longer than 8 MiB goes on in `missing.2.jsonl`, `missing.3.jsonl` and so on.
"""

from collections.abc import Iterator

from bucketrelay.drivers.reconcile.bookmark import Bookmarks, Mark
from bucketrelay.errors import ObjectGone
from bucketrelay.model import Meta
from bucketrelay.store import MiB, Store

ENOUGH = 64 * 1024  # characters of lines that are worth an object
LONGEST = 8 * MiB  # bytes of one list
_TWO = "did another process reconcile the same? Run it again; where that does not help, say --restart"
_META = Meta(content_type="application/x-ndjson")


def put_away(log: Store, marks: Bookmarks, mark: Mark, place: tuple[int, int]) -> None:
    """Write the lines of those kinds that have many. The mark has to be saved afterwards, not before.

    A process that is killed in between writes the same objects again: the names follow from the mark alone.
    """
    for kind, lines in mark.lines.items():
        if sum(map(len, lines)) >= ENOUGH:
            number = mark.objects.get(kind, 0) + 1
            log.put(f"{marks.stem(kind, *place)}{number:06}.jsonl", _body(lines), _META)
            mark.objects[kind] = number
            lines.clear()


def gather(log: Store, marks: Bookmarks, mark: Mark, place: tuple[int, int], kind: str) -> Iterator[bytes]:
    """The lines of a kind of one span, in pieces that end with a line."""
    for number in range(1, mark.objects.get(kind, 0) + 1):
        name = f"{marks.stem(kind, *place)}{number:06}.jsonl"
        fetched = log.fetch(name, 4 * LONGEST)
        if fetched is None or fetched.body is None or len(fetched.body) < fetched.info.size:
            raise ObjectGone(f"{log.address.of(name)}: it is gone, or no longer what was written: {_TWO}")
        yield bytes(fetched.body)
    if mark.lines.get(kind):
        yield _body(mark.lines[kind])


def publish(log: Store, stem: str, pieces: Iterator[bytes]) -> None:
    """Write `<stem>.jsonl`, and `<stem>.2.jsonl` and so on where it is long; nothing for nothing."""
    held, number = bytearray(), 1
    for piece in pieces:
        if held and len(held) + len(piece) > LONGEST:
            log.put(_part(stem, number), bytes(held), _META)
            held, number = bytearray(), number + 1
        held += piece
    if held:
        log.put(_part(stem, number), bytes(held), _META)


def _part(stem: str, number: int) -> str:
    return f"{stem}.jsonl" if number == 1 else f"{stem}.{number}.jsonl"


def _body(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
