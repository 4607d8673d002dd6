"""The job queue of a configuration, for who only looks."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from bucketrelay import wiring_jobs
from bucketrelay.config import Config
from bucketrelay.jobs.queue import JobQueue


@contextmanager
def job_queue(config: Config) -> Iterator[JobQueue | None]:
    """The configured queue, if somebody has used it: who only looks makes no database."""
    if config.queue.url is None and not config.queue.path.exists():
        yield None
        return
    with closing(wiring_jobs.queue(config.queue)) as jobs:
        yield jobs
