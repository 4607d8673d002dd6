"""The parts of an object on their way: ranged reads, poured into its upload; memory does not grow with the part."""

import threading
import time
from collections import deque
from collections.abc import Mapping

from bucketrelay.abilities import Part, PartStore, Upload
from bucketrelay.core.prepare import Copy
from bucketrelay.core.resources import FirstBytes, Resources
from bucketrelay.core.sums import Passing, Reading, Sums
from bucketrelay.core.width import FIRST, Width
from bucketrelay.deadline import under
from bucketrelay.errors import Damaged, StoreRefused, StoreUnavailable
from bucketrelay.store import BLOCK, Abilities, MiB, Stream
from bucketrelay.values import dataclass, field

HELD = 2 * BLOCK  # bytes of a part that are held while it passes: a block that was read, and one being sent
_TRIES = 3  # of a part whose source broke while it was read: the target's requests are repeated by its store


def part_size_for(size: int, part_size: int, abilities: Abilities) -> int:
    """The size of every part but the last, such that the store's number of parts suffices for *size* bytes.

    Parts grow in whole MiB, so that two runs cut the same object alike.
    """
    if size > abilities.max_object:
        raise StoreRefused(f"the object has {size} bytes, more than the {abilities.max_object} that the target takes")
    needed = -(-size // abilities.max_parts)
    grown = -(-needed // MiB) * MiB if needed > part_size else 0
    return min(max(part_size, abilities.min_part, grown), abilities.max_part)


def length_of(whole: int, size: int, number: int) -> int:
    """The bytes of a part, of an object of *whole* bytes that is cut into parts of *size*."""
    return min(size, whole - (number - 1) * size)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open upload, the parts that it holds already, and their checksums as far as they are known."""

    upload: Upload
    parts: Mapping[int, Part] = field(default_factory=dict)
    sums: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


class Parts:
    """The parts of one object on their way, by this thread and as many more as make it faster, if there are so many."""

    def __init__(
        self, copy: Copy, target: PartStore, opened: Opened, size: int, resources: Resources, sums: Sums
    ) -> None:
        self._copy, self._target, self._upload = copy, target, opened.upload
        self._size, self._sums = size, sums
        self._resources, self._budget = resources, resources.budget
        self._streams = copy.source.abilities.streams and target.abilities.streams
        numbers = range(1, -(-copy.info.size // size) + 1)
        todo = [number for number in numbers if number not in opened.parts]
        self._todo = deque(todo)
        self._width = Width(1 if sums.begin(numbers, todo) else max(1, min(len(todo) - 1, self._budget.threads)))
        self._threads: list[threading.Thread] = []  # that help
        self._working = 1  # threads, this one with them
        self._lock = threading.Lock()
        self._done: dict[int, Part] = dict(opened.parts)
        self._slowest = 0.0  # seconds that a part has taken
        self._failed: list[BaseException] = []

    def send(self, first: FirstBytes) -> list[Part]:
        """All parts, ascending. Raises the first error, after every thread has stopped."""
        if len(first.body) == self._size and 1 not in self._done:
            self._put(self._next(), first.body)
        first.drop()  # before anybody asks for more: no thread waits for bytes while it holds some
        self._width.begin()
        self._call_help()
        self._work()
        while self._threads:  # the last to help may have called another
            self._threads.pop().join()
        if self._failed:
            raise self._failed[0]
        return [self._done[number] for number in sorted(self._done)]

    def _call_help(self) -> None:
        """Have as many threads as `Width` says, as far as the budget has them and there are parts for them."""
        with self._lock:
            wanted = min(self._width.threads - self._working, len(self._todo) - 1)
            for _ in range(self._budget.extra_threads(wanted)):
                thread = threading.Thread(target=self._help)
                thread.start()
                self._threads.append(thread)  # from here on it can be joined
                self._working += 1

    def _help(self) -> None:
        try:
            with under(self._copy.deadline):
                self._work(helping=True)
        finally:
            self._budget.give_back()

    def _leaves(self) -> bool:
        """Whether a thread that helps is one too many."""
        with self._lock:
            if self._working <= self._width.threads:
                return False
            self._working -= 1
            return True

    def _work(self, *, helping: bool = False) -> None:
        try:
            while self._move_next():
                if helping and self._leaves():
                    return
                self._call_help()
        except BaseException as error:  # noqa: BLE001 — raised again by `send`, in the task's own thread
            with self._lock:
                self._failed.append(error)

    def _next(self) -> int:
        with self._lock:
            return self._todo.popleft() if self._todo and not self._failed else 0

    def _move_next(self) -> bool:
        """Move one part; False where none is left."""
        if not self._todo or self._failed:
            return False
        # First the bytes, then the number: those who hold bytes have the lowest numbers, so that a server which takes
        # parts in their order never waits for one that waits for bytes.
        with self._budget.bytes(self._bytes(), self._copy.deadline, self._copy.task.way):
            number = self._next()
            if number:
                self._copy.deadline.check(need=self._slowest)
                started = time.monotonic()
                self._move(number)
                self._slowest = max(self._slowest, time.monotonic() - started)
        return number > 0

    def _bytes(self) -> int:
        if self._streams:
            return min(self._size, HELD)
        if self._size > self._budget.most:
            raise StoreRefused(
                f"{self._copy.url}: its parts would have {self._size} bytes, which do not fit into memory; raise it"
            )
        return self._size

    def _move(self, number: int) -> None:
        length = length_of(self._copy.info.size, self._size, number)
        self._resources.spend(self._copy.task.route, length, self._copy.deadline)
        if not self._streams:
            self._put(number, self._copy.source.read(self._copy.info, (number - 1) * self._size, length))
            return
        for left in reversed(range(_TRIES)):
            reading = Reading(self._copy, (number - 1) * self._size, length, self._sums.passing(number))
            try:
                self._send(number, Stream(length, reading.pour), reading.passing)
            except (StoreUnavailable, Damaged):
                if not reading.broke or not left:
                    raise
                self._copy.deadline.check()
            else:
                return

    def _put(self, number: int, body: bytes | bytearray) -> None:
        self._copy.deadline.check()
        passing = self._sums.passing(number)
        passing.add(memoryview(body))
        self._send(number, body, passing)

    def _send(self, number: int, body: bytes | bytearray | Stream, passing: Passing) -> None:
        part = self._target.put_part(self._upload, number, body)
        self._sums.finish(passing)
        with self._lock:
            self._done[number] = part
            if self._working >= min(FIRST, self._width.threads):
                self._width.note(len(body))
            else:  # fewer than every object may have can be had as yet: how fast those are is not known
                self._width.begin()
