"""An estimate as a job: it is kept in the log store, where the page finds it."""

from collections.abc import Callable, Sequence

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.estimate import Estimate, backfill
from bucketrelay.errors import ConfigError
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Dead, Done, Ending, Job
from bucketrelay.reports.estimates import keep_estimate
from bucketrelay.system import System


def estimate_kind(system: System, part_size: int, whole: Callable[[Estimate], dict[str, object]]) -> Kind:
    """Who handles jobs whose payload is `{"route": …}`; their result is `{"rows": [...]}`.

    Args:
        whole: an estimate with its time and its money.
    """

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        deadline.check()
        return [Ended(_run(job)) for job in jobs]

    def _run(job: Job) -> Ending:
        route = str(job.payload.get("route", ""))
        try:
            wish = order.wish(system, route)
        except ConfigError as error:
            return Dead(str(error))
        rows = [whole(each) for each in backfill(wish, order.world(system), part_size)]
        keep_estimate(system.log(), route, rows, system.now())
        return Done({"rows": rows})

    return Kind(run)
