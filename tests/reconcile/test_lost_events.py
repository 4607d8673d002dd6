"""Events get lost and tasks fail; after `replay` and `reconcile` the books close, and rclone agrees."""

import json
import os
import random

import pytest

from bucketrelay.drivers import function as entry
from bucketrelay.errors import RelayError
from bucketrelay_emulators.engine.faults import Fault


def _record(key, name):
    bucket = {"name": "photos"}
    return {
        "eventSource": "aws:s3",
        "eventName": name,
        "eventVersion": "2.1",
        "s3": {"bucket": bucket, "object": {"key": key}},
    }


def _live(world, rng, count):
    """A user's day: writes, overwrites, deletes; each with its event. Straight into the server's directory."""
    events = []
    for n in range(7):
        (world.where["source"] / str(n)).mkdir()
    for n in range(count):
        key = f"{n % 7}/invoice-{n:05}"
        place = world.where["source"] / key
        place.write_bytes(b"%d" % n)
        events.append((key, "ObjectCreated:Put"))
        if n % 10 == 3:
            place.write_bytes(b"again %d" % n)
            events.append((key, "ObjectCreated:Put"))
        if n % 20 == 7:
            place.unlink()
            events.append((key, "ObjectRemoved:Delete"))
    rng.shuffle(events)
    return events


def _book(world, *words):
    """The books of a run, which goes on as often as a server that is too slow for its client has ended it.

    `rclone serve s3` reads and hashes its whole folder for each page of a thousand keys: of 100,000 objects on a busy
    machine a page may take more than a minute.
    """
    for _ in range(50):
        done = world.run("reconcile", "r", "--json", *words)
        if done.stdout:
            return json.loads(done.stdout), done.returncode
        assert "try again later" in done.stderr
    raise AssertionError(done.stderr)


# 100,000 take a quarter of an hour on two quiet cores: BUCKETRELAY_LOST_EVENTS=100000, or `make lost-events`.
_COUNTS = [int(count) for count in os.environ.get("BUCKETRELAY_LOST_EVENTS", "2000").split()]


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("count", _COUNTS)
def test_with_lost_events_and_failing_requests_both_sides_are_equal_in_the_end(world, count):
    rng, system = random.Random(count), world.system()
    events = _live(world, rng, count)
    heard = [event for event in events if rng.random() >= 0.05]
    assert len(heard) < len(events)
    # One request in a hundred fails, as its kind and its key decide: most of a task's repetitions succeed.
    world.proxy.faults.order(Fault(match=lambda _: rng.random() < 0.01, times=10**9, status=500))
    failures = 0
    for start in range(0, len(heard), 20):
        records = [_record(*event) for event in heard[start : start + 20]]
        try:
            report = entry.handle({"Records": records}, system, cloud="s3", seconds=60, invocation=f"i{start}")
            failures += sum(not result.ok for result in report.results)
        except RelayError:  # the lists could not be written, and nobody delivers this event again
            failures += 1
    assert failures
    world.proxy.faults.clear()
    system.close()

    replayed = world.run("replay")
    assert replayed.returncode == 0, replayed.stderr
    before, status = _book(world, "--check")
    assert status == (1 if before["missing"] + before["different"] + before["surplus"] else 0)
    assert before["missing"] + before["different"] > 0  # what was lost was lost
    book, status = _book(world)
    assert (status, book["complete"], book["failed"]) == (0, True, 0)
    assert book["repaired"] == before["missing"] + before["different"] + before["surplus"]
    assert book["source_objects"] == book["right"] + book["missing"] + book["different"] + book["failed"]
    assert book["target_objects"] == book["right"] + book["different"] + book["surplus"] + book["kept"]
    after, status = _book(world, "--check")
    assert (status, after["right"], after["target_objects"]) == (0, after["source_objects"], after["source_objects"])
    assert world.rclone_check()[0] == 0
