"""A Task as a job: what the event said goes into the row; what the configuration says is read when the job is run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from bucketrelay.jobs.queue import Job, NewJob, Priority
from bucketrelay.model import Change, Task
from bucketrelay.values import dataclass

KIND = "task"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a row asks for: one key of one route, and one of its targets ("" for its forward)."""

    route: str
    key: str
    target: str
    source: str  # the bucket's URL where the route takes any bucket, else the store's name
    change: Change
    cause: str
    time: datetime | None
    size: int | None
    differs: bool = False


def task_job(task: Task, priority: int = Priority.EVENT) -> NewJob:
    """The job that does *task*. One key of one route and target is one row, with the newest event that came for it.

    Args:
        priority: where the task is not urgent by itself.
    """
    payload = {
        "route": task.route,
        "key": task.key,
        "target": task.target,
        "source": task.source,
        "change": task.change.value,
        "cause": task.cause,
        "time": task.time.isoformat() if task.time else None,
        "size": task.size,
        **({"differs": True} if task.differs else {}),
    }
    place = f"{task.source}/{task.key}" if "://" in task.source else task.key
    queue, first = queue_of(task.route, task.target or task.forward), Priority.URGENT if task.urgent else priority
    # Of two that tell of no event, or of bytes that differ now, the last one counts: it has looked later.
    told = task.time.timestamp() if task.time and not task.differs else None
    return NewJob(queue, place, KIND, payload, first, told=told)


def queue_of(route: str, target: str) -> str:
    """The name of the queue in which the tasks of a route to one of its targets wait, or to its forward."""
    return f"{route} to {target}"


def parse(job: Job) -> Asked:
    """What a job of this kind asks for. Raises KeyError, TypeError or ValueError where it was made by somebody else."""
    fields = cast("Mapping[str, Any]", job.payload)
    time = datetime.fromisoformat(fields["time"]) if fields["time"] else None
    return Asked(
        route=str(fields["route"]),
        key=str(fields["key"]),
        target=str(fields["target"]),
        source=str(fields["source"]),
        change=Change(fields["change"]),
        cause=str(fields["cause"]),
        time=time,
        size=fields["size"],
        differs=fields.get("differs") is True,
    )
