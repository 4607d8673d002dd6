"""Configuration to what looks at everything that knows how far replication has come."""

from datetime import timedelta

from bucketrelay.config import Config
from bucketrelay.drivers.alarms import Alarm, announce
from bucketrelay.drivers.status import Survey, Thresholds, Waiting
from bucketrelay.jobs.queue import Counts, JobQueue
from bucketrelay.jobs.tasks import queue_of
from bucketrelay.model import Deletes, Result
from bucketrelay.system import System
from bucketrelay.wiring_forwards import alarm_receiver

_LOOKED_BACK = timedelta(days=1)


def survey(config: Config, system: System, jobs: JobQueue | None = None) -> Survey:
    """The survey of all routes; *jobs* is the queue, where there is one."""

    def target(result: Result) -> str:
        route = next((route for route in config.routes if route.name == result.route), None)
        if route is None:
            return ""
        if route.forward:
            return route.forward
        urls = {name: config.stores[name].address.of("") for name in route.targets}
        inside = [name for name, url in urls.items() if result.target.startswith(url)]
        return max(inside, key=lambda name: len(urls[name]), default="")

    limits = config.alarms
    thresholds = Thresholds(limits.lag, limits.failed, limits.dead, limits.books, limits.probe)

    def queued(route: str, target: str) -> Waiting:
        counts = jobs.counts(queue_of(route, target)) if jobs else Counts()
        return Waiting(counts.pending + counts.running, counts.dead, counts.oldest)

    follows = {route.name for route in config.routes if route.deletes is Deletes.FOLLOW}
    return Survey(
        config.routes,
        system.log(),
        target,
        system.now,
        blown=lambda route: route in follows and system.fuses.blown(route),
        queued=queued,
        thresholds=thresholds,
        rests=system.rests,
    )


def tell_alarms(config: Config, system: System, jobs: JobQueue | None = None) -> list[tuple[Alarm, bool]]:
    """Tell the webhook of `[alarms]` what has changed: each alarm, and whether it is up now. Nothing without one.

    Raises:
        RelayError: the log store could not be read, or nobody took the news: they are told the next time.
    """
    if not config.alarms.webhook or not config.log:
        return []
    now = system.now()
    lines, _ = survey(config, system, jobs).lines(now - _LOOKED_BACK)
    return announce(lines, system.log(), alarm_receiver(config), now)
