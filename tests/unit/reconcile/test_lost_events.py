"""Events get lost, tasks fail; after the failed lists were run again and the sides reconciled, both are equal."""

import random

import pytest

from bucketrelay.drivers import function as entry
from bucketrelay.drivers.replay import replay_of
from bucketrelay.errors import RelayError, StoreUnavailable
from bucketrelay.model import Deletes


def _day(world, rng, count):
    """Writes, overwrites and deletes, each with its event; the events in no order."""
    events = []
    for n in range(count):
        key = f"{n % 7}/invoice-{n:05}"
        world.source.write(key, b"%d" % n)
        events.append((key, "ObjectCreated:Put"))
        if n % 10 == 3:
            world.source.write(key, b"again %d" % n)
            events.append((key, "ObjectCreated:Put"))
        if n % 20 == 7:
            world.source.remove(key)
            events.append((key, "ObjectRemoved:Delete"))
    rng.shuffle(events)
    return events


def _record(key, name):
    said = {"eventSource": "aws:s3", "eventName": name, "eventVersion": "2.1"}
    return {**said, "s3": {"bucket": {"name": "source-bucket"}, "object": {"key": key}}}


def _heard(world, heard):
    """The function is told of these; how many of its tasks, or lists, failed."""
    failed = 0
    for start in range(0, len(heard), 50):
        records = [_record(*event) for event in heard[start : start + 50]]
        try:
            report = entry.handle({"Records": records}, world.system, cloud="s3", seconds=60, invocation=f"i{start}")
            failed += sum(not result.ok for result in report.results)
        except RelayError:  # the lists could not be written, and nobody delivers these events again
            failed += 1
    return failed


@pytest.mark.parametrize(
    ("seed", "count"), [(0, 300), *(pytest.param(seed, 1000, marks=pytest.mark.slow) for seed in range(3))]
)
def test_lost_events_and_failures_are_made_up_for(world, seed, count):
    world.route_with(deletes=Deletes.FOLLOW, max_deletes=10_000)
    rng = random.Random(seed)
    heard = [event for event in _day(world, rng, count) if rng.random() >= 0.05]

    def fail():
        if rng.random() < 10 / count:
            raise StoreUnavailable("one in a hundred")

    for store in world.stores.values():
        for verb in ("put", "fetch", "look", "delete", "copy_from"):
            store.arrange(verb, fail, 10**9)
    assert _heard(world, heard)
    for store in world.stores.values():
        store.orders.clear()

    for ended in replay_of(world.system).run(None, "", "replay"):
        assert not ended.problems
        assert all(result.ok for result in ended.results)
    before = world.book(check=True)
    assert before["missing"] + before["different"] > 0  # what was lost was lost
    book = world.book()
    assert (book["complete"], book["failed"], book["kept"]) == (True, 0, 0)
    assert book["repaired"] == before["missing"] + before["different"] + before["surplus"]
    assert {key: world.target.body(key) for key in world.target.keys()} == {
        key: world.source.body(key) for key in world.source.keys()
    }
    after = world.book(check=True)
    assert (after["right"], after["source_objects"], after["target_objects"]) == (len(world.source.keys()),) * 3
