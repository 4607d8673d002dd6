"""One target for as long as asked, in a process of its own that may hold and take so much and no more."""

import mmap
import multiprocessing
import pickle
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz.coverage import Coverage
from fuzz.registry import TARGETS
from fuzz.shrink import smaller
from fuzz.target import Target, place_of

_CPU = 5.0  # seconds for one input, of this process's own time: how busy the machine is makes no difference
_HELD = 1 << 30  # bytes more than at the beginning
_FIRST = 200  # inputs that hypothesis makes, before samples are changed
_NEWS = 2000  # inputs that are kept because they reached something new


class TooSlow(Exception):
    """One input has taken all its time."""


@dataclass
class Report:
    """What became of a target."""

    target: str
    inputs: int = 0
    kept: int = 0
    seconds: float = 0.0  # of CPU
    lines: dict[str, set[int]] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)  # by what went wrong and where, the smallest input


def run(name: str, number: int, seconds: float) -> Report:
    """Fuzz a target in a child process; what kills the child is a finding like any other."""
    context = multiprocessing.get_context("fork")
    mine, its = context.Pipe(duplex=False)
    now = mmap.mmap(-1, 1 << 22)
    child = context.Process(target=_child, args=(TARGETS[name], number, seconds, its, now))
    child.start()
    its.close()
    try:
        report: Report = mine.recv()
    except EOFError:
        report = Report(name)
        report.found[f"the process ended with {child.exitcode or 'a signal'}"] = _current(now)
    child.join()
    return report


def _current(now: mmap.mmap) -> Any:
    now.seek(0)
    return pickle.loads(now.read())


def _child(target: Target, number: int, seconds: float, its: Connection, now: mmap.mmap) -> None:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  a file of the kernel
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _HELD, resource.RLIM_INFINITY))
    signal.signal(signal.SIGPROF, _slow)
    its.send(Fuzzer(target, number, now).run(seconds))


def _slow(_number: int, _frame: object) -> None:
    raise TooSlow(f"one input took more than {_CPU:g} s of CPU")


@contextmanager
def bounded() -> Iterator[None]:
    """So much CPU and no more; C code that never asks for signals is ended by the parent's patience alone."""
    signal.setitimer(signal.ITIMER_PROF, _CPU)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class Fuzzer:
    """Samples changed at random, and whatever reached a new line changed again."""

    def __init__(self, target: Target, number: int, now: mmap.mmap) -> None:
        self.target, self.number, self._now = target, number, now
        self.report = Report(target.name)
        self._coverage = Coverage()
        self._mutator = target.mutator(number)

    def run(self, seconds: float) -> Report:
        """For so many seconds."""
        end = time.monotonic() + seconds
        started = time.process_time()
        for sample in self.target.samples():
            self._try(sample)
        self._generated(end)
        while time.monotonic() < end:
            self._try(self._mutator.one())
        self.report.seconds = time.process_time() - started
        self.report.lines = self._coverage.lines()
        return self.report

    def _generated(self, end: float) -> None:
        @seed(self.number)
        @settings(
            max_examples=_FIRST,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(self.target.strategy())
        def each(value: Any) -> None:
            if time.monotonic() < end:
                self._try(value)

        each()

    def _try(self, value: Any) -> None:
        self.report.inputs += 1
        self._note(value)
        before = len(self._coverage.edges)
        # Through an SDK it is the watching that takes the time.
        with self._coverage.watched() if self.report.inputs % self.target.watch == 0 else nullcontext():
            error = self._verdict(value)
        if error is not None:
            self._found(value, error)
        elif len(self._coverage.edges) > before and self.report.kept < _NEWS and len(repr(value)) < 20_000:
            self.report.kept += 1
            self._mutator.keep(value)

    def _note(self, value: Any) -> None:
        self._now.seek(0)
        try:
            said = pickle.dumps(value)
        except RecursionError:
            said = pickle.dumps("an input that is nested too deeply to be told")
        self._now.write(said if len(said) < len(self._now) else pickle.dumps("an input of more than 4 MiB"))

    def _verdict(self, value: Any) -> BaseException | None:
        try:
            with bounded():
                return self.target.verdict(value)
        except (TooSlow, MemoryError) as error:
            return error

    def _found(self, value: Any, error: BaseException) -> None:
        where = place_of(error)
        if where in self.report.found:
            return

        def fails(candidate: Any) -> bool:
            again = self._verdict(candidate)
            return again is not None and place_of(again) == where

        self.report.found[where] = value
        if self.target.watch == 1 or error.__class__ is not AssertionError:
            end = time.process_time() + _CPU
            self.report.found[where] = smaller(value, lambda candidate: time.process_time() < end and fails(candidate))
