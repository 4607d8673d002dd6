"""One core of the machine for the threads of an invocation, as they have one interpreter.

One thread at a time has its lock. On several cores they hand it from one to the next with every call of the system,
which takes as long as the work itself: kept to one core, a small object of a batch costs half of that, and more go
through in a second. What is large is another matter: its bytes are encrypted and summed outside of the lock, so its
thread may use any core (`spread`).

Nor do they push one another off it: a thread that an answer wakes up would stop the one that has the lock, find it
taken, and sleep again. Under Linux's SCHED_BATCH (sched(7)) it waits for its turn: a tenth of a small object's cost.

Which core is the system's choice: the one that the invocation runs on. Where the system knows no such thing, threads
work where it puts them. Only functions keep to one core, whose machine is their own: docs/decisions/0018-one-core.md.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar

ANY = -1
_UNKNOWN = -2  # a thread begins where the one that made it was
_CHOSEN_FOR = 1.0  # seconds until the system is asked again where it would have us


def _core_of_now() -> int:
    """The core that the calling thread runs on; ANY where there is nothing to choose."""
    if not _all:
        return ANY
    try:
        with open("/proc/thread-self/stat", "rb", buffering=0) as file:  # noqa: PTH123 — twice as fast as pathlib's
            return int(file.read(1024).rpartition(b")")[2].split()[36])  # proc_pid_stat(5): processor
    except (OSError, ValueError, IndexError):
        return ANY


class Place:
    """Where threads work: on the core of this number, or on ANY.

    Args:
        core_of_now: tells the core that the calling thread runs on; None: threads are never kept anywhere.
        now: a monotonic clock.
    """

    __slots__ = ("_core_of_now", "_now", "core")

    def __init__(self, core_of_now: Callable[[], int] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.core, self._core_of_now, self._now = ANY, core_of_now, now

    def begin(self) -> None:
        """The calling thread gives work to others from now on: it stays where it is, and they come to it."""
        if self._core_of_now is None:
            return
        if (now := self._now()) >= _chosen[1]:
            _chosen[:] = self._core_of_now(), now + _CHOSEN_FOR
        self.core = int(_chosen[0])
        if _mine.core != self.core:
            _keep_to(self.core)

    def settle(self) -> None:
        """Have the calling thread, one of several, work there from now on."""
        if _mine.core != self.core:
            _keep_to(self.core)
        if self.core != ANY and not _mine.waits_its_turn:
            _mine.waits_its_turn = True
            _wait_ones_turn()

    def move(self) -> None:
        """Go to where the system would have the calling thread, which has slept: our core may be another's by now."""
        if self.core != ANY and self._core_of_now is not None:
            spread()
            self.core = self._core_of_now()


class _Mine(threading.local):
    core = _UNKNOWN  # that this thread keeps to
    waits_its_turn = False


def _cores() -> frozenset[int]:
    """Those that this process may use; none where there is nothing to choose."""
    if not hasattr(os, "sched_setaffinity"):  # beside Linux
        return frozenset()
    with suppress(OSError):
        ours = frozenset(os.sched_getaffinity(0))
        return ours if len(ours) > 1 else frozenset()
    return frozenset()


_mine = _Mine()
_all = _cores()
_chosen = [ANY, 0.0]  # the core of the invocations, and until when
_current: ContextVar[Place] = ContextVar("place", default=Place())  # noqa: B039 — this one never moves


def current() -> Place:
    """Where those work that the calling thread gives work to."""
    return _current.get()


def spread() -> None:
    """Let the calling thread work on any core, until it settles again."""
    if _mine.core != ANY:
        _keep_to(ANY)


def _keep_to(core: int) -> None:
    _mine.core = core
    if _all:
        try:  # noqa: SIM105 — `suppress` takes longer than the call, which comes twice with every event
            os.sched_setaffinity(0, _all if core == ANY else (core,))
        except OSError:
            pass  # whoever has taken cores from this process meanwhile knows better


def _wait_ones_turn() -> None:
    """Have the calling thread push no other off its core; unless somebody has said how it is to be scheduled."""
    with suppress(OSError):  # a sandbox that does not let us
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class _Together:
    """What `together` gives; a generator's would take three times as long, with every event."""

    __slots__ = ("_place", "_token")

    def __init__(self, place: Place) -> None:
        self._place = place

    def __enter__(self) -> None:
        self._token = _current.set(self._place)

    def __exit__(self, *exc: object) -> None:
        _current.reset(self._token)
        spread()


def together(core_of_now: Callable[[], int] = _core_of_now, now: Callable[[], float] = time.monotonic) -> _Together:
    """Within the block those that the calling thread gives work to, and it itself from then on, keep to one core.

    Args:
        core_of_now: tells the core that the calling thread runs on.
        now: a monotonic clock.
    """
    return _Together(Place(core_of_now, now))
