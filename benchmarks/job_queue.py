"""How many jobs a second each database takes in, hands out and settles: `python benchmarks/job_queue.py [--jobs N]`.

One process; batches as the worker uses them. PostgreSQL is the one of the tests, but with fsync on.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bucketrelay.jobs.queue import JobQueue, NewJob

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--jobs", type=int, default=100_000)
    words.add_argument("--batch", type=int, default=1000)
    given = words.parse_args()

    import postgres_server
    from bucketrelay.jobs.postgres import PostgresQueue
    from bucketrelay.jobs.sqlite import SqliteQueue

    print("| database | enqueue | the same again | claim and settle, batches | one at a time |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", SqliteQueue(Path(folder) / "relay.db"), given.jobs, given.batch)
    with postgres_server.server("fsync=on", "shared_buffers=256MB") as server:
        measure("PostgreSQL", PostgresQueue(server.database(), "bench"), given.jobs, given.batch)


def measure(name: str, queue: "JobQueue", count: int, batch: int) -> None:
    """A row of the table."""
    from bucketrelay.jobs.queue import Done, NewJob

    def jobs() -> "Iterator[NewJob]":
        return (NewJob("photos to mirror", f"2026/11/{n:09}.jpg", "task", {"key": f"{n:09}"}) for n in range(count))

    began = time.perf_counter()
    assert queue.enqueue(jobs()).new == count
    enqueued = time.perf_counter()
    assert queue.enqueue(jobs()).already == count
    again = time.perf_counter()
    few = 500
    for _ in range(few):
        (got,) = queue.claim(1)
        queue.settle([(got, Done())])
    single = time.perf_counter()
    settled = few
    while got := queue.claim(batch):
        queue.settle([(each, Done()) for each in got])
        settled += len(got)
    ended = time.perf_counter()
    assert settled == count
    took = {count: enqueued - began, -count: again - enqueued, count - few: ended - single, few: single - again}
    print(f"| {name} | " + " | ".join(f"{abs(n) / seconds:,.0f}/s" for n, seconds in took.items()) + " |", flush=True)
    queue.close()


if __name__ == "__main__":
    main()
