"""Copies by the target's server: nothing comes through here, and what the server will not do is carried."""

import itertools

import pytest

from bucketrelay.core.budget import Budget
from bucketrelay.core.stamp import NAME
from bucketrelay.deadline import Deadline
from bucketrelay.errors import CannotCopy, OutcomeUnknown, OutOfTime
from bucketrelay.model import Address, Meta, Outcome
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore

LARGE = bytes(range(100))


@pytest.fixture
def world(world):
    world.target = MemoryStore(
        Address("s3", "target"),
        now=world.now,
        copies=True,
        conditional=world.target.conditional,
        abilities=Abilities(min_part=1, streams=True),
    )
    return world


def test_the_server_copies_and_one_byte_comes_through_here(world):
    world.source.write("k", LARGE, Meta(content_type="a/b", user={"a": "1"}))
    result = world.run()

    copy = world.target.info("k")
    assert (result.outcome, result.bytes, world.target.body("k")) == (Outcome.COPIED, 100, LARGE)
    assert (copy.meta.content_type, copy.meta.user["a"]) == ("a/b", "1")
    assert NAME in copy.meta.user
    assert world.source.counts["pour"] == world.target.counts["put_part"] == world.target.counts["put"] == 0
    assert world.run().outcome is Outcome.UNCHANGED


def test_what_the_server_will_not_copy_is_carried_and_it_is_not_asked_again(world):
    for key in "ab":
        world.source.write(key, LARGE)
    world.target.fail("copy_from", CannotCopy("403"))
    core = world.core.one
    first, second = (core(world.task(key), Deadline()).outcome for key in "ab")

    assert (first, second) == (Outcome.COPIED, Outcome.COPIED)
    assert (world.target.body("a"), world.target.body("b")) == (LARGE, LARGE)
    assert world.target.counts["copy_from"] == 1


def test_a_source_that_changes_under_the_copy_ends_as_its_last_version(world):
    world.source.write("k", LARGE)
    world.target.arrange("copy_from", lambda: world.source.write("k", LARGE[::-1]), after=True)

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE[::-1]


def test_a_copy_whose_answer_was_lost_is_not_reported_done(world):
    world.source.write("k", LARGE)
    world.target.fail("copy_from", OutcomeUnknown("no answer"), after=True)

    assert world.run().outcome is Outcome.FAILED
    assert world.run().outcome is Outcome.UNCHANGED


def test_what_the_server_cannot_copy_in_one_invocation_is_carried_over_several(world):
    world.budget = Budget(world.memory, 1)
    world.source.write("k", LARGE)
    world.target.fail("copy_from", OutOfTime("it goes on too long"), times=99)
    outcomes = []
    while not outcomes or outcomes[-1] is Outcome.UNFINISHED:
        ticks = itertools.count()
        outcomes.append(world.run(deadline=Deadline(12, now=lambda ticks=ticks: float(next(ticks)))).outcome)
        assert len(outcomes) < 30

    assert outcomes[-1] is Outcome.COPIED
    assert world.target.body("k") == LARGE
    assert world.target.counts["copy_from"] == 1
    assert world.target.counts["put_part"] == 13
    assert world.log.keys() == []
