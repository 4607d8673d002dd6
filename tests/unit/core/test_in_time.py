"""Whatever takes effect is begun only while there is time; the clock is moved by the requests themselves."""

import threading
from types import SimpleNamespace

import pytest

from bucketrelay.core import parts as transfer
from bucketrelay.core.budget import Budget
from bucketrelay.deadline import Deadline, current
from bucketrelay.errors import OutcomeUnknown, StoreRefused, StoreUnavailable
from bucketrelay.model import Change, Outcome
from bucketrelay.store import Abilities

LARGE = bytes(range(100))  # 13 parts of 8 bytes


class Clock:
    """Stands still until somebody moves it."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds

    def later(self, seconds):
        self.seconds += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def world(world):
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.budget = Budget(world.memory, 1)
    return world


def run(world, clock, **how):
    """A task that has ten seconds, in one thread."""
    with world.budget.places(1):
        return world.run(deadline=Deadline(10, now=clock), **how)


def late(clock, error):
    """The time is used up, and *error* is what comes of it."""
    clock.later(10)
    raise error


def unfinished(result):
    return (result.outcome, result.retryable) == (Outcome.UNFINISHED, True)


def test_no_put_is_begun_when_the_time_is_up(world, clock):
    world.source.write("k", b"12345")
    world.source.arrange("fetch", lambda: clock.later(10), after=True)

    assert unfinished(run(world, clock))
    assert world.target.counts["put"] == 0


def test_no_upload_is_begun_when_the_time_is_up(world, clock):
    world.source.write("k", LARGE)
    world.source.arrange("fetch", lambda: clock.later(10), after=True)

    assert unfinished(run(world, clock))
    assert world.target.counts["begin"] == 0


def test_no_upload_is_published_when_the_time_is_up_and_the_next_invocation_does_no_more_than_that(world, clock):
    world.source.write("k", LARGE)

    def last():
        if world.target.counts["put_part"] == 13:
            clock.later(10)

    world.target.arrange("put_part", last, times=99, after=True)

    assert unfinished(run(world, clock))
    assert world.target.counts["commit"] == 0
    assert world.run().outcome is Outcome.COPIED
    assert (world.target.counts["put_part"], world.target.body("k")) == (13, LARGE)


def test_no_part_is_sent_when_the_time_is_up(world, clock):
    world.source.write("k", LARGE)
    world.source.arrange("pour", lambda: clock.later(10), after=True)

    assert unfinished(run(world, clock))
    (upload,) = world.target.uploads()
    assert [part.number for part in world.target.parts(upload)] == [1]  # the one that came with the look at the source


def test_no_part_is_begun_that_would_take_longer_than_what_is_left(world, clock, monkeypatch):
    monkeypatch.setattr(transfer, "time", SimpleNamespace(monotonic=clock))
    world.source.write("k", LARGE)
    world.source.arrange("pour", lambda: clock.later(4), times=99)

    assert unfinished(run(world, clock))
    assert world.source.counts["pour"] == 2  # after which 2 seconds are left


def test_nothing_is_deleted_when_the_time_is_up(world, clock):
    world.source.write("k", b"12345")
    world.run()
    world.source.remove("k")
    world.source.arrange("fetch", lambda: clock.later(10), after=True)

    assert unfinished(run(world, clock, change=Change.REMOVED))
    assert world.target.counts["delete"] == 0


@pytest.mark.parametrize("error", [OutcomeUnknown("no answer to a write"), StoreUnavailable("no answer in time")])
def test_a_request_that_the_deadline_cut_off_leaves_its_task_unfinished_as_one_does_that_hangs_on(world, clock, error):
    """Which of both it is, is a race of two threads for the same moment."""
    world.source.write("k", b"12345")
    world.target.arrange("put", lambda: late(clock, error))
    result = run(world, clock)

    assert unfinished(result)
    assert (result.lingers, result.error) == (error.lingers, str(error))


def test_a_refusal_is_one_whenever_it_comes(world, clock):
    world.source.write("k", b"12345")
    world.target.arrange("put", lambda: late(clock, StoreRefused("403")))

    assert run(world, clock).outcome is Outcome.FAILED


def test_every_request_is_made_under_the_deadline_of_its_task_also_by_threads_that_help(world):
    world.budget = Budget(world.memory, 4)
    world.source.write("k", LARGE)
    seen, deadline, two = [], Deadline(60), threading.Barrier(2, timeout=20)
    for store, verb in ((world.target, "look"), (world.source, "fetch"), (world.target, "commit")):
        store.arrange(verb, lambda verb=verb: seen.append((verb, threading.get_ident(), current())))

    def read():
        two.wait()
        seen.append(("read", threading.get_ident(), current()))

    world.source.arrange("pour", read, times=2)

    assert world.run(deadline=deadline).outcome is Outcome.COPIED
    assert [verb for verb, _, _ in seen] == ["look", "fetch", "read", "read", "commit"]
    assert len({thread for verb, thread, _ in seen if verb == "read"}) == 2
    assert {asked for _, _, asked in seen} == {deadline}
