"""A reconciliation as a job: one run by one of the workers, which goes on in another where a worker has to stop."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile.order import wish, world
from bucketrelay.drivers.reconcile.run import Reconciliation
from bucketrelay.drivers.reconcile.ways import RunHere
from bucketrelay.errors import ConfigError
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Dead, Done, Ending, Job, Release
from bucketrelay.system import System


def reconcile_kind(system: System) -> Kind:
    """Who handles jobs whose payload is `{"route": …}`; their result is `{"books": [...]}`."""

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        return [Ended(_run(job, system, deadline)) for job in jobs]

    return Kind(run, stops=True)


def _run(job: Job, system: System, deadline: Deadline) -> Ending:
    here = RunHere(system, f"reconcile-{uuid.uuid4().hex}")
    try:
        order = replace(wish(system, str(job.payload.get("route", ""))), repair=here, way="run")
    except ConfigError as error:
        return Dead(str(error))
    work = Reconciliation(order, world(system), deadline)
    work.begin()
    books = work.run()
    if not all(book.ended for book in books):
        return Release()  # the bookmark says where another worker goes on
    return Done({"books": [book.members() for book in books]}, failed=not all(book.well for book in books))
