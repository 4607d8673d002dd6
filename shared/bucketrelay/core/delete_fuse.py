"""The delete fuse: past `max_deletes` of a route in an hour, counted over all processes, deletes are held, not done.

A process takes deletes from what all share in blocks (`core/delete_claims.py`), so that most deletes cost no request of
their own. The first block is one delete, as most invocations have no more; a block that is used up is followed by one
four times as large, up to fifty. What is left of a block after a minute is given up: somebody may have blown the fuse.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bucketrelay.errors import DeletesHeld, OutcomeUnknown
from bucketrelay.values import dataclass, field

UNLIMITED = sys.maxsize  # as `max_deletes` of a task: somebody has said go
BLOCK_SECONDS = 60.0  # how long a block may be used, and how long a blown fuse is believed without asking again
LARGEST = 50
_GROWTH = 4

Grant = Callable[[str, int, int], int]
"""`grant(route, max_deletes, wanted)`: how many deletes more may be done, from 1 to *wanted*; raises DeletesHeld."""


@dataclass
class _Block:
    """What one route may delete in this process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    left: int = 0
    size: int = 0  # of the last block that was granted
    until: float = 0.0
    held: str = ""  # why the fuse is blown, as was said until then


class Fuse:
    """Counts each route's deletes.

    Args:
        grant: see `Grant`; errors of the store that it asks pass through, and then nothing is deleted either.
        now: a monotonic clock, in seconds.
    """

    def __init__(self, grant: Grant, now: Callable[[], float] = time.monotonic) -> None:
        self._grant, self._now = grant, now
        self._lock = threading.Lock()
        self._blocks: dict[str, _Block] = {}

    @contextmanager
    def count(self, route: str, most: int) -> Iterator[None]:
        """Count one delete, which is done within the `with` block; it counts no more where it surely did not happen.

        Raises:
            DeletesHeld: there are too many; the block is not begun.
        """
        if most >= UNLIMITED:
            yield
            return
        block = self._block(route)
        with block.lock:
            self._take(block, route, most)
        try:
            yield
        except OutcomeUnknown:
            raise
        except BaseException:
            with block.lock:
                block.left += 1
            raise

    def _block(self, route: str) -> _Block:
        with self._lock:
            return self._blocks.setdefault(route, _Block())

    def _take(self, block: _Block, route: str, most: int) -> None:
        fresh = self._now() < block.until
        if fresh and block.held:
            raise DeletesHeld(block.held)
        if not fresh or not block.left:
            used_up = fresh or (block.size > 0 and not block.left)
            self._refill(block, route, most, min(block.size * _GROWTH, LARGEST) if used_up else 1)
        block.left -= 1

    def _refill(self, block: _Block, route: str, most: int, wanted: int) -> None:
        block.left = block.size = 0
        # No block is more than a twentieth of what all share: what is given up with a block must not blow the fuse.
        wanted = max(1, min(wanted, most // 20))
        try:
            block.held = ""
            block.left = block.size = self._grant(route, most, wanted)
        except DeletesHeld as error:
            block.held = str(error)
            raise
        finally:
            block.until = self._now() + BLOCK_SECONDS
