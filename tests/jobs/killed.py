"""A worker to be killed: `python -m jobs.killed URL-or-path FOLDER`. Each job's effect is a line in its file."""

import os
import sys
import time
from pathlib import Path

from bucketrelay.drivers.worker.loop import Tunings, Worker, World
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.postgres import PostgresQueue
from bucketrelay.jobs.queue import Done, Policy
from bucketrelay.jobs.sqlite import SqliteQueue

POLICY = Policy(lease=2.0, attempts=1000)


def queue(place):
    """The queue of a test, by its URL or its path."""
    return PostgresQueue(place, "postgresql://…", POLICY) if "://" in place else SqliteQueue(Path(place), POLICY)


def main(place, folder):
    """Work until killed, or until nothing is left."""
    out = os.open(Path(folder) / f"{os.getpid()}.done", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def run(jobs, deadline):
        time.sleep(0.02)  # long enough to be killed in the middle of
        os.write(out, "".join(f"{job.key}\n" for job in jobs).encode())
        return [Ended(Done()) for _ in jobs]

    made = queue(place)
    kind = Kind(run, together=lambda job: ("all", 10))
    tunings = Tunings(threads=8, poll=0.05, gather=0.05)
    Worker(made, {"task": kind}, POLICY, World(lambda _: None), tunings).run(drain=True)
    made.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
