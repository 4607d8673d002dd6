"""What an ending makes of a job's row: the rules of every implementation, and of a worker that foresees them. Pure."""

from bucketrelay.jobs.queue import EMPTY, Dead, Done, Ending, Job, Payload, Policy, Release
from bucketrelay.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Move:
    """An ending as the tables see it; exactly one of *gone*, *error* with *dead*, or a new begin at *delay*."""

    gone: bool = False
    dead: bool = False
    failed: bool = False
    delay: float = 0.0
    attempts: int = 0  # what the row shall have
    unsettled: int = 0
    error: str = ""
    result: Payload = field(default_factory=lambda: EMPTY)


def move(job: Job, ending: Ending, policy: Policy, scatter: float) -> Move:
    """What becomes of the row of *job*: every implementation's rules in one place.

    | ending | row |
    |---|---|
    | Done | gone |
    | Retry, attempts left | waits for `after` or the policy's pause; attempts as they are |
    | Retry, none left | dead, with the reason |
    | Dead | dead, with the reason |
    | Release | waits for nothing; this attempt not counted |

    Where the job was enqueued anew meanwhile (its generation tells), Done and death begin it anew instead: that is
    decided in the database, in the same transaction.
    """
    if isinstance(ending, Done):
        return Move(gone=True, failed=ending.failed, result=ending.result)
    if isinstance(ending, Release):
        return Move(attempts=job.attempts - 1, unsettled=job.unsettled - 1)
    if isinstance(ending, Dead):
        return Move(dead=True, attempts=job.attempts, error=ending.error, result=ending.result)
    if job.attempts >= policy.attempts:
        return Move(dead=True, attempts=job.attempts, error=f"{ending.error} (tried {job.attempts} times)")
    delay = policy.pause(job.attempts, scatter) if ending.after is None else ending.after
    return Move(delay=delay, attempts=job.attempts, error=ending.error)
