"""Who handles which kind of job: the seam between the worker and what it works for."""

from collections.abc import Callable, Sequence

from bucketrelay.deadline import Deadline
from bucketrelay.jobs.queue import Ending, Job, NewJob
from bucketrelay.model import Result
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended.

    Args:
        results: belong into the lists if that was its last end.
        then: jobs that follow from it, in the queue before this one is out of it.
    """

    ending: Ending
    results: tuple[Result, ...] = ()
    then: tuple[NewJob, ...] = ()


# One end for each job, in order. A RelayError is a retry if it is retryable, else the death of all of them.
Run = Callable[[Sequence[Job], Deadline], Sequence[Ended]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job.

    Args:
        run: does what the jobs say; it may have been done before, in part or whole.
        together: of a job: which others it may be run together with (those of which it says the same), and how many at
            most. Left out: each is run by itself.
        stops: the deadline ends when the worker is told to stop; *run* then returns soon, with `Release` if more is to
            be done. Without it what was begun is ended.
        silent: the worker's own housekeeping, for which nobody asked: not counted among the jobs that it has done.
    """

    run: Run
    together: Callable[[Job], tuple[str, int]] | None = None
    stops: bool = False
    silent: bool = False
