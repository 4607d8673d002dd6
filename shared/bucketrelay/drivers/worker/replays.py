"""A job that replays failed lists, as far as a filter lets their lines through."""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bucketrelay.deadline import Deadline
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Done, Job, Payload
from bucketrelay.model import Result
from bucketrelay.reports.chosen import Chosen
from bucketrelay.reports.rerun import FailedList, Rerun, Selection
from bucketrelay.system import System

_TOGETHER = 200  # lines of several lists that are run at once


def replay_kind(system: System) -> Kind:
    """Who handles jobs whose payload is a filter; their result counts.

    `{"route", "cause", "since", "keys"}`: *cause* is the id of an event or message, as the lists have it, or why tasks
    failed, as `status` counts it. With `"forget": true` the lines end that no route wants any more; with `"go": true`
    the deletes are done that the route's fuse holds.
    """

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        del deadline
        return [Ended(_trace(system, job)) for job in jobs]

    return Kind(run)


def _trace(system: System, job: Job) -> Done:
    with system.traced(system, f"replay {job.id}") as traced:
        return _replay(traced, job.payload)


def _replay(system: System, payload: Payload) -> Done:
    again = Rerun(system.log(), system.routes, system.runner, system.now)
    go, route = bool(payload.get("go")), str(payload.get("route") or "")
    since = str(payload.get("since") or "")
    chosen = Chosen.of(payload)
    wanted = Selection(lambda line: chosen.takes(line.result), forget=bool(payload.get("forget")), unlimited=go)
    results: list[Result] = []
    problems: list[str] = []
    batch: list[FailedList] = []
    names = list(again.names(datetime.fromisoformat(since) if since else None))
    for number, name in enumerate(names, start=1):
        batch.append(again.read(name))
        if number == len(names) or sum(len(failures.lines) for failures in batch) >= _TOGETHER:
            ended = again.run(batch, wanted, f"replay-{uuid.uuid4().hex}")
            results += ended.results
            problems += ended.problems
            batch = []
    counts = Counter(result.outcome.value for result in results)
    if go and route and not problems:  # what was held is done: a new hour begins
        system.fuses.renew(route)
    failed = bool(problems) or not all(result.ok for result in results)
    return Done({"tasks": len(results), **counts, "problems": problems[:10]}, failed=failed)
