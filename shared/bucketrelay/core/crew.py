"""Threads that do one piece of work side by side, and are waited for no longer than there is time.

`concurrent.futures` would do, but for what a function pays to load it: 10 ms of `logging` and `traceback`.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence


class Hand(threading.Thread):
    """One thread; *defect* is what its work has raised."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(name="relay")
        self._work = work
        self.defect: BaseException | None = None

    def run(self) -> None:
        """See threading.Thread."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 — whoever waits raises it
            self.defect = error


def begin(work: Callable[[], None], count: int) -> list[Hand]:
    """Have *count* threads do *work*."""
    hands = [Hand(work) for _ in range(count)]
    for hand in hands:
        hand.start()
    return hands


def wait(hands: Sequence[Hand], seconds: float = math.inf) -> bool:
    """Wait for all of them, at most for so long; whether they have all ended."""
    end = time.monotonic() + seconds
    for hand in hands:
        hand.join(None if end == math.inf else max(0.0, end - time.monotonic()))
    return not any(hand.is_alive() for hand in hands)


def raise_defects(hands: Sequence[Hand]) -> None:
    """Raise what one of them has raised."""
    for hand in hands:
        if hand.defect is not None:
            raise hand.defect
