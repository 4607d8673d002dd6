"""Many requests, one transaction: whoever comes while one is being committed goes with the next, all together."""

import asyncio
from collections.abc import Sequence

from bucketrelay.jobs.queue import Enqueuer, NewJob

_Waiting = tuple[Sequence[NewJob], "asyncio.Future[None]"]


class Group:
    """Enqueues for all requests of one event loop: a disk commits a few hundred times a second, however little it is.

    One thread writes for all that wait, and no request has one of its own: to hand a request from the loop to a thread
    and back costs more than its row. An error is everybody's: each sender comes again, and nothing doubles.
    """

    def __init__(self, queue: Enqueuer) -> None:
        self._queue = queue
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def enqueue(self, jobs: Sequence[NewJob]) -> None:
        """Return when the jobs are durable."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((jobs, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            some, self._waiting = self._waiting, []
            error: Exception | None = None
            try:
                await loop.run_in_executor(None, self._queue.enqueue, [job for jobs, _ in some for job in jobs])
            except Exception as caught:  # noqa: BLE001 — it is raised again, in each of the requests
                error = caught
            for _, written in some:
                if written.done():  # its request was given up; its jobs are in, which no 202 has promised
                    continue
                if error:
                    written.set_exception(error)
                else:
                    written.set_result(None)
