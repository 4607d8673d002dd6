"""What the rest of bucketrelay knows of a job queue: frozen values and one Protocol. Standard library only.

A job is *waiting*, *running* under a lease, or *dead* with its reason; done, it is gone, unless its result is kept.

Promises that every implementation makes, proven by `tests/jobs/test_queues.py`:

* `enqueue` returns when the jobs are durable: the process, and the machine, may be gone the next moment;
* one key of one queue is one row. Enqueued again while it waits, it stays one job, with the newest payload: that which
  tells of the latest moment, and the last one put in where one of the two tells of none. While it runs, it is run once
  more afterwards, however often it was enqueued meanwhile. Dead, it is a new job;
* a claimed job is nobody else's until its lease ends. Whoever has lost the lease can no longer settle the job;
* every job is run at least once, and again whenever its worker was killed before `settle`: a job must look before it
  acts;
* a lease that ran out counts as an attempt; a job that has used up its attempts is dead, with its last reason;
* the time is the database's own: the clocks of the machines that work may be wrong by hours;
* one instance may be used by many threads; many processes, on many machines where the database allows, share a queue.

Errors: StoreUnavailable where the database may answer later, StoreRefused where somebody must change something first.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Protocol

from bucketrelay.values import dataclass, field

Payload = Mapping[str, object]  # what JSON can say
Room = Callable[[str], int]  # of a queue: how many
EMPTY: Payload = MappingProxyType({})


class Priority:
    """Which jobs go first: the higher number. Any whole number will do; what runs already is not interrupted."""

    URGENT = 20  # an object that a route's `first` names
    EVENT = 10  # somebody has just written an object
    ORDER = 5  # somebody has asked for it by hand
    BACKLOG = 0  # reconciliation, inventory: much of it, and not urgent


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be put into the queue.

    Args:
        queue: what is counted together, and gets its share of the workers: the route and its target, say. A few names,
            up to some hundreds.
        key: with *queue* what makes it this job and no other.
        kind: who handles it: a name in the worker's table of handlers.
        delay: seconds until it may begin at the earliest.
        keep: whether its result is kept after its end, for `get`.
        told: when what the payload tells of has happened, in seconds since 1970; None: it tells of no moment.
    """

    queue: str
    key: str
    kind: str
    payload: Payload = field(default_factory=lambda: EMPTY)
    priority: int = Priority.BACKLOG
    delay: float = 0.0
    keep: bool = False
    told: float | None = None


def older(job: NewJob, than: NewJob) -> bool:
    """Whether *job* tells of an earlier moment *than* another of the same key, whose payload stays then."""
    return job.told is not None and than.told is not None and job.told < than.told


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is ours to run until its lease ends."""

    id: int
    queue: str
    key: str
    kind: str
    payload: Payload
    priority: int
    attempts: int  # this one included, so at least 1
    generation: int  # how often it was enqueued anew: `settle` notices what came while it ran
    lease: str  # proves that it is ours
    since: float  # when it was enqueued first, in seconds since 1970 by the database's clock
    unsettled: int = 1  # how many of the last attempts, this one included, have had no end that anybody told


@dataclass(frozen=True, slots=True)
class Done:
    """The job has had its effect; it is gone, but for a result that is kept. *failed*: ended, and not well."""

    result: Payload = field(default_factory=lambda: EMPTY)
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Try it again: in *after* seconds, or in growing, scattered intervals. After too many attempts it is dead."""

    error: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """Do not try it again, as it would fail until somebody changes something: it is kept for a person to look at."""

    error: str
    result: Payload = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Release:
    """It was not tried: back as it was, this attempt not counted."""


Ending = Done | Retry | Dead | Release


class State(str, Enum):
    """Where a job is. `lost`: `settle` was called too late, as the lease had become another worker's."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Intake:
    """What `enqueue` did: how many jobs are new, how many were in the queue already, and the id of each, in order."""

    new: int
    already: int
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A job as it may be shown to somebody who asks for it."""

    id: int
    queue: str
    key: str
    kind: str
    state: State
    attempts: int
    error: str = ""
    result: Payload = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs are in each state. `oldest`: when the one that has waited longest was enqueued."""

    pending: int = 0
    running: int = 0
    dead: int = 0
    paused: bool = False
    oldest: datetime | None = None


class Enqueuer(Protocol):
    """The part of a queue that jobs are put in by."""

    def enqueue(self, jobs: Iterable[NewJob]) -> Intake:
        """Put jobs in, a thousand or so in a transaction. After an error put in all of them again: nothing doubles."""


class Source(Protocol):
    """The part of a queue that a worker takes jobs from."""

    def claim(
        self, limit: int, *, kinds: Collection[str] | None = None, room: Room = lambda _: 2**31
    ) -> tuple[Job, ...]:
        """At most *limit* jobs that are due, from all queues alike; none while the queue is paused.

        Args:
            kinds: only of these.
            room: how many of a queue at most.
        """

    def extend(self, jobs: Sequence[Job]) -> frozenset[int]:
        """Begin the leases of *jobs* anew. Returns the ids of those that are still ours."""

    def settle(self, endings: Sequence[tuple[Job, Ending]]) -> tuple[State, ...]:
        """End jobs, in one transaction. Returns where each is now; LOST where it was no longer ours to end."""


class QueueAdmin(Protocol):
    """The part of a queue that people look at it and mend it by."""

    def counts(self, queue: str = "") -> Counts:
        """How many jobs there are, of all queues together or of one."""

    def queues(self) -> Mapping[str, Counts]:
        """How many jobs there are of each queue that has any."""

    def dead(self) -> Iterator[Record]:
        """The dead jobs, in the order of their deaths, however many."""

    def deaths(self, since: float) -> int:
        """How many jobs have died since the moment *since*, which is one of `now`'s."""

    def retry(self, keys: Collection[str] | None) -> int:
        """Have the dead jobs of these keys (None: of all) tried again, with all attempts. Returns how many."""

    def pause(self, paused: bool) -> None:
        """Hand out no job until it is unpaused; what runs ends."""

    def get(self, number: int) -> Record | None:
        """The job, or its kept result for a week after its end; None where it is neither there nor kept."""

    def now(self) -> float:
        """Seconds since 1970, by the database's clock."""


class Timetable(Protocol):
    """Schedules that many processes share: whatever is due is enqueued by one of them."""

    def fire(self, name: str, due: Callable[[float | None, float], float | None], job: NewJob) -> bool:
        """Enqueue *job* if the schedule *name* is due, and remember that; in one transaction, so that no two do.

        Args:
            due: for the moment of the schedule's last run (None: never) and the present, both in seconds since 1970:
                the moment that is run now, or None if none is due. A first answer of None is remembered as the
                schedule's beginning.
        """


class JobQueue(Enqueuer, Source, QueueAdmin, Timetable, Protocol):
    """A queue of jobs in a database."""

    def close(self) -> None:
        """Let go of the database; whoever uses the queue again opens it again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient a queue is.

    Args:
        lease: seconds that a worker may be silent before its job is somebody else's.
        attempts: how often a job is tried before it is dead.
        first: seconds before the second attempt; each further one waits *factor* times as long, up to *longest*.
        keep: seconds for which results are kept.
    """

    lease: float = 60.0
    attempts: int = 8
    first: float = 2.0
    factor: float = 4.0
    longest: float = 3600.0
    keep: float = 7 * 86400.0

    def pause(self, attempts: int, scatter: float) -> float:
        """Seconds until the next try after *attempts*; *scatter* in [0, 1) spreads jobs that failed at one moment.

        2, 8, 32, 128, 512, 2048, 3600 s for the defaults, each of them less up to a half.
        """
        whole = min(self.longest, self.first * self.factor ** min(attempts - 1, 32))
        return whole * (1 - scatter / 2)
