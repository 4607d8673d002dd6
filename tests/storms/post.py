"""What is to be given to a cloud's function, and when."""

import heapq
import itertools
import threading
import time
from random import Random

from storms.shapes import TOGETHER, Message


class Post:
    """Messages by the time at which they are due; many threads take them."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._heap: list[tuple[float, int, Message]] = []
        self._numbers = itertools.count()
        lock = threading.Lock()
        self._ready, self._taken = threading.Condition(lock), threading.Condition(lock)
        self._open = True

    def send(self, due: float, message: Message) -> None:
        """Have it given at *due* (monotonic clock) or later."""
        with self._ready:
            heapq.heappush(self._heap, (due, next(self._numbers), message))
            self._ready.notify()

    def await_calm(self, most: int, timeout: float) -> None:
        """Wait until at most so many messages are late, for at most *timeout* seconds.

        Storms must not begin faster than their events are given: a function that is told of each change long after the
        last one sees nothing but the end.
        """
        with self._taken:
            self._taken.wait_for(lambda: self._late() <= most, timeout)

    def _late(self) -> int:
        now = time.monotonic()
        return sum(due <= now for due, _, _ in self._heap)

    def close(self) -> None:
        """Nothing more is given."""
        with self._ready:
            self._open = False
            self._ready.notify_all()

    def take(self) -> list[Message] | None:
        """What is due, as many of one form as may come together; waits for it. None after `close`."""
        with self._ready:
            while self._open:
                left = self._heap[0][0] - time.monotonic() if self._heap else None
                if left is not None and left <= 0:
                    self._taken.notify_all()
                    return self._batch()
                self._ready.wait(left)
            return None

    def _batch(self) -> list[Message]:
        first = heapq.heappop(self._heap)[2]
        most = self._random.randint(1, TOGETHER.get(first.form, 1))
        found, others, now = [first], [], time.monotonic()
        while self._heap and self._heap[0][0] <= now and len(found) < most:
            due = heapq.heappop(self._heap)
            if due[2].batch == first.batch:
                found.append(due[2])
            else:
                others.append(due)
        for due in others:
            heapq.heappush(self._heap, due)
        return found
