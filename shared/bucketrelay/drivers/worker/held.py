"""The jobs that one worker holds: what runs, and what has ended and is not yet told."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Job
from bucketrelay.values import dataclass, field

Step = tuple[Job, ...]  # what one thread does at once


@dataclass
class Held:
    """Shared by the loop, its threads and its heartbeat; every method holds the lock.

    Attributes:
        running: steps by the id and the lease of their first job, each with the moment of its beginning, by a monotonic
            clock. The lease as well: a worker that was silent for too long may be given again what it still runs.
        changed: notified whenever a step ends.
    """

    running: dict[tuple[int, str], tuple[Step, float]] = field(default_factory=dict)
    ended: list[tuple[Job, Ended]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def jobs(self) -> list[Job]:
        """All of them: whose leases are to be kept."""
        with self.changed:
            return [job for step, _ in self.running.values() for job in step] + [job for job, _ in self.ended]

    def begin(self, step: Step, now: float) -> None:
        """A step runs from now on."""
        with self.changed:
            self.running[_name(step)] = step, now

    def end(self, step: Step, ends: Sequence[Ended]) -> None:
        """A step has come to its end."""
        with self.changed:
            del self.running[_name(step)]
            self.ended += zip(step, ends, strict=True)
            self.changed.notify_all()

    def look(self) -> list[tuple[Job, Ended]]:
        """What is to be told; held until `forget`, so that its leases are kept meanwhile."""
        with self.changed:
            return list(self.ended)

    def forget(self, count: int) -> None:
        """The first *count* of them are told."""
        with self.changed:
            del self.ended[:count]

    def by_queue(self, before: float) -> tuple[Counter[str], Counter[str]]:
        """How many steps of each queue run; and how many of those since *before*."""
        with self.changed:
            every = Counter(step[0].queue for step, _ in self.running.values())
            return every, Counter(step[0].queue for step, since in self.running.values() if since <= before)


def _name(step: Step) -> tuple[int, str]:
    return step[0].id, step[0].lease


def steps(jobs: Sequence[Job], kinds: Mapping[str, Kind]) -> list[Step]:
    """The jobs, each by itself or with those that it may be run together with."""
    groups: dict[tuple[str, str], list[Job]] = {}
    made: list[Step] = []
    for job in jobs:
        together = kinds[job.kind].together
        name, most = together(job) if together else ("", 1)
        if most == 1:
            made.append((job,))
            continue
        group = groups.setdefault((job.kind, name), [])
        group.append(job)
        if len(group) == most:
            made.append(tuple(groups.pop((job.kind, name))))
    return made + [tuple(group) for group in groups.values()]
