"""Moving the bytes of exactly one version from one store to another, within bounded memory."""

import threading
from dataclasses import dataclass

from bucketrelay.core import heap
from bucketrelay.core.budget import Budget, Lease
from bucketrelay.deadline import Deadline
from bucketrelay.errors import Damaged, RelayError, StoreRefused
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Abilities, Expect, MiB, Part, PartStore, Store, Upload, Written


@dataclass(frozen=True, slots=True)
class Copy:
    """One object to be moved: everything that both roads need to know."""

    source: Store
    info: ObjectInfo
    target: Store
    key: str
    meta: Meta
    expect: Expect
    deadline: Deadline


@dataclass(slots=True)
class First:
    """The object's first bytes and their lease on the budget; given up as soon as they are sent."""

    body: bytes | bytearray
    lease: Lease

    def drop(self) -> None:
        """Forget the bytes and give their budget back."""
        self.body = b""
        self.lease.release()


def transfer(copy: Copy, first: First, part_size: int, budget: Budget) -> Written:
    """Publish the object at the target, whole or not at all.

    Args:
        copy: what and where to.
        first: what has been read of it already.
        part_size: bytes; larger objects go in parts of at least this size.
        budget: memory and threads for the parts.
    """
    if len(first.body) > heap.LARGE:
        heap.keep_large_buffers_out()
    if len(first.body) > copy.info.size:
        raise Damaged(
            f"{copy.source.address.of(copy.info.key)}: more bytes came than the object has; nothing was written"
        )
    if len(first.body) == copy.info.size:
        copy.deadline.check()
        return copy.target.put(copy.key, first.body, copy.meta, expect=copy.expect)
    if not isinstance(copy.target, PartStore):
        raise StoreRefused(f"{copy.target.address.of(copy.key)}: the store takes no objects in parts; raise part_size")
    size = part_size_for(copy.info.size, part_size, copy.target.abilities)
    return _in_parts(copy, copy.target, first, size, budget)


def part_size_for(size: int, part_size: int, abilities: Abilities) -> int:
    """The size of every part but the last, such that the store's number of parts suffices for *size* bytes.

    Parts grow in whole MiB, so that two runs cut the same object alike.
    """
    if size > abilities.max_object:
        raise StoreRefused(f"the object has {size} bytes, more than the {abilities.max_object} that the target takes")
    needed = -(-size // abilities.max_parts)
    grown = -(-needed // MiB) * MiB if needed > part_size else 0
    return min(max(part_size, abilities.min_part, grown), abilities.max_part)


def _in_parts(copy: Copy, target: PartStore, first: First, size: int, budget: Budget) -> Written:
    upload = target.begin(copy.key, copy.meta)
    try:
        parts = _Parts(copy, target, upload, size, budget).send(first)
        copy.deadline.check()
        return target.commit(upload, parts, expect=copy.expect)
    except BaseException:
        _abandon(target, upload)
        raise


def _abandon(target: PartStore, upload: Upload) -> None:
    try:
        target.abandon(upload)
    except RelayError:
        # What went wrong first is what the user must read; an upload that is left over is found by its age.
        return


class _Parts:
    """The parts of one object on their way, by this thread and as many more as the budget has to spare."""

    def __init__(self, copy: Copy, target: PartStore, upload: Upload, size: int, budget: Budget) -> None:
        self._copy, self._target, self._upload = copy, target, upload
        self._size, self._budget = size, budget
        self._count = -(-copy.info.size // size)
        self._todo = iter(range(1, self._count + 1))
        self._lock = threading.Lock()
        self._done: list[Part] = []
        self._failed: list[BaseException] = []

    def send(self, first: First) -> list[Part]:
        """All parts, ascending. Raises the first error, after every thread has stopped."""
        if len(first.body) == self._size:
            self._put(self._next(), first.body)
        first.drop()  # before anybody asks for more: no thread waits for bytes while it holds some
        extra = [threading.Thread(target=self._help) for _ in range(self._budget.extra_threads(self._count - 2))]
        for thread in extra:
            thread.start()
        self._work()
        for thread in extra:
            thread.join()
        if self._failed:
            raise self._failed[0]
        return sorted(self._done, key=lambda part: part.number)

    def _help(self) -> None:
        try:
            self._work()
        finally:
            self._budget.give_back()

    def _work(self) -> None:
        try:
            while not self._failed and (number := self._next()):
                self._move(number)
        except BaseException as error:  # noqa: BLE001 — raised again by `send`, in the task's own thread
            with self._lock:
                self._failed.append(error)

    def _next(self) -> int:
        with self._lock:
            return next(self._todo, 0)

    def _move(self, number: int) -> None:
        start = (number - 1) * self._size
        length = min(self._size, self._copy.info.size - start)
        with self._budget.bytes(length):
            self._copy.deadline.check()
            self._put(number, self._copy.source.read(self._copy.info, start, length))

    def _put(self, number: int, body: bytes | bytearray) -> None:
        self._copy.deadline.check()
        part = self._target.put_part(self._upload, number, body)
        with self._lock:
            self._done.append(part)
