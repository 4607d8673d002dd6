"""Writes under way: which have a marker, for how long, and what that costs."""

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.core.verify import Verify
from bucketrelay.core.writes import LONG, SLOW, Writes
from bucketrelay.deadline import Deadline, under
from bucketrelay.errors import OutcomeUnknown, OutOfTime, StoreRefused, StoreUnavailable, TargetChanged
from bucketrelay.model import Address, Deletes, Outcome, Result, Task
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore
from fakes import OneByOne

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
TASK = Task("r", "source", "k", "target", "k")
LOST = Result("r", "", "created", "", "", "k", Outcome.FAILED, NOW, lingers=True)


class World:
    def __init__(self):
        self.log, self.target = MemoryStore(Address("s3", "logs")), MemoryStore(Address("obs", "target"))
        self.clock = 0.0
        self.writes = Writes(
            Verify(lambda: self.log, lambda name: self.target, lambda: NOW), lambda: self.clock, lambda: "nonce"
        )

    @property
    def markers(self):
        return [key for key in self.log.keys() if key.startswith("verify/")]

    def wait(self, seconds=SLOW):
        self.clock += seconds
        self.writes.note_slow(Deadline())

    def fail(self, error):
        """A slow write that ends with *error*."""
        with suppress(type(error)), self.writes.under_way(TASK):
            self.wait()
            raise error


@pytest.fixture
def world():
    return World()


def test_a_write_that_ends_at_once_costs_nothing(world):
    with world.writes.under_way(TASK):
        world.wait(SLOW / 2)
    world.wait()

    assert world.log.calls == []


def test_a_slow_write_has_one_marker_while_it_is_under_way_and_none_once_it_has_ended(world):
    with under(Deadline(600, now=lambda: 0.0)), world.writes.under_way(TASK):
        world.wait()
        world.wait()
        (name,) = world.markers
        assert name.startswith("verify/20261121T124000Z/")  # half an hour after the end of the invocation
    assert world.markers == []
    assert [verb for verb, _ in world.log.calls] == ["put", "delete"]


@pytest.mark.parametrize("error", [TargetChanged("changed"), StoreRefused("403"), StoreUnavailable("503")])
def test_what_surely_had_no_effect_leaves_no_marker(world, error):
    world.fail(error)

    assert world.markers == []


@pytest.mark.parametrize("error", [OutcomeUnknown("no answer"), KeyboardInterrupt(), ZeroDivisionError()])
def test_the_marker_of_a_slow_write_without_an_answer_stays(world, error):
    world.fail(error)

    assert len(world.markers) == 1


def test_a_write_without_an_answer_has_one_marker_however_long_it_took(world):
    deadline = Deadline()
    with under(deadline):
        world.fail(OutcomeUnknown("no answer"))
    assert world.writes.note(TASK, LOST, deadline) is LOST
    assert len(world.markers) == 1
    assert world.writes.note(TASK, LOST, deadline) is LOST  # another one, which was not slow
    assert len(world.markers) == 2


@pytest.mark.parametrize("outcome", [Outcome.COPIED, Outcome.FAILED, Outcome.UNFINISHED])
def test_a_task_whose_marker_could_not_be_put_comes_again(world, outcome):
    world.log.fail("put", StoreRefused("403"))
    noted = world.writes.note(TASK, replace(LOST, outcome=outcome), Deadline())

    assert (noted.ok, noted.retryable) == (False, True)
    assert "it could not be noted to be verified: 403" in noted.error


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize(("again", "conditional", "markers"), [(True, False, 1), (True, True, 0), (False, False, 0)])
def test_a_task_that_comes_again_from_a_run_of_which_nobody_knows_the_end_is_verified(
    world, outcome, again, conditional, markers
):
    """That run may have been killed within the two seconds in which its write had no marker."""
    world.target = MemoryStore(Address("obs", "target"), conditional=conditional)
    ended = replace(LOST, outcome=outcome, lingers=False)

    assert world.writes.note(replace(TASK, again=again), ended, Deadline()) is ended
    assert len(world.markers) == markers


def test_a_slow_write_that_is_left_behind_has_one_marker(world):
    deadline = Deadline()
    with under(deadline), world.writes.under_way(TASK):
        world.wait()
        world.writes.note(TASK, LOST, deadline)
        assert len(world.markers) == 1


def test_a_marker_that_could_not_be_put_is_put_at_the_next_look(world):
    world.log.fail("put", StoreUnavailable("503"))
    with world.writes.under_way(TASK):
        world.wait()
        assert world.markers == []
        world.wait()
        assert len(world.markers) == 1


def test_a_marker_that_arrives_after_the_end_of_its_write_goes_again(world):
    writing = world.writes.under_way(TASK)
    writing.__enter__()
    world.log.arrange("put", lambda: writing.__exit__(None, None, None))
    world.wait()

    assert world.markers == []


def test_two_sources_of_one_key_have_a_marker_each_and_so_have_two_processes(world):
    other = Writes(Verify(lambda: world.log, lambda name: world.target, lambda: NOW), lambda: world.clock)
    with (
        world.writes.under_way(TASK),
        other.under_way(TASK),
        world.writes.under_way(Task("r", "b", "k", "target", "k")),
    ):
        world.clock += SLOW
        world.writes.note_slow(Deadline())
        other.note_slow(Deadline())
        assert len(world.markers) == 3


def test_without_a_log_store_nothing_is_noted(world):
    writes = Writes()
    with writes.under_way(TASK):
        writes.note_slow(Deadline())
    assert writes.note(TASK, LOST, Deadline()) is LOST


def test_the_runner_looks_after_slow_writes_while_it_waits(world):
    """The put is let go by its own marker, so without one this would never end."""
    noted = threading.Event()
    world.log.arrange("put", noted.set, after=True)
    writes = Writes(Verify(lambda: world.log, lambda name: world.target, lambda: NOW))

    def deliver(task, deadline):
        with under(deadline), writes.under_way(task):
            assert noted.wait(60)
        return Result("r", "", "created", "", "", "k", Outcome.COPIED, NOW)

    runner = Runner(OneByOne(deliver), Budget(1024, 2), Results(lambda task: ("", ""), lambda: NOW), writes)
    (result,) = runner.run([TASK], Deadline())

    assert result.outcome is Outcome.COPIED
    assert world.markers == []


# What may fall on another source's newer copy unseen.


def test_a_write_that_may_overwrite_unseen_has_its_marker_before_it_is_sent_and_keeps_it(world):
    deadline = Deadline()
    with under(deadline), world.writes.under_way(TASK, unseen=True):
        assert len(world.markers) == 1
        world.wait()
        assert world.writes.note(TASK, LOST, deadline) is LOST
    assert len(world.markers) == 1
    assert [verb for verb, _ in world.log.calls] == ["put"]


@pytest.mark.parametrize("error", [StoreRefused("403"), StoreUnavailable("503")])
def test_nothing_is_written_unseen_that_could_not_be_noted_and_the_task_comes_again(world, error):
    world.log.fail("put", error)
    with (
        pytest.raises(StoreUnavailable, match=f"nothing was written, as it could not be noted .* {error}"),
        world.writes.under_way(TASK, unseen=True),
    ):
        raise AssertionError("it was sent")


def test_a_marker_that_may_have_been_run_before_its_write_has_ended_is_put_again(world):
    with world.writes.under_way(TASK, unseen=True):
        world.log.remove(*world.markers)  # the housekeeping has been by
        world.wait(LONG + 1)
    assert len(world.markers) == 1


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("verb", ["put", "commit", "copy_from"])
def test_only_a_shared_target_without_conditions_has_its_writes_noted_before(world, verb, shared, conditional):
    seen = []
    result = core_run(world, verb, replace(TASK, shared=shared), lambda: seen.extend(world.markers), conditional)

    assert result.outcome is Outcome.COPIED
    assert len(seen) == len(world.markers) == int(shared and not conditional)


# The core's writes, each slow.


def core_run(world, verb, task, before, conditional=True):
    """The task's result; *before* is called before its write, which is the *verb*."""
    many = Abilities(min_part=1, streams=True, consistent=True)
    source, log = MemoryStore(Address("s3", "source"), sums=("md5",)), world.log
    world.target = MemoryStore(
        Address("s3", "target"), copies=verb == "copy_from", abilities=many, conditional=conditional
    )
    resources = Resources(8, Budget(1024, 1), LogCheckpoints(lambda: log), writes=world.writes)
    core = Converge(
        {"source": source, "target": world.target}.__getitem__,
        resources,
        Fuse(lambda route, most, wanted: wanted),
        Results(lambda task: ("", ""), lambda: NOW),
    )
    source.write("k", b"0123456789" if verb == "commit" else b"0")
    if verb == "delete":
        core.one(task, Deadline())
        source.remove("k")
    world.target.arrange(verb, before)
    with resources.budget.places(1):
        return core.one(task, Deadline())


@pytest.mark.parametrize("verb", ["put", "commit", "delete", "copy_from"])
def test_every_write_of_the_core_has_a_marker_before_it_can_outlive_its_task(world, verb):
    seen = []
    task = replace(TASK, deletes=Deletes.FOLLOW)
    result = core_run(world, verb, task, lambda: (world.wait(), seen.extend(world.markers)))

    assert result.outcome is (Outcome.DELETED if verb == "delete" else Outcome.COPIED)
    assert len(seen) == 1
    assert world.markers == []


def test_a_copy_that_goes_on_at_the_server_past_the_deadline_is_verified(world):
    source = MemoryStore(Address("s3", "source"))
    world.target = MemoryStore(Address("s3", "target"), copies=True)
    world.target.fail("copy_from", OutOfTime("it goes on"))
    core = Converge(
        {"source": source, "target": world.target}.__getitem__,
        Resources(8, Budget(1024, 1), LogCheckpoints(lambda: world.log), writes=world.writes),
        Fuse(lambda route, most, wanted: wanted),
        Results(lambda task: ("", ""), lambda: NOW),
    )
    source.write("k", b"0")
    runner = Runner(core, Budget(1024, 1), Results(lambda task: ("", ""), lambda: NOW), world.writes)
    (result,) = runner.run([TASK], Deadline())

    assert (result.outcome, result.lingers) == (Outcome.UNFINISHED, True)
    assert len(world.markers) == 1
