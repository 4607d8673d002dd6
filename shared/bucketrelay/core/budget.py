"""The one budget of an invocation: bytes of objects held at once, and threads, over all of its tasks."""

import math
import threading
from collections.abc import Collection

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

    __slots__ = ("_budget", "_left", "taken")

    def __init__(self, budget: "Budget", taken: int) -> None:
        self._budget, self.taken, self._left = budget, taken, taken

    def give_back(self) -> None:
        """Give one back, unless the block has ended and given back all."""
        self._return(1)

    def _return(self, most: int) -> None:
        with self._budget._lock:  # noqa: SLF001 — the two halves of one thing
            count = min(most, self._left)
            self._left -= count
            self._budget._return_places(count)  # noqa: SLF001 — as above

    def __enter__(self) -> "Places":  # noqa: PYI034 — as above
        return self

    def __exit__(self, *exc: object) -> None:
        self._return(self.taken)


class _Share:
    """What `Budget.share` gives; a generator's would take three times as long, with every event."""

    __slots__ = ("_budget", "_places")

    def __init__(self, budget: "Budget", places: Collection[str]) -> None:
        self._budget, self._places = budget, places

    def __enter__(self) -> None:
        self._budget._count(self._places, 1)  # noqa: SLF001 — the two halves of one thing

    def __exit__(self, *exc: object) -> None:
        self._budget._count(self._places, -1)  # noqa: SLF001 — as above


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
        self._held: dict[str, int] = {}  # bytes, by place
        self._sharing: dict[str, int] = {}  # blocks that a place has a share in, by place
        self._lock = threading.Lock()  # of all here: mostly taken by itself, as a Condition's methods are Python
        self._changed = threading.Condition(self._lock)
        self._waiting = 0  # threads that wait for bytes: most of the time there is nobody to be told
        self._left = threads  # places that nobody has
        self._came_free = threading.Condition(self._lock)  # one of them
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
        with self._lock:
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
        with self._lock:
            self._free += amount
            self._held[place] -= amount
            if not self._held[place]:
                del self._held[place]
            if self._waiting:
                self._changed.notify_all()

    def share(self, places: Collection[str]) -> _Share:
        """Share the bytes out among *places* for the time of the block, and those of other blocks."""
        return _Share(self, places)

    def _count(self, places: Collection[str], step: int) -> None:
        with self._lock:
            for place in places:
                count = self._sharing.pop(place, 0) + step
                if count:
                    self._sharing[place] = count
            if self._waiting:
                self._changed.notify_all()

    def places(self, most: int) -> Places:
        """Take at least one and up to *most* places for the time of the block; waits for the first.

        The places are the block's and not the threads': a thread that hangs past the end of its invocation must not
        keep its place from the next one. One that has nothing left to do gives its place back before.
        """
        with self._lock:
            while not self._left:
                self._came_free.wait()
            return Places(self, self._take(max(1, most)))

    def extra_threads(self, most: int) -> int:
        """Take up to *most* more places, without waiting; give each back with `give_back`."""
        with self._lock:
            return self._take(max(0, most))

    def give_back(self) -> None:
        """Give one place back."""
        with self._lock:
            self._return_places(1)

    def _take(self, most: int) -> int:
        taken = min(most, self._left)
        self._left -= taken
        return taken

    def _return_places(self, count: int) -> None:
        self._left += count
        self._came_free.notify(count)
