"""The one budget of an invocation: bytes of objects held at once, and threads, over all of its tasks."""

import math
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from bucketrelay.deadline import Deadline
from bucketrelay.errors import OutOfTime

# What holding N bytes of an object really costs while it goes through an SDK: the bytes, the SDK's and the TLS layer's
# own buffers, and what the allocator keeps. Measured by tests/functions/test_memory.py.
OVERHEAD = 1.25


class Lease:
    """Bytes of the budget, held until `release` or the end of the `with` block, whichever comes first."""

    __slots__ = ("_amount", "_budget", "_place")

    def __init__(self, budget: "Budget", amount: int, place: str) -> None:
        self._budget, self._amount, self._place = budget, amount, place

    def release(self) -> None:
        """Give the bytes back; fine if they are given back already."""
        self.shrink(0)

    def shrink(self, amount: int) -> None:
        """Give back all but *amount* bytes."""
        spare = self._amount - amount
        if spare > 0:
            self._amount = amount
            self._budget._release(spare, self._place)  # noqa: SLF001 — the two halves of one thing

    def __enter__(self) -> "Lease":  # noqa: PYI034 — typing.Self came with Python 3.11, and typing_extensions is no dependency
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


class Places:
    """Places for threads that a block has, until its end or until they are given back."""

    __slots__ = ("_left", "_lock", "_threads", "taken")

    def __init__(self, semaphore: threading.Semaphore, taken: int) -> None:
        self._threads, self._lock = semaphore, threading.Lock()
        self.taken = self._left = taken

    def give_back(self) -> None:
        """Give one back, unless the block has ended and given back all."""
        with self._lock:
            if self._left:
                self._left -= 1
                self._threads.release()

    def close(self) -> None:
        """Give back those that are left."""
        with self._lock:
            left, self._left = self._left, 0
            if left:
                self._threads.release(left)


class Budget:
    """Bytes and threads, shared by the tasks of a process.

    No thread asks for more bytes while it holds some, so nobody can wait for ever.

    Args:
        memory: bytes of objects held at once. A single request above it is let through when nothing else is held.
        threads: how many threads work at once, tasks and parts together.
    """

    def __init__(self, memory: int, threads: int) -> None:
        self._total = max(1, int(memory / OVERHEAD))
        self._free = self._total
        self._held: dict[str, int] = {}  # bytes, by place; a Counter forgets a place by Python, not by C
        self._sharing: Counter[str] = Counter()  # blocks that a place has a share in, by place
        self._changed = threading.Condition()
        self._waiting = 0  # threads that wait for bytes: most of the time there is nobody to be told
        self._threads = threading.Semaphore(threads)
        self.threads = threads

    @property
    def most(self) -> int:
        """Bytes that there are to lend at all."""
        return self._total

    def bytes(self, amount: int, deadline: Deadline, place: str = "") -> "Lease":
        """Hold *amount* bytes until the lease is released; waits until they are free, or raises OutOfTime.

        Args:
            amount: more than there are at all counts as all.
            deadline: of the task.
            place: where the object goes. One that holds bytes already gets no more than its share (see `shared`), so
                that a place which hangs keeps no memory from the others, as long as a share is as large as a part.
        """
        amount = min(amount, self._total)
        left = deadline.remaining()
        with self._changed:
            if not self._fits(amount, place):
                self._waiting += 1
                try:
                    came = self._changed.wait_for(lambda: self._fits(amount, place), None if left == math.inf else left)
                finally:
                    self._waiting -= 1
                if not came:
                    raise OutOfTime("no memory came free before the invocation's end; the task goes on in the next one")
            self._free -= amount
            self._held[place] = self._held.get(place, 0) + amount
        return Lease(self, amount, place)

    def _fits(self, amount: int, place: str) -> bool:
        held, share = self._held.get(place, 0), self._total // max(1, len(self._sharing))
        # A share smaller than a part protects nobody: what is small after all need not wait for its neighbour then.
        return self._free >= amount and (not held or held <= (share - amount if amount <= share else share))

    def _release(self, amount: int, place: str) -> None:
        with self._changed:
            self._free += amount
            self._held[place] -= amount
            if not self._held[place]:
                del self._held[place]
            if self._waiting:
                self._changed.notify_all()

    @contextmanager
    def share(self, places: Collection[str]) -> Iterator[None]:
        """Share the bytes out among *places* for the time of the block, and those of other blocks."""
        with self._changed:
            self._sharing.update(places)
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= Counter(places)
                self._changed.notify_all()

    @contextmanager
    def places(self, most: int) -> Iterator["Places"]:
        """Take at least one and up to *most* places for the time of the block; waits for the first.

        The places are the block's and not the threads': a thread that hangs past the end of its invocation must not
        keep its place from the next one. One that has nothing left to do gives its place back before.
        """
        self._threads.acquire()
        places = Places(self._threads, 1 + self.extra_threads(most - 1))
        try:
            yield places
        finally:
            places.close()

    def extra_threads(self, most: int) -> int:
        """Take up to *most* more places, without waiting; give each back with `give_back`."""
        taken = 0
        while taken < most and self._threads.acquire(blocking=False):
            taken += 1
        return taken

    def give_back(self) -> None:
        """Give one place back."""
        self._threads.release()
