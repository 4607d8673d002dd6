"""A configuration's job queue and statistics, for who only looks: where there is no database, none is made."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext

from bucketrelay import wiring_jobs, wiring_tables
from bucketrelay.config import Config
from bucketrelay.jobs.queue import JobQueue
from bucketrelay.statistics.tables import Statistics


@contextmanager
def job_queue(config: Config) -> Iterator[JobQueue | None]:
    """The configured queue, if somebody has used it."""
    with closing(wiring_jobs.queue(config.queue)) if _is_in_use(config) else nullcontext() as jobs:
        yield jobs


@contextmanager
def statistics(config: Config) -> Iterator[Statistics | None]:
    """The tables of what the lists tell, if there is a database."""
    with closing(wiring_tables.statistics(config.queue)) if _is_in_use(config) else nullcontext() as tables:
        yield tables


def _is_in_use(config: Config) -> bool:
    return config.queue.url is not None or config.queue.path.exists()
