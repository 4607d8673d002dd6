"""Configuration to what looks at everything that knows how far replication has come."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bucketrelay.config import Config
from bucketrelay.drivers.alarms import Alarm, announce
from bucketrelay.drivers.status import ListFigures, Survey, Thresholds, Waiting
from bucketrelay.jobs.queue import Counts, JobQueue
from bucketrelay.jobs.tasks import queue_of
from bucketrelay.model import Deletes, Result
from bucketrelay.reports.sums import slice_start
from bucketrelay.statistics.collecting import Collector
from bucketrelay.statistics.tables import Statistics
from bucketrelay.system import System
from bucketrelay.wiring_forwards import alarm_receiver

_LOOKED_BACK = timedelta(days=1)


def collector(config: Config, system: System, tables: Statistics) -> Collector:
    """Who brings the tables up to date with the lists."""
    return Collector(system.log(), tables, _target_of(config), system.now)


def survey(config: Config, system: System, jobs: JobQueue | None = None, tables: Statistics | None = None) -> Survey:
    """The survey of all routes.

    Args:
        jobs: the queue, where there is one.
        tables: what the lists have told, where there is a database; else the lists are read.
    """
    limits = config.alarms
    thresholds = Thresholds(limits.lag, limits.failed, limits.dead, limits.books, limits.probe)

    def waiting(route: str, target: str) -> Waiting:
        counts = jobs.counts(queue_of(route, target)) if jobs else Counts()
        return Waiting(counts.pending + counts.running, counts.dead, counts.oldest)

    def collect(since: datetime) -> ListFigures | None:
        if tables is None:
            return None
        made = collector(config, system, tables)
        return made if made.begins() <= slice_start(since) else None

    follows = {route.name for route in config.routes if route.deletes is Deletes.FOLLOW}
    return Survey(
        config.routes,
        system.log(),
        _target_of(config),
        system.now,
        blown=lambda route: route in follows and system.fuses.blown(route),
        queued=waiting,
        thresholds=thresholds,
        rests=system.rests,
        kept=collect,
    )


def _target_of(config: Config) -> Callable[[Result], str]:
    """The name of the store, or of the forward, that a result was for."""

    def target(result: Result) -> str:
        route = next((route for route in config.routes if route.name == result.route), None)
        if route is None:
            return ""
        if route.forward:
            return route.forward
        urls = {name: config.stores[name].address.of("") for name in route.targets}
        inside = [name for name, url in urls.items() if result.target.startswith(url)]
        return max(inside, key=lambda name: len(urls[name]), default="")

    return target


def tell_alarms(
    config: Config, system: System, jobs: JobQueue | None = None, tables: Statistics | None = None
) -> list[tuple[Alarm, bool]]:
    """Tell the webhook of `[alarms]` what has changed: each alarm, and whether it is up now. Nothing without one.

    Raises:
        RelayError: the log store could not be read, or nobody took the news: they are told the next time.
    """
    if not config.alarms.webhook or not config.log:
        return []
    now = system.now()
    lines, _ = survey(config, system, jobs, tables).lines(now - _LOOKED_BACK)
    return announce(lines, system.log(), alarm_receiver(config), now)
