"""The store that stepped code is given: each of its verbs becomes an operation, and somebody else has the answer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bucketrelay.abilities import Part, Upload
from bucketrelay.bodies import gather, pour_bytes
from bucketrelay.model import Address, Fetched, Meta, ObjectInfo
from bucketrelay.store import ABSENT, Abilities, Body, Expect, Write, Written
from faults.looks import Early, Late
from faults.world import Operation, Rules, Slow, frozen, info_of


def _wanted(expect: Expect) -> str:
    return "any" if expect is None else "absent" if expect is ABSENT else expect.etag


@dataclass(frozen=True)
class AskingStore:
    """Store and PartStore that have every operation answered by *ask*."""

    name: str
    ask: Callable[[Operation], Any]
    rules: Rules
    slow: Callable[[], None] = lambda: None  # what somebody else does while a request waits for its answer

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            min_part=1, streams=True, consistent=True, creates_once=self.rules.conditional and self.rules.documented
        )

    @property
    def address(self) -> Address:
        return Address("s3", self.name)

    @property
    def conditional(self) -> bool:
        return self.rules.conditional

    def _do(self, verb: str, key: str, *args: Any) -> Any:
        answer = self.ask(Operation(self.name, verb, key, args))
        while answer is Slow.SLOW:
            self.slow()
            answer = self.ask(Operation(self.name, verb, key, args))
        return answer

    def look(self, key: str, *, trust_bare_404: bool = False) -> ObjectInfo | None:
        held = self._do("look", key)
        return info_of(key, held) if held else None

    def begin_look(self, key: str) -> Early | Late:
        return Early(self.look(key)) if self.rules.early else Late(self, key)

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        answer = self._do("fetch", key, length, unless)
        if answer is None:
            return None
        held, body = answer
        if body is not None:
            return Fetched(info_of(key, held), body)
        if self.rules.terse:
            return Fetched(ObjectInfo(key, -1, held.etag), None)
        known = info_of(key, held)
        return Fetched(ObjectInfo(key, -1, known.etag, known.modified, known.version), None)

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes:
        assert 0 <= start < start + length <= info.size
        return self._do("read", info.key, info.etag, info.version, start, length)

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        pour_bytes(self.read(info, start, length), write)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        yield from (info_of(key, held) for key, held in self._do("list", "", prefix, after))

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        return self._do("put", key, _wanted(expect), bytes(gather(body)), frozen(meta))

    def delete(self, key: str, *, expect: ObjectInfo | None = None) -> None:
        return self._do("delete", key, _wanted(expect))

    def begin(self, key: str, meta: Meta) -> Upload:
        return self._do("begin", key, frozen(meta))

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        return self._do("put_part", upload.key, upload.id, number, bytes(gather(body)))

    def parts(self, upload: Upload) -> Iterator[Part]:
        yield from self._do("parts", upload.key, upload.id)

    def commit(self, upload: Upload, parts: Sequence[Part], *, expect: Expect = None) -> Written:
        chosen = tuple((part.number, part.etag) for part in parts)
        return self._do("commit", upload.key, upload.id, chosen, _wanted(expect))

    def abandon(self, upload: Upload) -> None:
        return self._do("abandon", upload.key, upload.id)

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        yield from self._do("uploads", prefix, prefix)
