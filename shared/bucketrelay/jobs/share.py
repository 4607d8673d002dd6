"""How the jobs that are handed out at once are shared out among the queues that have any."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Generic, TypeVar

from bucketrelay.values import dataclass, field

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Head:
    """The jobs of one queue and one priority that may be due."""

    queue: str
    priority: int
    first: float  # when the first of them is due


@dataclass
class Share(Generic[T]):
    """Up to *limit* of what *claim* gives, from all queues alike: a long queue keeps no other one waiting.

    A higher priority, of whichever queue, goes before a lower one. Within one each queue has the same share, and what
    it does not use goes to the others; the queue whose job has waited longest is asked first.

    Args:
        room: how many of a queue at most.
    """

    limit: int
    room: Callable[[str], int]
    claim: Callable[[Head, int], list[T]]
    got: list[T] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)

    def among(self, heads: Iterable[Head]) -> list[T]:
        """The jobs."""
        ordered = sorted(heads, key=lambda head: (-head.priority, head.first))
        for _, level in groupby(ordered, key=lambda head: head.priority):
            self._level(list(level))
        return self.got

    def _level(self, heads: list[Head]) -> None:
        each = -(-(self.limit - len(self.got)) // len(heads))
        more = [head for head in heads if self._take(head, each)]
        for head in more:
            self._take(head, self.limit)

    def _take(self, head: Head, most: int) -> bool:
        """Claim from one queue. Returns whether there may be more: it gave as many as it was asked for."""
        most = min(most, self.limit - len(self.got), self.room(head.queue) - self.taken[head.queue])
        if most <= 0:
            return False
        some = self.claim(head, most)
        self.got += some
        self.taken[head.queue] += len(some)
        return len(some) == most
