"""The loop of a worker: claim, run side by side, write the lists, settle; nothing that is killed in between is lost."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.worker.held import Held, Step, steps
from bucketrelay.errors import RelayError, StoreUnavailable
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.moves import move
from bucketrelay.jobs.queue import Dead, Done, Ending, Job, JobQueue, Policy, Release, Retry, State
from bucketrelay.model import Result
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Tunings:
    """How a worker goes about it.

    Args:
        threads: steps at once.
        poll: seconds between two looks at a queue that has nothing.
        gather: seconds for which ends are gathered, to go into one list and one transaction; or *many* of them.
        share: of the threads, how many one queue may have at most: where there is but one, all. A target that hangs
            must leave some to the others, and the next that hangs some of those.
        slow: seconds after which a running job counts as one that hangs, perhaps.
        alone: a job with which so many workers in a row have fallen silent is run by itself, so that one that kills its
            worker does not take its neighbours with it again and again.
    """

    threads: int = 16
    poll: float = 0.5
    gather: float = 1.0
    many: int = 200
    share: float = 1.0
    slow: float = 5.0
    alone: int = 3


@dataclass(frozen=True, slots=True)
class World:
    """What a worker needs of its surroundings.

    Args:
        record: writes results into the lists; a RelayError means that their jobs are not done.
        tell: takes each result for the log, also of attempts that will be followed by others.
        say: takes a sentence about the worker itself, or on a job that failed without a result.
        tick: fires the schedules that are due; called every few seconds.
        resting: the queues of which nothing is to be begun now; asked every few seconds.
        close: lets go of what the kinds of jobs have opened; called when `run` ends.
    """

    record: Callable[[Sequence[Result]], None]
    tell: Callable[[Result], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    tick: Callable[[], None] = lambda: None
    resting: Callable[[], Collection[str]] = frozenset
    close: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic


class Worker:
    """Takes jobs of the kinds it knows until it is told to stop."""

    def __init__(
        self, queue: JobQueue, kinds: Mapping[str, Kind], policy: Policy, world: World, tunings: Tunings | None = None
    ) -> None:
        self._queue, self._kinds, self._policy, self._world = queue, dict(kinds), policy, world
        self._tunings = tunings or Tunings()
        self._held = Held()
        self._careful: list[Job] = []  # to be run by themselves
        self._told: list[tuple[Job, Ending]] = []  # in the lists, and not yet settled
        self._look_again = self._tick_again = self._gathered = -math.inf
        self._resting: frozenset[str] = frozenset()
        self._stopped = self._halted = False
        self._finished = threading.Event()
        self.states: Counter[State] = Counter()  # how often jobs have come to be in which state

    def stop(self) -> None:
        """Begin nothing more; `run` returns when what runs has ended. May be called by a signal's handler."""
        self._stopped = True

    def toggle_halt(self) -> None:
        """The same; but called a second time while something still runs, the worker goes on. As medusa-copier does."""
        self._halted = not self._halted

    def run(self, *, drain: bool = False) -> None:
        """Work until told to stop; with *drain* until no job is left, be it one that waits for its next attempt.

        Raises:
            StoreRefused: the database does not want us any more. What ran has ended; what it gave is not settled.
        """
        beat = threading.Thread(target=self._keep_leases, name="leases", daemon=True)
        beat.start()
        try:
            with ThreadPoolExecutor(self._tunings.threads, thread_name_prefix="job") as pool:
                self._work(pool, drain=drain)
        finally:
            self._finished.set()
            beat.join()
            self._world.close()

    def _work(self, pool: ThreadPoolExecutor, *, drain: bool) -> None:
        while True:
            self._settle(now=not self._held.running)
            if self._stopped or self._halted:
                self._let_go(self._careful)
                if not self._held.running and not self._held.ended:
                    return
            elif self._begin(pool):
                continue
            elif drain and self._is_empty():
                return
            self._wait()

    def _begin(self, pool: ThreadPoolExecutor) -> bool:
        """Claim as many jobs as there are free threads, and start them. Returns whether there were any."""
        held, now = self._held, self._world.clock()
        free = self._tunings.threads - len(held.running)
        if self._careful:
            return self._begin_alone()
        if free < 1 or now < self._look_again:
            return False
        try:
            self._tick(now)
            jobs = self._queue.claim(free, kinds=self._kinds, room=self._room(now))
        except StoreUnavailable as error:
            self._world.say(str(error))
            jobs = ()
        if len(jobs) < free:
            self._look_again = now + self._tunings.poll
        # One that others have fallen silent with waits until it is alone.
        self._careful = [job for job in jobs if job.unsettled > self._tunings.alone]
        for step in steps([job for job in jobs if job not in self._careful], self._kinds):
            held.begin(step, now)
            pool.submit(self._run, step)
        return bool(jobs)

    def _begin_alone(self) -> bool:
        """Run the first of those jobs that must run alone, once nothing else runs; give the others back."""
        if self._held.running or self._held.ended or self._told:
            return False
        step = (self._careful[0],)
        self._held.begin(step, self._world.clock())
        self._let_go(self._careful[1:])
        self._run(step)
        return True

    def _let_go(self, jobs: Sequence[Job]) -> None:
        """Give back what was not begun."""
        self._careful = []
        self._told += [(job, Release()) for job in jobs]
        self._settle(now=True)

    def _room(self, now: float) -> Callable[[str], int]:
        """How many more steps a queue may have: never all that the slow ones of other queues leave."""
        running, slow = self._held.by_queue(now - self._tunings.slow)

        def room(queue: str) -> int:
            if queue in self._resting:
                return 0
            others = sum(count for name, count in slow.items() if name != queue)
            left = self._tunings.threads - others
            return math.ceil(left * self._tunings.share) - running[queue]

        return room

    def _run(self, step: Step) -> None:
        kind = self._kinds[step[0].kind]
        ends: Sequence[Ended]
        try:
            ends = kind.run(step, _UntilStopped(self) if kind.stops else Deadline())
            if len(ends) != len(step):
                raise AssertionError(f"{len(ends)} ends of {len(step)} jobs")  # noqa: TRY301 — a defect like any other
        except RelayError as error:
            ends = [Ended(Retry(str(error)) if error.retryable else Dead(str(error)))] * len(step)
        except Exception as error:  # noqa: BLE001 — one job's defect must not end the worker
            ends = [Ended(Retry(f"{type(error).__name__}: {error}"))] * len(step)
        self._held.end(step, ends)

    def _tick(self, now: float) -> None:
        if now >= self._tick_again:
            self._tick_again = now + 5 * self._tunings.poll
            self._resting = frozenset(self._world.resting())
            self._world.tick()

    def _settle(self, *, now: bool) -> None:
        """Write the lists and settle, if it is *now* time to or something has waited for long enough."""
        held, clock = self._held, self._world.clock()
        if not held.ended:
            self._gathered = clock
        due = now or len(held.ended) >= self._tunings.many or clock >= self._gathered + self._tunings.gather
        if not due and not self._told:
            return
        ended = held.look()
        self._told += self._record(ended)
        held.forget(len(ended))
        self._gathered = clock
        if not self._told:
            return
        try:
            states = zip(self._told, self._queue.settle(self._told), strict=True)
            self.states.update(state for (job, _), state in states if not self._kinds[job.kind].silent)
            self._told = []
        except StoreUnavailable as error:  # said again at the next turn; should the leases run out, it is done again
            self._world.say(str(error))
            self._look_again = clock + self._tunings.poll

    def _record(self, ended: Sequence[tuple[Job, Ended]]) -> list[tuple[Job, Ending]]:
        for job, end in ended:
            for result in end.results:
                self._world.tell(result)
            if not end.results and isinstance(end.ending, Retry | Dead):  # nothing else would say so
                self._world.say(_failure_line(job, end.ending.error, dead=self._is_last(job, end.ending)))
        last = [end for job, end in ended if self._is_last(job, end.ending)]
        results = [result for end in last for result in end.results]
        try:
            if results:
                self._world.record(results)
            if then := [job for end in last for job in end.then]:
                self._queue.enqueue(then)
        except RelayError as error:
            again = Retry(f"done, but that could not be written down: {error}")
            return [(job, again if end in last and (end.results or end.then) else end.ending) for job, end in ended]
        return [(job, end.ending) for job, end in ended]

    def _is_last(self, job: Job, ending: Ending) -> bool:
        return isinstance(ending, Done) or move(job, ending, self._policy, 0.0).dead

    def _is_empty(self) -> bool:
        if self._held.running or self._held.ended or self._told or self._careful:
            return False
        try:
            queues = self._queue.queues()
        except StoreUnavailable:
            return False
        # Jobs of a paused route may wait for days: to drain the queue is to do what can be done.
        return not any(
            counts.running or (counts.pending and name not in self._resting) for name, counts in queues.items()
        )

    def _wait(self) -> None:
        with self._held.changed:
            self._held.changed.wait(self._tunings.poll if not self._stopped else self._tunings.poll / 5)

    def _keep_leases(self) -> None:
        while not self._finished.wait(self._policy.lease / 3):
            jobs = self._held.jobs() + [job for job, _ in self._told] + self._careful
            try:
                if jobs:
                    self._queue.extend(jobs)
            except RelayError as error:
                self._world.say(f"the leases could not be kept: {error}")

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped or self._halted


def _failure_line(job: Job, error: str, *, dead: bool) -> str:
    """A line on an attempt that ended without a result."""
    then = "given up: bucketrelay queue dead" if dead else "tried again later"
    return f"{job.queue}: {job.key}: {' '.join(error.split())}: {then}"


class _UntilStopped(Deadline):
    """A deadline that comes when the worker is told to stop."""

    __slots__ = ("_worker",)

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    def remaining(self) -> float:
        """See Deadline."""
        return 0.0 if self._worker.stopped else math.inf
