"""From when on the lag of a task counts: the write that its event told of, or what was really copied."""

from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.core.results import Ending, Results
from bucketrelay.deadline import Deadline
from bucketrelay.model import Change, Deletes, Meta, Outcome, Task
from bucketrelay.routes import task_of
from bucketrelay.values import replace
from reconcile_world import World

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
RESULTS = Results(lambda task: (task.key, task.target_key), lambda: NOW)


@pytest.fixture
def world():
    return World(copies=False).route_with(deletes=Deletes.FOLLOW)


def run(world, **of):
    task = replace(task_of(world.route, "a", "target"), **of)
    [result] = world.system.runner.run([task], Deadline())
    assert result.ok, result
    return result


def test_an_event_that_comes_once_more_is_not_as_late_as_it_is_old(world):
    first = world.source.write("a", b"1").modified
    assert run(world, time=first).lag < 30
    world.source.write("a", b"2")
    world.now.seconds = iter(range(3600, 7200))
    third = world.source.write("a", b"3").modified

    result = run(world, time=first)  # for the sake of another target, say

    assert result.outcome is Outcome.COPIED
    assert result.lag == (result.time - third).total_seconds()


def test_a_write_that_never_arrived_is_as_late_as_it_is_old_whatever_was_written_since(world):
    first = world.source.write("a", b"1").modified
    world.now.seconds = iter(range(3600, 7200))
    world.source.write("a", b"2")

    assert run(world, time=first).lag > 3500


def test_a_delete_is_as_late_as_its_own_event_is_old_and_no_other(world):
    first = world.source.write("a", b"1").modified
    run(world, time=first)
    world.source.remove("a")
    removed = world.now()

    assert run(world, time=first).lag is None
    world.source.write("a", b"2")
    run(world, time=world.now())
    world.source.remove("a")
    assert run(world, time=removed, change=Change.REMOVED).lag > 0


def test_what_failed_keeps_the_time_of_its_write_and_what_ended_well_needs_none():
    task = Task("r", "s", "k", "t", "k", time=NOW - timedelta(hours=1))

    assert RESULTS.of(task, Ending(Outcome.FAILED, retryable=True)).written == task.time
    assert RESULTS.of(task, Ending(Outcome.UNFINISHED)).written == task.time
    assert RESULTS.of(task, Ending(Outcome.COPIED)).written is None


def test_a_failed_task_that_is_run_again_is_as_late_as_its_write_is_old(world):
    from bucketrelay.reports import lists
    from bucketrelay.reports.rerun import Rerun, Selection

    write = world.source.write("a", b"1", Meta()).modified
    task = replace(task_of(world.route, "a", "target"), time=write)
    failed = world.system.runner.results.of(task, Ending(Outcome.FAILED, error="503", retryable=True))
    [name] = lists.write(world.log, [failed], invocation="i", now=world.now())
    world.now.seconds = iter(range(3600, 7200))
    again = Rerun(world.log, (world.route,), world.system.runner, world.now)

    [result] = again.run([again.read(name)], Selection(lambda _: True), "again").results

    assert result.lag > 3500
