"""Threads that do one piece of work side by side, and are waited for no longer than there is time.

A thread that has done its piece waits for the next, which may be the next invocation's: to start one for each event
took a sixth of what an event costs. One that hangs in its piece is left behind, and comes back when that has ended.

`concurrent.futures` would do, but for what a function pays to load it: 10 ms of `logging` and `traceback`.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Sequence

_idle: list["_Thread"] = []  # threads that wait for work, the last to have worked at the end


class Hand:
    """One piece of work that a thread does; *defect* is what it has raised."""

    __slots__ = ("_ended", "_work", "defect")

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.defect: BaseException | None = None
        self._ended = threading.Lock()  # held until the work has ended: an Event is five times the work
        self._ended.acquire()

    def do(self) -> None:
        """Do the work."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 — whoever waits raises it
            self.defect = error

    def end(self) -> None:
        """Let go whoever waits for it."""
        self._ended.release()

    def wait(self, seconds: float) -> bool:
        """Wait at most for so long; whether it has ended."""
        ended = self._ended.acquire(timeout=-1 if seconds == math.inf else min(seconds, threading.TIMEOUT_MAX))
        if ended:
            self._ended.release()
        return ended


class _Thread(threading.Thread):
    """Does what it is given, one after the other, for as long as the process lives."""

    def __init__(self) -> None:
        super().__init__(name="relay", daemon=True)  # an idle one must not keep the process from its end
        self._hand: Hand | None = None
        self._given = threading.Lock()
        self._given.acquire()

    def give(self, hand: Hand) -> None:
        """Have it do this next; only while it is idle."""
        self._hand = hand
        self._given.release()

    def run(self) -> None:
        """See threading.Thread."""
        while True:
            self._given.acquire()
            hand, self._hand = self._hand, None
            assert hand
            hand.do()
            _idle.append(self)  # before anybody knows that it has ended, and may have more to do
            hand.end()
            del hand  # lets go of the task, which may hold bytes


def begin(work: Callable[[], None], count: int) -> list[Hand]:
    """Have *count* threads do *work*."""
    hands = [Hand(work) for _ in range(count)]
    for hand in hands:
        _thread().give(hand)
    return hands


def _thread() -> _Thread:
    try:
        return _idle.pop()
    except IndexError:
        made = _Thread()
        made.start()
        return made


def wait(hands: Sequence[Hand], seconds: float = math.inf) -> bool:
    """Wait for all of them, at most for so long; whether they have all ended."""
    end = time.monotonic() + seconds
    return all(hand.wait(math.inf if end == math.inf else max(0.0, end - time.monotonic())) for hand in hands)


def raise_defects(hands: Sequence[Hand]) -> None:
    """Raise what one of them has raised."""
    for hand in hands:
        if hand.defect is not None:
            raise hand.defect


if hasattr(os, "register_at_fork"):  # a child has none of the threads
    os.register_at_fork(after_in_child=_idle.clear)
