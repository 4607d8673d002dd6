"""Moving the bytes of exactly one version from one store to another, within bounded memory."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from bucketrelay.core import digest, heap
from bucketrelay.core.budget import Budget, Lease
from bucketrelay.core.checkpoints import Checkpoint, Checkpoints, quietly
from bucketrelay.deadline import Deadline, under
from bucketrelay.errors import Damaged, ObjectGone, OutOfTime, StoreRefused, StoreUnavailable, TargetChanged
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
    name: str = ""  # the target's identity: what its checkpoint is called
    of: str = ""  # the source's identity and fingerprint: what its parts depend on
    store: str = ""  # the target store's name
    way: str = ""  # from which store to which: who shares the budget of bytes

    @property
    def url(self) -> str:
        """Of the source."""
        return self.source.address.of(self.info.key)


@dataclass(slots=True)
class First:
    """The object's first bytes and their lease on the budget; given up as soon as they are sent."""

    body: bytes | bytearray
    lease: Lease

    def drop(self) -> None:
        """Forget the bytes and give their budget back."""
        self.body = b""
        self.lease.release()


@dataclass(frozen=True, slots=True)
class Road:
    """How objects travel in this process: the size of parts, the budget, and where unfinished uploads are kept."""

    part_size: int
    budget: Budget
    checkpoints: Checkpoints


def transfer(copy: Copy, first: First, road: Road) -> Written:
    """Publish the object at the target, whole or not at all.

    Raises:
        OutOfTime, StoreUnavailable: the parts that have arrived are kept; the same task goes on with them.
        Damaged: the bytes are not those that the source's store says; nothing was published.
    """
    if len(first.body) > heap.LARGE:
        heap.keep_large_buffers_out()
    if len(first.body) > copy.info.size:
        raise Damaged(f"{copy.url}: more bytes came than the object has; nothing was written")
    if len(first.body) == copy.info.size:
        digest.check_whole(first.body, copy.info.checksums, copy.url)
        copy.deadline.check()
        return copy.target.put(copy.key, first.body, copy.meta, expect=copy.expect)
    if not isinstance(copy.target, PartStore):
        raise StoreRefused(f"{copy.target.address.of(copy.key)}: the store takes no objects in parts; raise part_size")
    size = part_size_for(copy.info.size, road.part_size, copy.target.abilities)
    return _in_parts(copy, copy.target, first, size, road)


def part_size_for(size: int, part_size: int, abilities: Abilities) -> int:
    """The size of every part but the last, such that the store's number of parts suffices for *size* bytes.

    Parts grow in whole MiB, so that two runs cut the same object alike.
    """
    if size > abilities.max_object:
        raise StoreRefused(f"the object has {size} bytes, more than the {abilities.max_object} that the target takes")
    needed = -(-size // abilities.max_parts)
    grown = -(-needed // MiB) * MiB if needed > part_size else 0
    return min(max(part_size, abilities.min_part, grown), abilities.max_part)


def _in_parts(copy: Copy, target: PartStore, first: First, size: int, road: Road) -> Written:
    opened = _open(copy, target, size, road.checkpoints)
    parts = _Parts(copy, target, opened, size, road.budget)
    try:
        done = parts.send(first)
        parts.check(done)
        copy.deadline.check()
        written = target.commit(opened.upload, done, expect=copy.expect)
    except (OutOfTime, StoreUnavailable):
        quietly(lambda: road.checkpoints.save(copy.name, parts.checkpoint()))
        raise
    except ObjectGone as error:
        if copy.source.look(copy.info.key, sure=False) is None:
            _give_up(copy, target, opened.upload, road.checkpoints)
            raise
        # Another task has committed or abandoned the upload that we share with it: see what the target holds now.
        raise TargetChanged(f"{copy.target.address.of(copy.key)}: the upload is gone; look again") from error
    except BaseException:
        _give_up(copy, target, opened.upload, road.checkpoints)
        raise
    quietly(lambda: road.checkpoints.drop(copy.name))
    return written


def _give_up(copy: Copy, target: PartStore, upload: Upload, checkpoints: Checkpoints) -> None:
    quietly(lambda: target.abandon(upload))
    quietly(lambda: checkpoints.drop(copy.name))


@dataclass(frozen=True, slots=True)
class _Opened:
    """An open upload, and the parts that it holds already."""

    upload: Upload
    of: str
    parts: Mapping[int, Part] = field(default_factory=dict)
    sums: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


def _open(copy: Copy, target: PartStore, size: int, checkpoints: Checkpoints) -> _Opened:
    """The upload that an earlier invocation has left, if it is of this version and this cut; else a new one."""
    of = f"{copy.of};{size}"
    left = checkpoints.load(copy.name)
    if left and left.upload.key == copy.key and left.store == copy.store:
        if left.of == of:
            try:
                return _Opened(left.upload, of, _whole_parts(copy, target, left.upload, size), left.sums)
            except ObjectGone:
                pass  # committed, abandoned or expired: begin again
        elif left.upload.id:
            quietly(lambda: target.abandon(left.upload))
    copy.deadline.check()
    upload = target.begin(copy.key, copy.meta)
    try:
        checkpoints.save(copy.name, Checkpoint(copy.store, upload, of))
    except BaseException:
        quietly(lambda: target.abandon(upload))
        raise
    return _Opened(upload, of)


def _whole_parts(copy: Copy, target: PartStore, upload: Upload, size: int) -> dict[int, Part]:
    return {
        part.number: part for part in target.parts(upload) if part.size == _length(copy.info.size, size, part.number)
    }


def _length(whole: int, size: int, number: int) -> int:
    return min(size, whole - (number - 1) * size)


class _Parts:
    """The parts of one object on their way, by this thread and as many more as the budget has to spare."""

    def __init__(self, copy: Copy, target: PartStore, opened: _Opened, size: int, budget: Budget) -> None:
        self._copy, self._target, self._opened = copy, target, opened
        self._size, self._budget = size, budget
        numbers = range(1, -(-copy.info.size // size) + 1)
        self._todo = iter([number for number in numbers if number not in opened.parts])
        self._missing = len(numbers) - len(opened.parts)
        self._lock = threading.Lock()
        self._done: dict[int, Part] = dict(opened.parts)
        self._sums: dict[int, Mapping[str, int]] = dict(opened.sums)
        self._slowest = 0.0  # seconds that a part has taken
        self._failed: list[BaseException] = []

    def send(self, first: First) -> list[Part]:
        """All parts, ascending. Raises the first error, after every thread has stopped."""
        if len(first.body) == self._size and 1 not in self._done:
            self._put(self._next(), first.body)
        first.drop()  # before anybody asks for more: no thread waits for bytes while it holds some
        extra = [threading.Thread(target=self._help) for _ in range(self._budget.extra_threads(self._missing - 2))]
        for thread in extra:
            thread.start()
        self._work()
        for thread in extra:
            thread.join()
        if self._failed:
            raise self._failed[0]
        return [self._done[number] for number in sorted(self._done)]

    def checkpoint(self) -> Checkpoint:
        """What the next invocation needs to go on."""
        return Checkpoint(self._copy.store, self._opened.upload, self._opened.of, self._sums)

    def check(self, parts: list[Part]) -> None:
        """Compare the whole with the source's own checksum, where it has one and all parts' are known."""
        for name, said in self._copy.info.checksums.items():
            if digest.crc(name) and all(name in self._sums.get(part.number, ()) for part in parts):
                known = [(self._sums[part.number][name], part.size) for part in parts]
                digest.check_parts(name, known, said, self._copy.url)

    def _help(self) -> None:
        try:
            with under(self._copy.deadline):
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
        length = _length(self._copy.info.size, self._size, number)
        with self._budget.bytes(length, self._copy.deadline, self._copy.way):
            self._copy.deadline.check(need=self._slowest)
            started = time.monotonic()
            self._put(number, self._copy.source.read(self._copy.info, (number - 1) * self._size, length))
            self._slowest = max(self._slowest, time.monotonic() - started)

    def _put(self, number: int, body: bytes | bytearray) -> None:
        self._copy.deadline.check()
        functions = {name: digest.crc(name) for name in self._copy.info.checksums}
        sums = {name: function(body) for name, function in functions.items() if function}
        part = self._target.put_part(self._opened.upload, number, body)
        with self._lock:
            self._done[number] = part
            self._sums[number] = sums
