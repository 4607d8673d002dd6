"""Writes under way: each is noted in the log store before it can outlive its task.

A process may be killed, or be frozen by its platform, while a write hangs; the server may still do that write, on top
of a newer version, and nobody is left who could say so. So a write that is slow has a marker (`verify.py`) while it is
under way. It goes once the outcome is known, and stays where it is not. A write that ends as soon as writes do costs
nothing. Stores with conditional writes are no exception: an absence, or the ETag of content that comes back, can be
what the condition says once more.

A write that may fall on another source's newer copy, and nobody would see it, has its marker before it is sent, and
keeps it: whatever lands last is looked after, whoever is killed on the way.
"""

import os
import threading
import time
from collections.abc import Callable
from functools import partial

from bucketrelay.core.checkpoints import quietly
from bucketrelay.core.verify import AFTER, Verify
from bucketrelay.deadline import Deadline, current, under
from bucketrelay.errors import RelayError, StoreUnavailable
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.values import dataclass, replace

SLOW = 2.0  # seconds after which a write is noted: most take a tenth of that
PERIOD = 1.0  # seconds between two looks at what is slow
LONG = AFTER.total_seconds() / 2  # seconds after which a marker from before the write may be due too soon


@dataclass(slots=True)
class _Write:
    task: Task
    deadline: Deadline  # of the invocation that it belongs to
    begun: float
    marker: str = ""  # the name of its marker, once that is put
    unseen: bool = False  # the marker was put before, and stays


class Writes:
    """The writes of this process that are under way.

    Args:
        verify: where they are noted; None where there is no log store.
        now: a monotonic clock.
        nonce: tells the markers apart of two processes that write one key, each of which takes its own away.
    """

    def __init__(
        self,
        verify: Verify | None = None,
        now: Callable[[], float] = time.monotonic,
        nonce: Callable[[], str] = lambda: os.urandom(4).hex(),
    ) -> None:
        self._verify, self._now, self._nonce = verify, now, nonce
        self._lock = threading.Lock()
        self._noting = threading.Lock()  # one thread at a time, so that no write gets two markers
        self._open: dict[int, _Write] = {}
        self._begun = 0
        self._left: dict[tuple[str, str], Deadline] = {}  # target keys whose markers have been left, for `noted`

    def under_way(self, task: Task, *, unseen: bool = False) -> "_UnderWay":
        """The block sends a write of the task's target key.

        Args:
            unseen: it may fall on another source's newer copy: its marker is put before, and stays.

        Raises:
            StoreUnavailable: that marker could not be put, and nothing has been sent.
        """
        return _UnderWay(self, task, unseen=unseen)

    def begin(self, task: Task, *, unseen: bool) -> int:
        """See `under_way`: the write's number, for `end`."""
        marker = self._before(task) if unseen else ""
        with self._lock:
            self._begun += 1
            number = self._begun
            self._open[number] = _Write(task, current(), self._now(), marker, unseen)
        return number

    def _before(self, task: Task) -> str:
        if self._verify is None:
            return ""
        try:
            return self._verify.put(task, current())
        except RelayError as error:
            words = f"nothing was written, as it could not be noted to be verified: {error}"
            raise StoreUnavailable(words) from error

    def end(self, number: int, *, lingers: bool) -> None:
        """See `under_way`; *lingers*: the write may still be done."""
        with self._lock:
            write = self._open.pop(number)
            if write.marker and lingers:
                self._left[write.task.target, write.task.target_key] = write.deadline
        if self._verify and write.unseen:
            if self._now() - write.begun > LONG:
                quietly(partial(self._verify.put, write.task, write.deadline))
        elif self._verify and write.marker and not lingers:
            quietly(partial(self._verify.forget, write.marker))

    def note_slow(self, deadline: Deadline) -> None:
        """Put the markers of the writes that are slow; one that could not be put is tried again the next time."""
        if self._verify is None or not self._noting.acquire(blocking=False):
            return
        try:
            with under(deadline) as _:
                for number, write in self._slow():
                    self._put(self._verify, number, write)
        finally:
            self._noting.release()

    def _slow(self) -> list[tuple[int, _Write]]:
        with self._lock:
            late = self._now() - SLOW
            return [(number, each) for number, each in self._open.items() if not each.marker and each.begun <= late]

    def _put(self, verify: Verify, number: int, write: _Write) -> None:
        try:
            name = verify.put(write.task, write.deadline, self._nonce())
        except RelayError:
            return
        with self._lock:
            write.marker = name
            ended = number not in self._open
        if ended:  # meanwhile
            quietly(partial(verify.forget, name))

    def note(self, task: Task, result: Result, deadline: Deadline) -> Result:
        """The result, with the marker put that a write which lingers after its end has, unless it has one.

        A task that comes again without anybody's knowing how it ended before may have been killed within the moment
        in which a write has no marker yet: where no condition stops that write, its key is looked at once more, too.
        A task whose marker could not be put comes again, and looks: else nobody would.
        """
        if self._verify is None or not task.target or not (result.lingers or task.again):
            return result
        try:
            may_land = result.lingers or not self._verify.stores(task.target).conditional
            if may_land and not self._marked(task, deadline):
                self._verify.put(task, deadline)
        except RelayError as error:
            words = f"it could not be noted to be verified: {error}"
            outcome = Outcome.FAILED if result.ok else result.outcome
            return replace(
                result, outcome=outcome, retryable=True, error="; ".join(filter(None, [result.error, words]))
            )
        return result

    def _marked(self, task: Task, deadline: Deadline) -> bool:
        with self._lock:
            left = self._left.pop((task.target, task.target_key), None) is deadline
            mine = [each for each in self._open.values() if each.task == task and each.deadline is deadline]
            return left or any(each.marker for each in mine)


class _UnderWay:
    """What `under_way` gives; a generator's would take three times as long, with every object."""

    __slots__ = ("_number", "_task", "_unseen", "_writes")

    def __init__(self, writes: Writes, task: Task, *, unseen: bool) -> None:
        self._writes, self._task, self._unseen = writes, task, unseen

    def __enter__(self) -> None:
        self._number = self._writes.begin(self._task, unseen=self._unseen)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        # What ends by no answer at all, by a defect say, lingers.
        lingers = error.lingers if isinstance(error, RelayError) else error is not None
        self._writes.end(self._number, lingers=lingers)
