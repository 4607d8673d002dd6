"""One object in parts: each a ranged read that is poured into its upload; memory does not grow with the part."""

import threading
import time
from collections import deque
from collections.abc import Mapping

from bucketrelay.abilities import Part, PartStore, Upload
from bucketrelay.core.checkpoints import Checkpoint, quietly
from bucketrelay.core.prepare import Copy
from bucketrelay.core.resources import FirstBytes, Resources
from bucketrelay.core.sums import Passing, Reading, Sums
from bucketrelay.core.width import FIRST, Width
from bucketrelay.deadline import under
from bucketrelay.errors import (
    Damaged,
    ObjectGone,
    OutOfTime,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.store import BLOCK, Abilities, MiB, Stream
from bucketrelay.values import dataclass, field

HELD = 2 * BLOCK  # bytes of a part that are held while it passes: a block that was read, and one being sent
TRIES = 3  # of a part whose source broke while it was read: the target's requests are repeated by its store


def in_parts(copy: Copy, first: FirstBytes, resources: Resources) -> bool:
    """As `copy.carry`, for an object whose bytes are not at hand."""
    target = copy.target
    if not isinstance(target, PartStore):
        raise StoreRefused(f"{copy.target_url}: the store takes no objects in parts; raise part_size")
    size = part_size_for(copy.info.size, resources.part_size, target.abilities)
    upload = _Uploading(copy, target, size, resources)
    return upload.publish(first)


def part_size_for(size: int, part_size: int, abilities: Abilities) -> int:
    """The size of every part but the last, such that the store's number of parts suffices for *size* bytes.

    Parts grow in whole MiB, so that two runs cut the same object alike.
    """
    if size > abilities.max_object:
        raise StoreRefused(f"the object has {size} bytes, more than the {abilities.max_object} that the target takes")
    needed = -(-size // abilities.max_parts)
    grown = -(-needed // MiB) * MiB if needed > part_size else 0
    return min(max(part_size, abilities.min_part, grown), abilities.max_part)


class _Uploading:
    """An upload from its opening, or from where an earlier invocation left it, to the commit."""

    def __init__(self, copy: Copy, target: PartStore, size: int, resources: Resources) -> None:
        self._copy, self._target, self._size = copy, target, size
        self._resources, self._checkpoints = resources, resources.checkpoints
        self._current = True  # whether the version is the one that the source has now

    def publish(self, first: FirstBytes) -> bool:
        """Move all parts, compare, commit. Returns whether something could be compared."""
        whole = self._whole_sums()
        opened = self._open()
        sums = Sums(whole, opened.sums)
        parts = _Parts(self._copy, self._target, opened, self._size, self._resources, sums)
        try:
            done = parts.send(first)
            compared = sums.check(done, self._copy.url)
            self._copy.deadline.check()
            self._commit(opened.upload, done)
        except (OutOfTime, StoreUnavailable):
            left = self._checkpoint(opened.upload, sums.known)
            quietly(lambda: self._keep(left))
            raise
        except ObjectGone as error:
            if self._copy.source.look(self._copy.info.key, trust_bare_404=True) is None:
                self._give_up(opened.upload)
                raise
            # Another task has committed or abandoned the upload that we share with it: see what the target holds now.
            raise TargetChanged(f"{self._copy.target_url}: the upload is gone; look again") from error
        except BaseException:
            self._give_up(opened.upload)
            raise
        quietly(lambda: self._checkpoints.drop(self._copy.checkpoint, opened.upload))
        return compared

    def _whole_sums(self) -> Mapping[str, str]:
        """What the source's store says of the whole: some do under a request for the head alone."""
        copy = self._copy
        now = copy.source.look(copy.info.key, trust_bare_404=True)
        if now is not None and (now.etag, now.size, now.version) == (copy.info.etag, copy.info.size, copy.info.version):
            return {**copy.info.checksums, **now.checksums}
        if copy.info.version:  # it may still be read by its id
            self._current = False
            return copy.info.checksums
        if now is None:
            raise ObjectGone(f"{copy.url} is not there any more: look again")
        raise SourceChanged(f"{copy.url} is not the version {copy.info.etag} any more: look again")

    def _open(self) -> "_Opened":
        """The upload that an earlier invocation has left, if it is of this version and this cut; else a new one."""
        copy, left = self._copy, self._checkpoints.load(self._copy.checkpoint)
        if left and left.upload.id and left.upload.key == copy.key and left.store == copy.target_name:
            if (left.fingerprint, left.part_size) == (copy.fingerprint(), self._size):
                try:
                    return _Opened(left.upload, self._held_parts(left.upload), left.sums)
                except ObjectGone:
                    pass  # committed, abandoned or expired: begin again
            elif not self._current:
                raise SourceChanged(f"{copy.url}: a newer version is on its way already: look again")
            else:
                quietly(lambda: self._target.abandon(left.upload))
        copy.deadline.check()
        upload = self._target.begin(copy.key, copy.meta)
        try:
            self._checkpoints.save(copy.checkpoint, self._checkpoint(upload, {}))
        except BaseException:
            quietly(lambda: self._target.abandon(upload))
            raise
        return _Opened(upload)

    def _checkpoint(self, upload: Upload, sums: Mapping[int, Mapping[str, int]]) -> Checkpoint:
        return Checkpoint(self._copy.target_name, upload, self._copy.fingerprint(), self._size, sums)

    def _keep(self, left: Checkpoint) -> None:
        """Note how far the upload is; unless another task has begun a newer one meanwhile, which nobody else names."""
        noted = self._checkpoints.load(self._copy.checkpoint)
        if noted and noted.upload == left.upload:
            self._checkpoints.save(self._copy.checkpoint, left)

    def _held_parts(self, upload: Upload) -> dict[int, Part]:
        """The parts that the target holds whole."""
        whole, size, parts = self._copy.info.size, self._size, self._target.parts(upload)
        return {part.number: part for part in parts if part.size == _length(whole, size, part.number)}

    def _commit(self, upload: Upload, parts: list[Part]) -> None:
        """Publish the parts that the target holds.

        Another task may have sent one again, and where an ETag is not made of the bytes it is another one now: such a
        commit is refused (S3, OBS: InvalidPart; OCI: InvalidUploadPart), and the parts are listed and committed anew.

        Raises:
            StoreUnavailable: another task is at it right now. The upload is its work, too, and stays.
        """
        for _ in range(TRIES):
            try:
                self._publish(upload, parts)
            except (StoreRefused, Damaged):
                held = list(self._held_parts(upload).values())
                if held == parts:
                    raise  # for another reason
                if len(held) != len(parts):
                    break
                parts = held
            else:
                return
        raise StoreUnavailable(f"{self._copy.target_url}: another task is sending its parts again; it comes again")

    def _publish(self, upload: Upload, parts: list[Part]) -> None:
        with self._resources.writes.under_way(self._copy.task, unseen=self._copy.unseen) as _:
            self._target.commit(upload, parts, expect=self._copy.expect)

    def _give_up(self, upload: Upload) -> None:
        quietly(lambda: self._target.abandon(upload))
        quietly(lambda: self._checkpoints.drop(self._copy.checkpoint, upload))


@dataclass(frozen=True, slots=True)
class _Opened:
    """An open upload, the parts that it holds already, and their checksums as far as they are known."""

    upload: Upload
    parts: Mapping[int, Part] = field(default_factory=dict)
    sums: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


def _length(whole: int, size: int, number: int) -> int:
    return min(size, whole - (number - 1) * size)


class _Parts:
    """The parts of one object on their way, by this thread and as many more as make it faster, if there are so many."""

    def __init__(
        self, copy: Copy, target: PartStore, opened: _Opened, size: int, resources: Resources, sums: Sums
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
        length = _length(self._copy.info.size, self._size, number)
        self._resources.spend(self._copy.task.route, length, self._copy.deadline)
        if not self._streams:
            self._put(number, self._copy.source.read(self._copy.info, (number - 1) * self._size, length))
            return
        for left in reversed(range(TRIES)):
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
