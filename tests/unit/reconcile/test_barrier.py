"""A barrier proves that every write of now is at every target, or names what is not."""

import itertools

import pytest

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.barrier import Barrier, Missing
from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Meta, ObjectInfo


class Time:
    """Passes by sleeping alone; *then* says what somebody does at which sleep."""

    def __init__(self, seconds, then):
        self.now, self.slept, self._then = 0.0, [], iter(then)
        self.deadline = Deadline(seconds, now=lambda: self.now)

    def sleep(self, seconds):
        self.now += seconds
        self.slept.append(seconds)
        next(self._then, lambda: None)()


@pytest.fixture
def barrier(world):
    def wait(seconds=60, then=()):
        time = Time(seconds, then)
        return Barrier(order.wish(world.system, "r"), order.world(world.system), time.sleep).wait(time.deadline), time

    return wait


def test_all_is_there_and_nobody_sleeps(world, barrier):
    world.source.write("a")
    world.replicate("a")

    missing, time = barrier()

    assert (missing, time.slept) == ([], [])


def test_a_write_that_no_event_told_of_is_named(world, barrier):
    world.source.write("a")
    world.replicate("a")
    world.source.write("lost", b"12345")

    missing, _ = barrier()

    assert [(each.target, each.key, each.written.size, each.why) for each in missing] == [
        ("target", "lost", 5, "the target has no such key")
    ]


def test_an_overwrite_that_no_event_told_of_is_named(world, barrier):
    world.source.write("a", b"old")
    world.replicate("a")
    world.source.write("a", b"new")

    missing, _ = barrier()

    assert [each.key for each in missing] == ["a"]


def test_it_waits_for_what_is_on_its_way(world, barrier):
    world.source.write("a")

    missing, time = barrier(then=[lambda: None, lambda: world.replicate("a")])

    assert (missing, time.slept) == ([], [0.5, 1.0])


def test_it_ends_when_its_time_is_up(world, barrier):
    world.source.write("a")

    missing, time = barrier(seconds=4)

    assert len(missing) == 1
    assert sum(time.slept) == pytest.approx(4)


def test_what_is_deleted_meanwhile_is_not_waited_for(world, barrier):
    world.source.write("a")

    missing, _ = barrier(then=[lambda: world.source.remove("a")])

    assert missing == []


def test_what_is_written_after_it_began_is_not_its_business(world, barrier):
    world.source.write("a")

    def late():
        world.replicate("a")
        world.source.write("b")

    assert barrier(then=[late])[0] == []


def test_an_overwrite_after_it_began_does_not_hide_that_the_first_write_never_arrived(world, barrier):
    world.source.write("a", b"first")

    missing, _ = barrier(seconds=2, then=[lambda: world.source.write("a", b"second")])

    assert [each.key for each in missing] == ["a"]


def test_a_write_that_arrived_counts_though_it_is_overwritten_at_the_source(world, barrier):
    world.source.write("a", b"first")

    def both():
        world.replicate("a")
        world.source.write("a", b"second")

    assert barrier(then=[both])[0] == []


def test_a_target_that_cannot_be_asked_proves_nothing(world, barrier):
    world.source.write("a")
    world.replicate("a")
    world.source.write("b")

    def refuse():
        world.target.fail("look", StoreUnavailable("503"), times=99)

    missing, _ = barrier(seconds=1, then=[refuse])

    assert [each.key for each in missing] == ["b"]


def test_a_listing_that_is_refused_is_an_error_and_no_proof(world, barrier):
    world.source.write("a")
    world.source.fail("list", StoreUnavailable("503"), times=99)

    with pytest.raises(StoreUnavailable):
        barrier()


def test_metadata_that_was_rewritten_while_a_copy_was_on_its_way_is_named_though_no_listing_shows_it(world, barrier):
    world.source.write("a", b"1", Meta(user={"v": "1"}))
    rewrite = Meta(user={"v": "2"})
    world.source.copies = world.target.copies = False
    world.target.arrange("put", lambda: world.source.write("a", b"1", rewrite), key="a")
    world.replicate("a")  # and the event of the other write is lost
    source, target = world.source.info("a"), world.target.info("a")
    assert (source.etag, source.modified < target.modified) == (target.etag, True)

    missing, _ = barrier(seconds=0)

    assert [(each.key, each.why) for each in missing] == [("a", "the target is a copy of another version")]


def test_of_what_was_written_days_ago_the_listings_are_believed(world, barrier):
    world.source.write("a")
    world.replicate("a")
    world.now.seconds = itertools.count(3 * 86400)
    before = len(world.target.calls)

    assert barrier()[0] == []
    assert {verb for verb, _ in world.target.calls[before:]} == {"list"}


def test_a_write_that_yielded_to_a_newer_one_at_the_target_is_not_waited_for(world, barrier):
    world.route_with(meets=frozenset({"target"}))
    world.source.write("a", b"older")
    world.target.write("a", b"newer")

    assert barrier(seconds=0)[0] == []


def test_what_another_tool_has_brought_there_is_there(world, barrier):
    world.source.write("a", b"same", Meta(content_type="text/plain"))
    world.target.write("a", b"same", Meta(content_type="text/plain"))
    world.source.write("b", b"same", Meta(content_type="text/plain"))
    world.target.write("b", b"same", Meta(content_type="text/html"))

    assert [each.key for each in barrier(seconds=0)[0]] == ["b"]


def test_keys_that_the_filters_leave_out_are_not_waited_for(world, barrier):
    world.route_with(exclude=("*.tmp",))
    world.source.write("x.tmp")

    assert barrier()[0] == []


def test_a_line_of_json_names_the_write():
    line = Missing("mirror", "k", ObjectInfo("k", 3, "e"), "why").members()
    assert line == {"target": "mirror", "key": "k", "size": 3, "written": None, "why": "why"}
