"""What objects move with in a process, and what is held of the one that is on its way."""

import time
from collections.abc import Callable, Mapping

from bucketrelay.core.bandwidth import Bandwidth
from bucketrelay.core.budget import Budget, Lease
from bucketrelay.core.checkpoints import Checkpoints
from bucketrelay.core.writes import Writes
from bucketrelay.deadline import Deadline
from bucketrelay.store import KiB
from bucketrelay.values import dataclass, field

SPARE = 64 * KiB  # bytes that the first look asks for at least


@dataclass(frozen=True, slots=True)
class Resources:
    """What objects move with in this process.

    Args:
        part_size: bytes of a part, unless the target wants larger ones; also of what is fetched with the first look.
        budget: of bytes and threads.
        checkpoints: where unfinished uploads are kept.
        pause: waits so many seconds: before an object that changes faster than it is copied is looked at again.
        writes: those that are under way.
        unreachable: ways whose target's server refused to copy: asked once in a process, not for every object.
        bandwidths: of the routes that have a limit.
    """

    part_size: int
    budget: Budget
    checkpoints: Checkpoints
    pause: Callable[[float], object] = time.sleep
    writes: Writes = field(default_factory=Writes)
    unreachable: set[str] = field(default_factory=set)
    bandwidths: Mapping[str, Bandwidth] = field(default_factory=dict)

    def first(self, told: int | None, min_part: int) -> int:
        """How many bytes the first look asks for: a whole first part, or what an object of *told* bytes may have now.

        So small objects hold of the budget what they need: with a part each, twelve of 4 KiB held all of 128 MiB.

        Args:
            told: the size that an event told, which may be out of date: one that has grown meanwhile by more than this
                is read once more.
            min_part: of the target; a first part that is smaller than it would have to be read again.
        """
        part = min(max(self.part_size, min_part), self.budget.most)
        return part if told is None else min(part, max(2 * told, SPARE))

    def spend(self, route: str, size: int, deadline: Deadline) -> None:
        """Wait until *size* bytes of *route* may move. Raises OutOfTime where the deadline comes first."""
        limit = self.bandwidths.get(route)
        if limit:
            limit.spend(size, deadline)


@dataclass(slots=True)
class FirstBytes:
    """The object's first bytes and their lease on the budget; given up as soon as they are sent."""

    body: bytes | bytearray
    lease: Lease

    def drop(self) -> None:
        """Forget the bytes and give their budget back."""
        self.body = b""
        self.lease.release()
