"""The job queue of a configuration, for who only looks."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from bucketrelay import wiring_jobs, wiring_tables
from bucketrelay.config import Config
from bucketrelay.jobs.queue import JobQueue
from bucketrelay.statistics.tables import Statistics


@contextmanager
def job_queue(config: Config) -> Iterator[JobQueue | None]:
    """The configured queue, if somebody has used it: who only looks makes no database."""
    if not _is_there(config):
        yield None
        return
    with closing(wiring_jobs.queue(config.queue)) as jobs:
        yield jobs


@contextmanager
def statistics(config: Config) -> Iterator[Statistics | None]:
    """The tables of what the lists tell, where there is a database: who only looks makes none."""
    if not _is_there(config):
        yield None
        return
    with closing(wiring_tables.statistics(config.queue)) as tables:
        yield tables


def _is_there(config: Config) -> bool:
    return config.queue.url is not None or config.queue.path.exists()
