"""Which cores the threads of an invocation use."""

import os
import threading

import pytest

from bucketrelay import cores
from bucketrelay.core import crew, heap
from bucketrelay.core.budget import Budget
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.model import Outcome

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="nothing to choose from"
)


@pytest.fixture(autouse=True)
def asked_anew():
    """No core is remembered from another test, and the test's own thread ends where it began."""
    cores._chosen[:] = cores.ANY, 0.0
    yield
    cores.spread()


def mine():
    return os.sched_getaffinity(0)


ALL = mine() if hasattr(os, "sched_getaffinity") else set()


def used(by=1):
    """The cores that so many threads may use which do a piece of work for a runner's caller."""
    place, found, gate = cores.current(), [], threading.Barrier(by, timeout=20)

    def work():
        place.settle()
        found.append(mine())
        gate.wait()

    assert crew.wait(crew.begin(work, by), 20)
    return found


def test_within_an_invocation_all_its_threads_keep_to_the_core_that_it_began_on():
    with cores.together(core_of_now=lambda: min(ALL)):
        assert mine() == ALL  # nobody is moved for a task that its own thread does
        cores.current().begin()
        assert mine() == {min(ALL)}
        assert used(3) == [{min(ALL)}] * 3
    assert mine() == ALL


def test_threads_that_were_kept_on_a_core_are_free_for_whoever_is_not():
    with cores.together():
        cores.current().begin()
        (core,) = used()
        assert len(core) == 1
    assert used() == [ALL]


def scheduled(by=1):
    """How the system schedules the threads that do a piece of work for a runner's caller."""
    place, found = cores.current(), []

    def work():
        place.settle()
        found.append(os.sched_getscheduler(0))

    assert crew.wait(crew.begin(work, by), 20)
    return found


def test_threads_that_share_a_core_do_not_push_one_another_off_it(monkeypatch):
    monkeypatch.setattr(crew, "_idle", [])  # new threads: others may have worked in an invocation before
    assert scheduled() == [os.SCHED_OTHER]
    with cores.together():
        cores.current().begin()
        assert scheduled() == [os.SCHED_BATCH]
        assert os.sched_getscheduler(0) == os.SCHED_OTHER  # the runtime's own thread is left as it is


def test_a_thread_that_somebody_has_scheduled_otherwise_stays_so(monkeypatch):
    monkeypatch.setattr(crew, "_idle", [])
    with cores.together():
        cores.current().begin()
        crew.wait(crew.begin(lambda: os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)), 1), 20)
        assert scheduled() == [os.SCHED_IDLE]


def test_the_system_is_asked_for_its_core_once_a_second():
    asked, clock = [], [100.0]

    def ask():
        asked.append(clock[0])
        return min(ALL) if len(asked) == 1 else max(ALL)

    for clock[0] in (100.0, 100.9, 101.1):
        with cores.together(core_of_now=ask, now=lambda: clock[0]):
            cores.current().begin()
    assert asked == [100.0, 101.1]


def test_a_long_invocation_follows_the_thread_that_waits_for_it():
    turns = iter([min(ALL), max(ALL)])
    with cores.together(core_of_now=lambda: next(turns)):
        cores.current().begin()
        assert used() == [{min(ALL)}]
        cores.current().move()
        assert mine() == ALL
        assert used() == [{max(ALL)}]


def test_outside_of_an_invocation_nobody_is_moved():
    cores.current().begin()
    cores.current().move()
    assert cores.current().core == cores.ANY
    assert used() == [ALL]


def test_where_the_system_does_not_tell_threads_work_where_it_puts_them():
    with cores.together(core_of_now=lambda: cores.ANY):
        cores.current().begin()
        assert mine() == ALL
        assert used() == [ALL]


def test_the_core_that_the_system_tells_is_one_of_ours():
    assert cores._core_of_now() in ALL


def test_a_core_that_was_taken_from_the_process_stops_nothing():
    with cores.together(core_of_now=lambda: 4000):
        cores.current().begin()
        assert mine() == ALL


@pytest.mark.parametrize(("size", "expected"), [(10, 1), (heap.LARGE + 1, len(ALL))])
def test_a_large_object_is_sent_from_any_core_and_the_next_small_one_from_the_one(world, size, expected):
    world.part_size, world.memory = 1024 * 1024, 16 * 1024 * 1024
    world.budget = Budget(world.memory, 1)
    seen = {}
    for key, body in (("a", b"x" * size), ("b", b"small")):
        world.source.write(key, body)
    put = world.target.put

    def noted(key, *given, **named):
        seen[key] = len(mine())
        return put(key, *given, **named)

    world.target.put = noted
    runner = Runner(world.core, world.budget, Results(world.urls, world.now))
    with cores.together(core_of_now=lambda: min(ALL)):
        results = runner.run([world.task("a"), world.task("b")], Deadline())

    assert {result.outcome for result in results} == {Outcome.COPIED}
    assert seen == {"a": expected, "b": 1}
