"""Configuration to a queue, and to who handles its jobs; with `wiring` all that knows the concrete classes."""

import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial

from bucketrelay import wiring_messages, wiring_status
from bucketrelay.config import Config
from bucketrelay.config.values import QueueConfig, ScheduleConfig
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.heartbeat import PATIENCE, heartbeats
from bucketrelay.drivers.housekeeping import HousekeepingReport, keep_house
from bucketrelay.drivers.inventory import InventorySync, Keeper, StoreFacts, inventory_kinds
from bucketrelay.drivers.reconcile.estimate import Estimate
from bucketrelay.drivers.reconcile.estimating import estimate_kind
from bucketrelay.drivers.reconcile.jobs import reconcile_kind
from bucketrelay.drivers.schedules import Schedule, fire
from bucketrelay.drivers.worker import Tunings, Worker, replay_kind, task_kind
from bucketrelay.drivers.worker.loop import World
from bucketrelay.durations import as_text
from bucketrelay.errors import RelayError
from bucketrelay.inventory.tables import Tables
from bucketrelay.jobs.inventory import key_job, store_job
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Done, Job, JobQueue, NewJob, Policy, Priority
from bucketrelay.jobs.tasks import KIND as TASK
from bucketrelay.jobs.tasks import queue_of
from bucketrelay.model import Result, Task
from bucketrelay.reports import lists
from bucketrelay.reports.prices import PRICES
from bucketrelay.statistics.tables import Statistics
from bucketrelay.system import System
from bucketrelay.wiring_tables import faces, need_psycopg, tables
from bucketrelay.wiring_tables import statistics as statistics_tables

_FRESH = 10.0  # seconds for which it is believed which stores have an inventory


def policy(config: QueueConfig) -> Policy:
    """How patient the queue is."""
    return Policy(lease=config.lease, attempts=config.attempts)


def queue(config: QueueConfig) -> JobQueue:
    """The queue; opened, and its tables made, at its first use."""
    if config.url:
        need_psycopg()
        from bucketrelay.jobs.postgres import PostgresQueue  # psycopg is an extra

        return PostgresQueue(config.url.reveal(), config.shown, policy(config))
    from bucketrelay.jobs.sqlite import SqliteQueue  # whoever has PostgreSQL needs no SQLite

    return SqliteQueue(config.path, policy(config))


def kinds(config: Config, system: System, jobs: JobQueue, stock: Tables, statistics: Statistics) -> dict[str, Kind]:
    """Who handles which kind of job. Each room adds its own here."""
    made = {
        TASK: task_kind(system, _follow_up(stock)),
        SWEEP: _sweep(system),
        ALARMS: _alarms(config, system, jobs, statistics),
        STATISTICS: _statistics(config, system, statistics),
        RECONCILE: reconcile_kind(system, partial(faces, config)),
        PROBE: _probe(config, system),
        REPLAY: replay_kind(system),
        ESTIMATE: estimate_kind(system, config.limits.part_size, partial(_whole, config)),
        **inventory_kinds(*keeper(config, system, stock)),
    }
    return {**made, **wiring_messages.kinds(config, system, jobs)}


def places(config: Config, each: Estimate) -> dict[str, str]:
    """Whose prices count for source, target and log."""
    route = next(route for route in config.routes if route.name == each.route)
    names = {"source": route.source_store, "target": each.target, "log": config.log}
    return {side: config.stores[name].address.scheme for side, name in names.items()}


def _whole(config: Config, each: Estimate) -> dict[str, object]:
    return each.whole(places(config, each), PRICES, config.limits.concurrency)


def keeper(config: Config, system: System, stock: Tables) -> tuple[Keeper, Callable[[str], StoreFacts]]:
    """Who keeps the inventory right, and the stores that he knows."""

    def facts(name: str) -> StoreFacts:
        store = system.store(name)  # raises where none has the name
        return StoreFacts(name, store, bool(config.stores[name].options.get("coms_id")))

    return Keeper(stock), facts


def inventory_sync(kept: Keeper, facts: Callable[[str], StoreFacts], jobs: JobQueue) -> InventorySync:
    """Who puts the inventory's jobs into the queue."""
    return InventorySync(kept, facts, jobs)


SWEEP, RECONCILE, REPLAY, ALARMS = "sweep", "reconcile", "replay", "alarms"
PROBE, STATISTICS, ESTIMATE = "probe", "statistics", "estimate"
_TELLING = 60.0  # seconds between two looks at the alarms, where somebody is to be told
_PROBING = 30.0  # seconds between two looks at the heartbeats, whether one is due or goes on
_COUNTING = 60.0  # seconds between two looks whether there are new lists


def _sweep(system: System) -> Kind:
    """The housekeeping, as a function's schedule without a text does it: abandoned uploads, what is to be verified."""

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        return [Ended(_keep_house(keep_house(system, deadline, f"sweep-{uuid.uuid4().hex}"))) for _ in jobs]

    return Kind(run)


def _alarms(config: Config, system: System, queue: JobQueue, statistics: Statistics) -> Kind:
    """Telling the alarms that have changed."""

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        deadline.check()
        told = wiring_status.tell_alarms(config, system, queue, statistics)
        return [Ended(Done({"told": len(told)})) for _ in jobs]

    return Kind(run, silent=True)


def _statistics(config: Config, system: System, statistics: Statistics) -> Kind:
    """Bringing the tables of what the lists tell up to date; what is left is for the next time."""

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        try:
            whole = wiring_status.collector(config, system, statistics).collect(deadline)
        except RelayError as error:  # a log store that cannot be asked now is asked in a minute: no job dies of it
            return [Ended(Done({"problems": [str(error)]}, failed=True)) for _ in jobs]
        return [Ended(Done({"whole": whole})) for _ in jobs]

    return Kind(run, silent=True)


def _probe(config: Config, system: System) -> Kind:
    """Heartbeats. A worker of one thread does not watch them: it is the one that has to bring them."""
    patience = PATIENCE if config.limits.concurrency > 1 else 0.0

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        problems = heartbeats(system, deadline, patience=patience)
        return [Ended(Done({"problems": problems[:10]}, failed=bool(problems))) for _ in jobs]

    return Kind(run, stops=True, silent=True)


def _keep_house(house: HousekeepingReport) -> Done:
    counts = {"verified": house.verified, "abandoned": house.abandoned, "again": house.again}
    return Done({**counts, "problems": house.problems[:10]}, failed=bool(house.problems))


def _follow_up(stock: Tables) -> Callable[[Task], tuple[NewJob, ...]]:
    """What follows from a task that changed its target: the target's inventory, if it is kept, is to be told."""
    known: list[tuple[float, frozenset[str]]] = [(0.0, frozenset())]

    def then(task: Task) -> tuple[NewJob, ...]:
        now = time.monotonic()
        if now >= known[0][0]:
            known[0] = now + _FRESH, stock.stores()
        return (key_job(task.target, task.target_key),) if task.target in known[0][1] else ()

    return then


def worker(
    config: Config,
    system: System,
    jobs: JobQueue,
    *,
    say: Callable[[str], None],
    tell: Callable[[Result], None] = lambda _: None,
) -> Worker:
    """A worker for all that the configuration can ask for.

    Args:
        say: takes sentences about the worker itself.
        tell: takes each result, beside the lists.
    """
    dates = calendar(config)
    stock, statistics = tables(config.queue), statistics_tables(config.queue)  # each opens its database at first use

    def close() -> None:
        stock.close()
        statistics.close()

    def record(results: Sequence[Result]) -> None:
        if not config.log:  # all copies are by message, and answered by one
            return
        lists.write(system.log(), results, invocation=f"worker-{uuid.uuid4().hex}", now=system.now())

    world = World(
        record,
        tell=tell,
        say=say,
        tick=lambda: fire(jobs, dates),
        resting=lambda: _resting(config, system),
        close=close,
    )
    several = sum(len(route.targets) or 1 for route in config.routes) + len(config.schedules) > 1
    tunings = Tunings(threads=config.limits.concurrency, share=0.75 if several else 1.0)
    return Worker(jobs, kinds(config, system, jobs, stock, statistics), policy(config.queue), world, tunings)


def _resting(config: Config, system: System) -> list[str]:
    """The queues of the routes that are paused, or whose windows are closed."""
    resting = [route for route in config.routes if system.rests(route.name)]
    return [queue_of(route.name, target) for route in resting for target in route.targets or (route.forward,)]


def calendar(config: Config) -> list[Schedule]:
    """The configuration's schedules, and those that nobody has to write.

    Who is to be told of alarms is told within a minute, what the lists tell is in the tables by then; heartbeats.
    """
    own = [
        (ALARMS, Priority.EVENT, _TELLING, config.alarms.webhook),
        (PROBE, Priority.EVENT, _PROBING, any(route.probe for route in config.routes)),
        (STATISTICS, Priority.BACKLOG, _COUNTING, config.log),
    ]
    made = [
        Schedule(what, NewJob(what, "", what, priority=priority), every)
        for what, priority, every, is_wanted in own
        if is_wanted
    ]
    return [*schedules(config.schedules), *made]


def schedules(configured: Sequence[ScheduleConfig]) -> list[Schedule]:
    """The schedules of the configuration, each with its job."""
    made = []
    for each in configured:
        when = f"every {as_text(each.every)}" if each.every else f"cron {each.cron}"
        job = _schedule_job(each)
        what = f"{job.queue} {job.key}".strip()
        made.append(Schedule(f"{what}, {when}", job, each.every, each.cron))
    return made


def _schedule_job(each: ScheduleConfig) -> NewJob:
    if each.reconcile:
        return NewJob(RECONCILE, each.reconcile, RECONCILE, {"route": each.reconcile}, Priority.BACKLOG, keep=True)
    if each.inventory:
        return store_job(each.inventory)
    return NewJob(SWEEP, "", SWEEP, priority=Priority.BACKLOG, keep=True)
