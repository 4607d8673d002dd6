"""What a worker does for a request: copies, and says how it went.

A `copyto` is one task. A `copy` goes page by page, each a job of its own that hands its counts on to the next: a worker
that is killed loses one page's work, and all of that is found to be there when it is done again.

What may work later is tried again as often as the queue allows; the last attempt copies nothing, and answers: also a
request that kills every worker gets its reply.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.messages import requests
from bucketrelay.drivers.messages.intake import COPY, REPLY, letter_job, reply
from bucketrelay.drivers.messages.requests import NOT_FOUND, TEMPORARY, UNCATEGORISED, Counts, Reply, Request
from bucketrelay.errors import RelayError
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Dead, Done, Enqueuer, Job, NewJob, Priority, Release, Retry
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.store import Store
from bucketrelay.values import dataclass, replace

ROUTE = "copier"  # what results call the route that no configuration has
_PAGE = 500  # objects of a `copy` that one job copies
_DIRECTORY_NOT_FOUND = 3
_MISSING = "object not found"  # in rclone's words
_PAUSE = 5.0  # seconds before the failures of a page are tried again, times the number of tries


@dataclass(frozen=True, slots=True)
class Copying:
    """Requests, fulfilled.

    Args:
        stores: by their names in the configuration.
        roots: a root's name in the messages: a store's name.
        replies: the queue of the replies; "" where nobody is answered.
        attempts: how often the queue hands out a job.
    """

    queue: Enqueuer
    runner: Runner
    stores: Callable[[str], Store]
    roots: Mapping[str, str]
    replies: str
    attempts: int
    page: int = _PAGE

    @property
    def kind(self) -> Kind:
        """For the worker's table."""
        return Kind(self._run, stops=True)

    def _run(self, jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        return [self._one(job, deadline) for job in jobs]

    def _one(self, job: Job, deadline: Deadline) -> Ended:
        try:
            request, name = requests.from_payload(_table(job.payload, "request")), str(job.payload["name"])
        except (KeyError, TypeError):
            return Ended(Dead("the job holds no request: was it put into the table by hand?"))
        if request.action == requests.COPYTO:
            return self._copyto(job, request, name, deadline)
        return self._copy(job, request, name, deadline)

    def _copyto(self, job: Job, request: Request, name: str, deadline: Deadline) -> Ended:
        if self._is_last(job):
            return self._answer(job, requests.failure(request, _last_words(job), TEMPORARY), name, failed=True)
        task = self._task(request, request.parameters["source_key"], request.parameters["target_key"], name)
        if task is None:
            return self._answer(job, _no_root(request), name, failed=True)
        result = self.runner.run([task], deadline)[0]
        if result.outcome is Outcome.UNFINISHED:
            return Ended(Release(), (result,))
        if result.outcome is Outcome.UNCHANGED:
            result = self._check_source(task, result)
        if result.ok:
            return self._answer(job, requests.success(request), name, result)
        if result.retryable and job.attempts < self.attempts - 1:
            return Ended(Retry(result.error), (result,))
        missing = result.error.endswith(_MISSING)
        status = NOT_FOUND if missing else TEMPORARY if result.retryable else UNCATEGORISED
        return self._answer(job, requests.failure(request, result.error, status), name, result, failed=True)

    def _check_source(self, task: Task, result: Result) -> Result:
        """To a route nothing is to be done for a key that is not there; to a request it is a failure."""
        try:
            if self.stores(task.source).look(task.key) is not None:
                return result
            return replace(result, outcome=Outcome.FAILED, error=f"{result.source}: {_MISSING}")
        except RelayError as error:
            return replace(result, outcome=Outcome.FAILED, error=str(error), retryable=error.retryable)

    def _copy(self, job: Job, request: Request, name: str, deadline: Deadline) -> Ended:
        counts = Counts(**{n: int(v) for n, v in _table(job.payload, "counts").items()})
        if self._is_last(job):
            reply = requests.failure(request, _last_words(job), TEMPORARY, counts)
            return self._answer(job, reply, name, failed=True)
        source, after = self.roots.get(request.parameters["source_root"]), str(job.payload.get("after", ""))
        again = [str(key) for key in _list(job.payload, "again")]
        try:
            keys = again or self._keys(request, after)
        except RelayError as error:
            if error.retryable:
                return Ended(Retry(str(error)))
            reply = requests.failure(request, str(error), requests.status_of(error), counts)
            return self._answer(job, reply, name, failed=True)
        if source is None or request.parameters["target_root"] not in self.roots:
            return self._answer(job, _no_root(request), name, failed=True)
        if not keys:
            return self._finish(job, request, name, counts)
        tasks = [task for key in keys if (task := self._task(request, key, _target_key(request, key), name))]
        results = self.runner.run(tasks, deadline)
        if any(result.outcome is Outcome.UNFINISHED for result in results):
            return Ended(Release(), tuple(results))
        return self._page(job, request, counts, keys, results)

    def _page(
        self, job: Job, request: Request, counts: Counts, keys: Sequence[str], results: Sequence[Result]
    ) -> Ended:
        """Hand on what a page came to: to the same page's next try, to the next page, or to the end."""
        tries = int(str(job.payload.get("tries", 0))) + 1
        later = [r.key for r in results if not r.ok and r.retryable]
        name, first = str(job.payload["name"]), str(job.payload.get("error", ""))
        ended = [r for r in results if r.ok or not r.retryable]
        counts = counts.plus(_count(ended))
        first = first or next((r.error for r in results if not r.ok), "")
        payload = {**job.payload, "counts": counts.members(), "error": first}
        if later and tries >= self.attempts:
            counts = counts.plus(Counts(failed=len(later)))
            return self._answer(job, requests.failure(request, first, TEMPORARY, counts), name, *results, failed=True)
        page, after = int(str(job.payload.get("page", 0))), str(job.payload.get("after", ""))
        listed = keys[-1] if not job.payload.get("again") else after  # a listing ascends
        page += 0 if later else 1
        payload |= {"again": later, "tries": tries if later else 0, "after": listed, "page": page}
        key = f"{name}/{page}/{payload['tries']}"
        delay = _PAUSE * tries if later else 0.0
        self.queue.enqueue([NewJob("copier", key, COPY, payload, Priority.BACKLOG, delay=delay)])
        if request.progress and self.replies and not later:
            letter = reply(self.replies, requests.progress(request, counts), name, str(job.payload["correlation"]))
            self.queue.enqueue([letter_job(REPLY, key, letter)])
        return Ended(Done(), tuple(results))

    def _finish(self, job: Job, request: Request, name: str, counts: Counts) -> Ended:
        first = str(job.payload.get("error", ""))
        if counts.failed:
            text = f"{counts.failed} objects could not be copied; the first: {first}"
            return self._answer(job, requests.failure(request, text, UNCATEGORISED, counts), name, failed=True)
        if counts == Counts() and request.parameters["source_prefix"]:
            text = f"{request.parameters['source_prefix']}: directory not found"
            return self._answer(job, requests.failure(request, text, _DIRECTORY_NOT_FOUND, counts), name, failed=True)
        return self._answer(job, requests.success(request, counts), name)

    def _keys(self, request: Request, after: str) -> list[str]:
        source = self.stores(self.roots[request.parameters["source_root"]])
        prefix = _folder(request.parameters["source_prefix"])
        return [info.key for info in islice(source.list(prefix, after), self.page)]

    def _task(self, request: Request, key: str, target_key: str, name: str) -> Task | None:
        source, target = (self.roots.get(request.parameters[which]) for which in ("source_root", "target_root"))
        if source is None or target is None:
            return None
        return Task(ROUTE, source, key, target, target_key, cause=name, asked=True)

    def _is_last(self, job: Job) -> bool:
        return job.attempts >= self.attempts > 1

    def _answer(self, job: Job, answer: Reply, name: str, *results: Result, failed: bool = False) -> Ended:
        """How the job ends. The letter with its reply is in the queue before that, so that no reply is lost."""
        if self.replies:
            letter = reply(self.replies, answer, name, str(job.payload["correlation"]))
            self.queue.enqueue([letter_job(REPLY, name, letter)])
        return Ended(Done({"status": str(answer["status"])}, failed=failed), results)


def _table(payload: Mapping[str, object], name: str) -> Mapping[str, Any]:
    table = payload.get(name, {})
    if not isinstance(table, Mapping):
        raise TypeError(name)
    return table


def _list(payload: Mapping[str, object], name: str) -> Sequence[object]:
    items = payload.get(name, ())
    return items if isinstance(items, list | tuple) else ()


def _no_root(request: Request) -> Reply:
    """A root that has left the configuration since the request was taken."""
    return {
        "pass_through": dict(request.pass_through),
        "status": "failure",
        "message": "Unrecognized root was provided.",
        "action": request.action,
    }


def _last_words(job: Job) -> str:
    return f"it was tried {job.attempts - 1} times, and the worker was killed or fell silent"


def _folder(prefix: str) -> str:
    """A prefix as a directory, as rclone takes it: `a/b` is not `a/bc`."""
    return f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""


def _target_key(request: Request, key: str) -> str:
    """The key at the target."""
    below = key[len(_folder(request.parameters["source_prefix"])) :]
    return _folder(request.parameters["target_prefix"]) + below


def _count(results: Sequence[Result]) -> Counts:
    return Counts(
        copied=sum(result.outcome is Outcome.COPIED for result in results),
        unchanged=sum(result.outcome is Outcome.UNCHANGED for result in results),
        failed=sum(not result.ok for result in results),
        bytes=sum(result.bytes for result in results),
    )
