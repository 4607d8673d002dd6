"""How far something long has come: one line that is written over on a terminal, else a line now and then."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TextIO, TypeVar

from bucketrelay.core.run import Deliver, Runner
from bucketrelay.deadline import Deadline
from bucketrelay.model import Result, Task
from bucketrelay.system import System
from bucketrelay.values import dataclass, field, fields, replace

T = TypeVar("T")
_TERMINAL, _ELSEWHERE = 0.5, 30.0  # seconds between two lines
FEW = 20  # tasks of which nobody wants to know how far they are


class Progress:
    """Counts what is done, and says how much, how fast, and how long it may still take.

    Args:
        what: the things that are counted: `keys`.
        total: how many there may be; 0 where nobody knows.
        quiet: say nothing.
        few: say nothing as long as no more than so many are known of.
    """

    def __init__(
        self,
        what: str,
        total: int = 0,
        *,
        quiet: bool = False,
        few: int = 0,
        out: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._total, self._quiet, self._few, self._now = what, total, quiet, few, now
        self._out = out or sys.stderr
        self._terminal = self._out.isatty()
        self._lock = threading.Lock()
        self._done, self._began, self._last = 0, now(), now()
        self._shown = 0  # characters of the line that is on the terminal

    def expect(self, count: int) -> None:
        """So many more have come to be known."""
        with self._lock:
            self._total += count

    def add(self, count: int) -> None:
        """So many more are done."""
        with self._lock:
            self._done += count
            moment = self._now()
            much = max(self._done, self._total) > self._few
            if not self._quiet and much and moment - self._last >= (_TERMINAL if self._terminal else _ELSEWHERE):
                self._last = moment
                self._write(self.words(moment))

    def words(self, moment: float) -> str:
        """`120,000 of some 1,000,000 keys, 12,000 a second, some 1 min left`."""
        rate = self._done / max(moment - self._began, 1e-3)
        known = self._total > self._done
        of = f" of some {self._total:,}" if known else ""
        left = f", {_length((self._total - self._done) / rate)} left" if known and rate else ""
        return f"{self._done:,}{of} {self._what}, {rate:,.0f} a second{left}"

    def end(self) -> None:
        """Leave the terminal clean."""
        with self._lock:
            self._clear()

    def beside(self, say: Callable[[T], None]) -> Callable[[T], None]:
        """*say* between two lines of progress, which are none of its own."""

        def say_between(words: T) -> None:
            with self._lock:
                self._clear()
                say(words)

        return say_between

    def _clear(self) -> None:
        if self._shown:
            self._out.write("\r" + " " * self._shown + "\r")
            self._out.flush()
            self._shown = 0

    def _write(self, text: str) -> None:
        if self._terminal:
            self._out.write("\r" + text.ljust(self._shown))
            self._shown = len(text)
        else:
            self._out.write(f"{text}\n")
        self._out.flush()


class Counted:
    """Delivers as another does, and counts."""

    def __init__(self, deliver: Deliver, progress: Progress) -> None:
        self._deliver, self._progress = deliver, progress

    def together(self, task: Task) -> int:
        """See Deliver."""
        return self._deliver.together(task)

    def brief(self, task: Task) -> bool:
        """Never: what is begun anew would count twice."""
        del task
        return False

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> Sequence[Result]:
        """See Deliver."""
        ended = self._deliver(tasks, deadline)
        self._progress.add(len(tasks))
        return ended


@dataclass(frozen=True, slots=True)
class Watched(Runner):
    """A runner that says how far it is."""

    progress: Progress = field(default_factory=lambda: Progress("tasks", quiet=True))

    def run(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result]:
        """See Runner."""
        self.progress.expect(len(tasks))
        try:
            return Runner.run(self, tasks, deadline)
        finally:
            self.progress.end()


def with_progress(system: System, progress: Progress) -> System:
    """The same system, whose tasks are counted."""
    known = {each.name: getattr(system.runner, each.name) for each in fields(Runner)}
    known["deliver"] = Counted(system.runner.deliver, progress)
    return replace(system, runner=Watched(**known, progress=progress))


def _length(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"
