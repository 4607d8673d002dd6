"""The receiving end of `dataset-sync`: a dataset that was told becomes messages to the pipeline of this archive.

`POST /dataset` makes one job, once for the same message however often it comes. That job publishes `ingest` and
`accession` for each file; the `mapping`, which the archive's mapper throws away if it names a file that is not known
yet, is published when every file is.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.messages import datasets
from bucketrelay.drivers.messages.datasets import BadMessage
from bucketrelay.drivers.messages.delivery import Letter, Sender
from bucketrelay.errors import RelayError
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Dead, Done, Job, JobQueue, NewJob, Priority, Retry
from bucketrelay.values import dataclass

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

RECEIVED, MAPPING = "dataset-received", "dataset-mapping"  # kinds of jobs
INGEST_KEY, ACCESSION_KEY, MAPPING_KEY = "ingest", "accession", "mappings"
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds between two looks whether a dataset's files are known
_SPACE = uuid.UUID("8a6f3b0e-3d0c-4b0e-9d55-3f6b8a1c7e21")  # in which correlation ids are made


@dataclass(frozen=True, slots=True)
class Receiving:
    """Datasets, received.

    Args:
        reach: connects to the broker and hangs up; raises StoreUnavailable where that fails.
    """

    queue: JobQueue
    reach: Callable[[], None]

    def take(self, body: bytes) -> None:
        """Returns when the dataset is sure to be published; at once if it was told before.

        Raises:
            BadMessage: it is no `file-sync` message.
            StoreUnavailable: the broker or the database is away; nothing was begun.
        """
        told = datasets.parse_sync(body)
        same = datasets.file_sync(told)
        self.reach()
        name = sha256(same).hexdigest()
        job = NewJob("dataset received", name, RECEIVED, {"body": same.decode()}, Priority.ORDER, keep=True)
        self.queue.fire(f"received {name}", lambda last, now: now if last is None else None, job)


@dataclass(frozen=True, slots=True)
class Publishing:
    """What a worker does for a dataset that was received.

    Args:
        sender: makes a connection to the broker.
        known: which of some stable ids the archive has files for.
    """

    queue: JobQueue
    exchange: str
    sender: Callable[[], Sender]
    known: Callable[[Sequence[str]], Collection[str]]

    @property
    def kinds(self) -> dict[str, Kind]:
        """For the worker's table."""
        return {RECEIVED: Kind(_each(self._receive)), MAPPING: Kind(_each(self._mapping))}

    def _receive(self, job: Job) -> Ended:
        told = datasets.parse_sync(str(job.payload["body"]).encode())
        ingest, accession, _ = datasets.ingestion(told)
        letters = []
        for number, file in enumerate(told.files):
            correlation = str(uuid.uuid5(_SPACE, f"{job.key} {file.id}"))
            letters.append(self._letter(INGEST_KEY, ingest[number], correlation))
            letters.append(self._letter(ACCESSION_KEY, accession[number], correlation))
        self._send(letters)
        self.queue.enqueue([_mapping_job(job.payload, job.key, 0)])
        return Ended(Done({"dataset": told.dataset, "files": len(told.files)}))

    def _mapping(self, job: Job) -> Ended:
        told = datasets.parse_sync(str(job.payload["body"]).encode())
        name, tries = str(job.payload["name"]), int(str(job.payload["tries"]))
        if datasets.missing([file.id for file in told.files], self.known([file.id for file in told.files])):
            self.queue.enqueue([_mapping_job(job.payload, name, tries + 1)])
            return Ended(Done())
        _, _, mapping = datasets.ingestion(told)
        self._send([self._letter(MAPPING_KEY, mapping, str(uuid.uuid5(_SPACE, name)))])
        return Ended(Done({"dataset": told.dataset, "mapped": True}))

    def _letter(self, key: str, fields: Mapping[str, object], correlation: str) -> Letter:
        return Letter(datasets.dump(fields), key, self.exchange, correlation)

    def _send(self, letters: Sequence[Letter]) -> None:
        sender = self.sender()
        try:
            for letter in letters:
                sender.send(letter)
        finally:
            sender.close()


def _each(one: Callable[[Job], Ended]) -> Callable[[Sequence[Job], Deadline], Sequence[Ended]]:
    def safely(job: Job) -> Ended:
        try:
            return one(job)
        except (KeyError, BadMessage) as error:
            return Ended(Dead(f"the job holds no dataset: {error}"))
        except RelayError as error:
            return Ended(Retry(str(error)) if error.retryable else Dead(str(error)))

    return lambda jobs, _deadline: [safely(job) for job in jobs]


def _mapping_job(payload: Mapping[str, object], name: str, tries: int) -> NewJob:
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * 1.5 ** min(tries, 20)) if tries else 0.0
    fields = {"body": payload["body"], "name": name, "tries": tries}
    return NewJob("dataset received", f"{name}/{tries}", MAPPING, fields, Priority.ORDER, delay=wait)


def routes(receiving: Receiving) -> "list[Route]":
    """The archive's endpoints, for `bucketrelay serve`."""
    from starlette.concurrency import run_in_threadpool  # only who serves has starlette
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def ready(_request: "Request") -> "Response":
        """Whether a dataset would be taken now."""
        await run_in_threadpool(receiving.reach)
        return Response(status_code=200)

    async def dataset(request: "Request") -> "Response":
        """A dataset has arrived in our store."""
        body = await request.body()
        try:
            await run_in_threadpool(receiving.take, body)
        except BadMessage as error:
            return JSONResponse({"error": f"error on JSON validation: {error}"}, 400)
        return Response(status_code=200)

    async def metadata(request: "Request") -> "Response":
        """Metadata of a dataset: looked at, and no more."""
        try:
            datasets.metadata(await request.body())
        except BadMessage as error:
            return JSONResponse({"error": f"error on JSON validation: {error}"}, 400)
        return Response(status_code=200)

    return [
        Route("/ready", ready, methods=["GET"]),
        Route("/dataset", dataset, methods=["POST"]),
        Route("/metadata", metadata, methods=["POST"]),
    ]
