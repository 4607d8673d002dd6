"""Jobs out of the queue, done: the loop, and what is done with a job that is a task."""

from bucketrelay.drivers.worker.loop import Tunings, Worker
from bucketrelay.drivers.worker.replays import replay_kind
from bucketrelay.drivers.worker.tasks import task_kind

__all__ = ["Tunings", "Worker", "replay_kind", "task_kind"]
