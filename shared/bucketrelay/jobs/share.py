"""How the jobs that are handed out at once are shared out among the queues that have any."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Head:
    """The jobs of one queue and one priority that may be due."""

    queue: str
    priority: int
    first: float  # when the first of them is due


def share(heads: Iterable[Head], limit: int, claim: Callable[[Head, int], list[T]]) -> list[T]:
    """Up to *limit* of what *claim* gives, from all queues alike: a long queue keeps no other one waiting.

    A higher priority, of whichever queue, goes before a lower one. Within one each queue has the same share, and what
    it does not use goes to the others; the queue whose job has waited longest is asked first.
    """
    got: list[T] = []
    ordered = sorted(heads, key=lambda head: (-head.priority, head.first))
    for _, level in groupby(ordered, key=lambda head: head.priority):
        got += _level(list(level), limit - len(got), claim)
    return got


def _level(heads: list[Head], limit: int, claim: Callable[[Head, int], list[T]]) -> list[T]:
    got: list[T] = []
    each = -(-limit // len(heads))
    more = []
    for head in heads:
        wanted = min(each, limit - len(got))
        some = claim(head, wanted) if wanted > 0 else []
        got += some
        if 0 < wanted == len(some):
            more.append(head)
    for head in more:
        if len(got) < limit:
            got += claim(head, limit - len(got))
    return got
