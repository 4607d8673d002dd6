"""Whether more listings side by side would help: they do where this one waits for servers, and not where it computes.

One interpreter computes one thing at a time. A stream that keeps it busy is as fast as eight that do, and is spared the
pages that are asked for to cut a namespace, and those at the cuts that are read twice.
"""

import time
from collections.abc import Callable

from bucketrelay.values import dataclass, field

SPLIT_AFTER = 50_000  # pairs: what is smaller is not worth the pages that cutting costs


@dataclass(slots=True)
class Streams:
    """Says when the only stream of a namespace is to be cut, and into how many.

    Args:
        most: how many it may be at most.
        sure: so many whatever this one does: somebody has said so.
        wall, cpu: clocks; the second of what all threads of this process have computed.

    Attributes:
        wanted: how many, once `enough` has said that it is to be cut.
    """

    most: int
    sure: bool = True
    wall: Callable[[], float] = time.monotonic
    cpu: Callable[[], float] = time.process_time
    wanted: int = field(init=False)
    _since: tuple[float, float] | None = field(init=False, default=None)
    _next: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.wanted = self.most

    def enough(self, compared: int) -> bool:
        """Whether to cut now, after so many pairs; to be asked after each page, and once before the first."""
        if self.sure:
            return compared >= SPLIT_AFTER
        if self._since is None:  # a run that goes on looks at some pages of its own first
            self._since, self._next = self._now(), max(SPLIT_AFTER, compared + SPLIT_AFTER // 10)
        if compared < self._next:
            return False
        wall, cpu = self._since
        self._since, self._next = self._now(), compared + SPLIT_AFTER
        busy = (self._since[1] - cpu) / max(self._since[0] - wall, 1e-6)
        self.wanted = max(1, min(self.most, int(1 / max(busy, 1e-3) + 0.5)))
        return self.wanted > 1

    def _now(self) -> tuple[float, float]:
        return self.wall(), self.cpu()
