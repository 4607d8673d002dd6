"""A reconciliation as a job: one run by one of the workers, which goes on in another where a worker has to stop."""

import uuid
from collections.abc import Sequence

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile.order import wish, world
from bucketrelay.drivers.reconcile.run import Reconciliation
from bucketrelay.drivers.reconcile.ways import RunAtOnce
from bucketrelay.drivers.reconcile.wish import Remembering, nowhere
from bucketrelay.errors import ConfigError
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Dead, Done, Ending, Job, Release
from bucketrelay.system import System
from bucketrelay.values import replace


def reconcile_kind(system: System, remembering: Remembering = nowhere) -> Kind:
    """Who handles jobs whose payload is `{"route": …}`; their result is `{"books": [...]}`, with `problems` if any.

    Args:
        remembering: where the pairs of a wish are remembered.
    """

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        return [Ended(_run(job, system, remembering, deadline)) for job in jobs]

    return Kind(run, stops=True)


def _run(job: Job, system: System, remembering: Remembering, deadline: Deadline) -> Ending:
    repair = RunAtOnce(system, f"reconcile-{uuid.uuid4().hex}")
    try:
        order = replace(wish(system, str(job.payload.get("route", ""))), repair=repair, way="run")
    except ConfigError as error:
        return Dead(str(error))
    problems: list[str] = []
    with remembering(order, problems.append) as faces:
        work = Reconciliation(order, replace(world(system), faces=faces, complain=problems.append), deadline)
        work.begin()
        books = work.run()
    if not all(book.ended for book in books):
        return Release()  # the bookmark says where another worker goes on
    told = {"books": [book.members() for book in books]} | ({"problems": problems[:10]} if problems else {})
    return Done(told, failed=not all(book.well for book in books))
