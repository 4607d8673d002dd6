"""Many requests, one transaction: whoever comes while one is being committed goes with the next, all together."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from bucketrelay.jobs.queue import Intake, Intaker, NewJob


@dataclass
class _Waiting:
    jobs: Sequence[NewJob]
    intake: Intake | None = None
    error: BaseException | None = None
    over: threading.Event = field(default_factory=threading.Event)


class Group:
    """Enqueues for many threads at once. A disk commits a few hundred times a second, however little each time.

    Whoever holds the pen writes for all that wait, himself among them. An error is everybody's: each enqueues again.
    """

    def __init__(self, queue: Intaker) -> None:
        self._queue = queue
        self._waiting: list[_Waiting] = []
        self._lock, self._pen = threading.Lock(), threading.Lock()

    def enqueue(self, jobs: Sequence[NewJob]) -> Intake:
        """The jobs, durable. `new` and `already` are those of the row: who came first with a key has the new one."""
        mine = _Waiting(list(jobs))
        with self._lock:
            self._waiting.append(mine)
        with self._pen:
            if not mine.over.is_set():
                self._write()
        if mine.error:
            raise mine.error
        assert mine.intake is not None
        return mine.intake

    def _write(self) -> None:
        with self._lock:
            some, self._waiting = self._waiting, []
        try:
            intake = self._queue.enqueue([job for each in some for job in each.jobs])
        except BaseException as error:  # noqa: BLE001 — it is raised again, in each of the threads
            for each in some:
                each.error = error
        else:
            rest = list(intake.ids)
            for each in some:
                ids, rest = rest[: len(each.jobs)], rest[len(each.jobs) :]
                # How many were new is known of all together alone; nobody asks it of a single event.
                each.intake = Intake(0, 0, tuple(ids))
        for each in some:
            each.over.set()
