"""What a worker does for a dataset: plans its files, copies each under the receiver's header, tells the receiving end.

A message makes one job, and that one a job for each file and one that waits for them; when all files are there a last
job sends the one POST. Each may be done twice: a file that is there is not written again, the POST is the same bytes
under the same idempotency key. What was synced stays on record with the last job.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.messages import datasets
from bucketrelay.drivers.messages.archive import ArchivedFile
from bucketrelay.drivers.messages.datasets import BadMessage, Synced, SyncedFile
from bucketrelay.drivers.messages.intake import DATASET, GAP
from bucketrelay.errors import RelayError
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Dead, Done, Job, JobQueue, NewJob, Priority, Release, Retry, State
from bucketrelay.model import Outcome, Task
from bucketrelay.store import Store
from bucketrelay.values import dataclass, replace

FILE, AWAIT, POST = "dataset-file", "dataset-await", "dataset-post"
ROUTE = "dataset-sync"  # what results call the route that no configuration has
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0  # seconds between two looks whether a dataset's files are there


class Files(Protocol):
    """Where the archive's files are known."""

    def files(self, ids: Sequence[str]) -> Mapping[str, ArchivedFile]:
        """The files that there are of *ids*."""

    def datasets(self, prefix: str) -> Sequence[tuple[str, tuple[str, ...]]]:
        """The datasets whose ids begin with *prefix*, each with its files' ids."""


@dataclass(frozen=True, slots=True)
class Syncing:
    """Datasets, synced.

    Args:
        archive: the archive's tables.
        runner: copies; it sees the archive's stores through the receiver's headers.
        open: has the runner's store of that name know the header of a file before it is copied.
        source: the name of the archive's store at a location; raises a RelayError where there is none.
        stores: by their names, as the runner sees them.
        target: the name of the partner's store.
        tell: sends a `file-sync` message; returns when it was answered 200.
    """

    queue: JobQueue
    archive: Files
    runner: Runner
    open: Callable[[str, ArchivedFile], None]
    source: Callable[[str], str]
    stores: Callable[[str], Store]
    target: str
    tell: Callable[[bytes, Deadline], None]

    @property
    def kinds(self) -> dict[str, Kind]:
        """For the worker's table."""
        return {
            GAP: Kind(_each(self._gap)),
            DATASET: Kind(_each(self._dataset)),
            FILE: Kind(_each(self._file), stops=True),
            AWAIT: Kind(_each(self._await)),
            POST: Kind(_each(self._post)),
        }

    def _gap(self, job: Job, _deadline: Deadline) -> Ended:
        """Messages are lost: sync the datasets of which a file is not at the partner's. Others were told already."""
        jobs = []
        for dataset, ids in self.archive.datasets(str(job.payload["prefix"])):
            files = self.archive.files(ids).values()
            if any(self.stores(self.target).look(file.path, trust_bare_404=True) is None for file in files):
                message = f"{job.payload['message']}/{dataset}"
                payload = {"dataset": dataset, "ids": list(ids), "message": message}
                jobs.append(NewJob("dataset", message, DATASET, payload, Priority.ORDER, keep=True))
        self.queue.enqueue(jobs)
        return Ended(Done({"datasets": len(jobs)}))

    def _dataset(self, job: Job, _deadline: Deadline) -> Ended:
        """Look whether all of it can be synced, and have it done."""
        dataset, ids, message = _parse(job)
        files = self.archive.files(ids)
        if absent := datasets.missing(ids, files):
            words = f"{dataset}: the archive has no file {absent[0]!r}" + _more(len(absent) - 1)
            return Ended(Retry(words))
        try:
            _messages(dataset, [files[each] for each in ids])
            _check_paths([files[each] for each in ids])
        except BadMessage as error:
            return Ended(Dead(f"{dataset}: {error}; nothing was copied"))
        numbers = self.queue.enqueue([_file_job(each, message) for each in ids]).ids
        self.queue.enqueue([_await_job(job.payload, dict(zip(ids, numbers, strict=True)), 0)])
        return Ended(Done({"dataset": dataset, "files": len(ids)}))

    def _file(self, job: Job, deadline: Deadline) -> Ended:
        """One file, whole and under its new header, or as it was."""
        stable = str(job.payload["id"])
        file = self.archive.files([stable]).get(stable)
        if file is None:
            return Ended(Retry(f"the archive has no file {stable!r}"))
        source = self.source(file.location)
        self.open(source, file)
        task = Task(ROUTE, source, file.place, self.target, datasets.checked_path(file.path), cause=job.key, asked=True)
        result = self.runner.run([task], deadline)[0]
        if result.outcome is Outcome.UNFINISHED:
            return Ended(Release(), (result,))
        if result.outcome is Outcome.UNCHANGED and self.stores(source).look(file.place) is None:
            result = replace(result, outcome=Outcome.FAILED, error=f"{result.source}: the archive has no such object")
        if result.ok:
            return Ended(Done({"bytes": result.bytes}), (result,))
        return Ended(Retry(result.error) if result.retryable else Dead(result.error), (result,))

    def _await(self, job: Job, _deadline: Deadline) -> Ended:
        """Go on once all files are there; else look again later."""
        dataset, ids, message = _parse(job)
        numbers, tries = _numbers(job), int(str(job.payload.get("tries", 0)))
        states = {each: self.queue.get(numbers[each]) for each in ids}
        dead = [record for record in states.values() if record and record.state is State.DEAD]
        if dead:
            words = f"{dataset}: {dead[0].key}: {dead[0].error}{_more(len(dead) - 1)}"
            return Ended(Dead(f"{words}; bucketrelay queue retry --all goes on, once that is mended"))
        lost = [each for each, record in states.items() if record is None]  # done so long ago that it is forgotten
        if lost:
            again = self.queue.enqueue([_file_job(each, message) for each in lost]).ids
            numbers |= dict(zip(lost, again, strict=True))
        if lost or any(record.state is not State.DONE for record in states.values() if record):
            self.queue.enqueue([_await_job(job.payload, numbers, tries + 1)])
            return Ended(Done())
        payload = {"dataset": dataset, "ids": list(ids), "message": message}
        self.queue.enqueue([NewJob("dataset posts", message, POST, payload, Priority.EVENT, keep=True)])
        return Ended(Done())

    def _post(self, job: Job, deadline: Deadline) -> Ended:
        """Tell the receiving end, once for each user whose files the dataset has."""
        dataset, ids, _ = _parse(job)
        files = self.archive.files(ids)
        try:
            messages = _messages(dataset, [files[each] for each in ids if each in files])
        except BadMessage as error:
            return Ended(Dead(f"{dataset}: {error}; the receiving end was not told"))
        for message in messages:
            self.tell(datasets.file_sync(message), deadline)
        return Ended(Done({"dataset": dataset, "files": len(ids), "posts": len(messages), "synced": True}))


def _each(one: Callable[[Job, Deadline], Ended]) -> Callable[[Sequence[Job], Deadline], Sequence[Ended]]:
    """*one* for each job, none of which costs the others their ends."""

    def safely(job: Job, deadline: Deadline) -> Ended:
        try:
            return one(job, deadline)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, BadMessage):
                return Ended(Dead(str(error)))
            return Ended(Dead(f"the job says nothing that could be done: {type(error).__name__}"))
        except RelayError as error:
            return Ended(Retry(str(error)) if error.retryable else Dead(str(error)))

    return lambda jobs, deadline: [safely(job, deadline) for job in jobs]


def _parse(job: Job) -> tuple[str, tuple[str, ...], str]:
    ids = job.payload["ids"]
    if not isinstance(ids, list | tuple):
        raise TypeError("ids")
    return str(job.payload["dataset"]), tuple(str(each) for each in ids), str(job.payload["message"])


def _numbers(job: Job) -> dict[str, int]:
    numbers = job.payload["files"]
    if not isinstance(numbers, Mapping):
        raise TypeError("files")
    return {str(each): int(number) for each, number in numbers.items()}


def _file_job(stable: str, message: str) -> NewJob:
    return NewJob("dataset files", f"{message}/{stable}", FILE, {"id": stable}, Priority.ORDER, keep=True)


def _await_job(payload: Mapping[str, object], files: Mapping[str, int], tries: int) -> NewJob:
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * 1.5 ** min(tries, 20))
    fields = {**payload, "files": dict(files), "tries": tries}
    return NewJob("dataset", f"{payload['message']}/{tries}", AWAIT, fields, Priority.ORDER, delay=wait)


def _messages(dataset: str, files: Sequence[ArchivedFile]) -> tuple[Synced, ...]:
    """What the receiving end will be told. Raises BadMessage where it would refuse it."""
    told = datasets.by_user(dataset, [(file.user, SyncedFile(file.path, file.id, file.sha256)) for file in files])
    for message in told:
        datasets.file_sync(message)
    return told


def _check_paths(files: Sequence[ArchivedFile]) -> None:
    seen: set[str] = set()
    for file in files:
        if datasets.checked_path(file.path) in seen:
            raise BadMessage(f"{file.path!r} is the path of two files")
        seen.add(file.path)


def _more(count: int) -> str:
    return f" (and {count} more)" if count > 0 else ""
