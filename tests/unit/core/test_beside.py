"""Both sides of a small object are looked at at once: one wait for two answers, and the same comes of it."""

import threading
from datetime import datetime, timezone

import pytest

from bucketrelay.core.beside import SMALL, Beside
from bucketrelay.deadline import Deadline, current, under
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.model import Address, Change, Meta, Outcome
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore


class Ahead(MemoryStore):
    """Is asked, and answers when somebody waits; or has no connection open."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.open, self.told, self.dropped = True, [], 0

    def begin_look(self, key):
        self.told.append("begin")
        return Waiting(self, key) if self.open else None


class Waiting:
    def __init__(self, store, key):
        self.store, self.key = store, key

    def answer(self):
        self.store.told.append("answer")
        return self.store.look(self.key, trust_bare_404=True)

    def drop(self):
        self.store.dropped += 1


@pytest.fixture
def world(world):
    abilities = Abilities(min_part=1, streams=True)
    world.target = Ahead(
        world.target.address, now=world.source.bucket.now, conditional=world.target.conditional, abilities=abilities
    )
    world.part_size = 64
    return world


def test_the_target_is_asked_before_the_source_and_heard_after_it(world):
    world.source.write("k", b"1")
    world.source.arrange("fetch", lambda: world.target.told.append("fetch"))

    assert world.run(size=1).outcome is Outcome.COPIED
    assert world.target.told == ["begin", "fetch", "answer"]
    assert world.target.body("k") == b"1"


def test_a_duplicate_event_costs_two_requests_and_writes_nothing(world):
    world.source.write("k", b"1")
    world.run(size=1)
    world.forget()

    assert world.run(size=1).outcome is Outcome.UNCHANGED
    assert world.requests == ["source.fetch", "target.look"]


@pytest.mark.parametrize("size", [None, SMALL + 1], ids=["unknown", "large"])
def test_bytes_that_may_come_in_vain_are_asked_for_where_they_are_few_alone(world, size):
    world.source.write("k", b"1")

    assert world.run(size=size).outcome is Outcome.COPIED
    assert world.target.told == []


@pytest.mark.parametrize("how", [{"shared": True}, {"meets": True}, {"again": True}, {"change": Change.REMOVED}])
def test_where_others_write_or_the_bytes_may_well_come_in_vain_one_is_looked_at_after_the_other(world, how):
    world.source.write("k", b"1")

    assert world.run(size=1, **how).outcome is Outcome.COPIED
    assert world.target.told == []


def test_an_overwrite_of_a_later_second_takes_four_requests(world):
    world.source.write("k", b"1")
    world.run(size=1)
    world.source.write("k", b"2")
    world.forget()

    assert world.run(size=1).outcome is Outcome.COPIED
    assert len(world.requests) == 4


def test_a_newer_copy_that_came_in_between_is_not_overwritten(world):
    world.source.write("k", b"1")

    def overtake():
        world.source.write("k", b"22")
        world.run()

    world.target.arrange("look", overtake)  # the source has been seen by then

    assert world.run(size=1).outcome is Outcome.UNCHANGED
    assert world.target.counts["put"] == 1
    assert world.equal()


def test_a_newer_copy_of_the_same_second_is_not_overwritten_either(world):
    nine = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
    world.source.bucket.now = world.target.bucket.now = lambda: nine
    world.source.write("k", b"1")

    def overtake():
        world.source.write("k", b"22")
        world.run()

    world.target.arrange("look", overtake)

    assert world.run(size=1).outcome is Outcome.UNCHANGED
    assert world.target.counts["put"] == 1
    assert world.equal()


@pytest.mark.parametrize("conditional", [False])
def test_what_was_absent_first_and_copied_then_is_not_deleted(world):
    def create():
        world.source.write("k", b"1")
        world.run()

    world.target.arrange("look", create)

    assert world.run(size=1).outcome is Outcome.UNCHANGED
    assert world.target.counts["delete"] == 0
    assert world.equal()


def test_after_a_change_each_side_is_looked_at_by_itself(world):
    world.source.write("k", b"1")
    world.target.arrange("put", lambda: world.source.write("k", b"2"))

    assert world.run(size=1).outcome is Outcome.COPIED
    assert world.target.body("k") == b"2"
    assert world.target.told == ["begin", "answer"]


def test_a_target_that_may_not_be_looked_at_is_not_written(world):
    world.source.write("k", b"1")
    world.target.fail("look", StoreRefused("403"), times=99)
    result = world.run(size=1)

    assert (result.outcome, result.retryable) == (Outcome.FAILED, False)
    assert world.target.counts["put"] == 0


@pytest.mark.parametrize("error", [StoreRefused("403"), StoreUnavailable("503")], ids=["refused", "unavailable"])
def test_where_the_source_does_not_answer_nobody_waits_for_the_target(world, error):
    world.source.write("k", b"1")
    world.source.fail("fetch", error, times=99)

    assert world.run(size=1).outcome is Outcome.FAILED
    assert world.target.dropped == 1
    assert world.target.counts["put"] == 0
    assert world.budget._free == world.budget._total


def test_what_may_not_be_read_may_be_right_all_the_same(world):
    """An object that was archived since: its bytes are refused, and that it is still the version of the copy is not."""
    world.source.write("k", b"1", Meta(content_type="a/b"))
    world.run(size=1)
    fetch, refused = world.source.fetch, []

    def archived(key, length, *, unless="", size=None):
        if unless:
            return fetch(key, length, unless=unless, size=size)
        refused.append(key)
        raise StoreRefused("403 InvalidObjectState")

    world.source.fetch = archived

    assert world.run(size=1).outcome is Outcome.UNCHANGED
    assert refused == ["k"]


class TestWithoutAConnection:
    """At a process's first requests: to open one is to wait, too."""

    def test_another_thread_looks_meanwhile(self, world):
        world.source.write("k", b"1")
        world.target.open, both = False, threading.Barrier(2, timeout=60)
        world.target.arrange("look", both.wait)
        world.source.arrange("fetch", both.wait)

        assert world.run(size=1).outcome is Outcome.COPIED
        assert world.target.body("k") == b"1"

    def test_what_that_thread_is_refused_is_raised_here(self, world):
        world.target.open = False
        world.target.fail("look", StoreRefused("403"), times=99)
        with Beside(world.target, "k") as look, pytest.raises(StoreRefused, match="403"):
            look.answer()

    def test_it_has_no_more_time_than_this_one(self):
        lefts = []

        class Store(Ahead):
            def look(self, key, *, trust_bare_404=False):
                lefts.append(current().remaining())
                return super().look(key, trust_bare_404=trust_bare_404)

        store = Store(Address("s3", "b"))
        store.open = False
        with under(Deadline(7.0)), Beside(store, "k") as look:
            assert look.answer() is None
        assert 0 < lefts[0] <= 7.0
