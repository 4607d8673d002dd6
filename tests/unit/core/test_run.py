"""Tasks to results: bounded threads, isolation, order, time."""

import threading
import time
from datetime import datetime, timezone

import pytest

from bucketrelay.core.budget import Budget
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.errors import OutOfTime, StoreRefused
from bucketrelay.model import Address, Outcome, Result, Task
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore
from fakes import OneByOne

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


def result_of(task, outcome=Outcome.COPIED):
    return Result(task.route, "", "created", task.key, task.target_key, task.key, outcome, NOW)


def runner(deliver, threads=4):
    return Runner(
        OneByOne(deliver), Budget(1024, threads), Results(lambda task: (task.key, task.target_key), lambda: NOW)
    )


def tasks(count):
    return [Task("r", "s", str(n), "t", str(n)) for n in range(count)]


def test_results_come_in_the_order_of_their_tasks():
    results = runner(lambda task, _: result_of(task)).run(tasks(50), Deadline())

    assert [result.key for result in results] == [str(n) for n in range(50)]


def test_one_poisoned_task_costs_no_other_its_result():
    def deliver(task, _):
        if task.key == "7":
            raise ZeroDivisionError("a defect")
        return result_of(task)

    results = runner(deliver).run(tasks(20), Deadline())

    assert [result.key for result in results if not result.ok] == ["7"]
    assert results[7].error == "ZeroDivisionError: a defect"
    assert results[7].retryable


@pytest.mark.parametrize(
    ("forward", "hours", "told"),
    [
        ("hook", [9, 7, 8, 7], ["1", "3", "2", "0"]),
        ("hook", [9, None, 8], ["0", "1", "2"]),  # what comes after what nobody can tell
        ("", [9, 7, 8], ["0", "1", "2"]),  # a copy is of what is there, whatever the event says
    ],
)
def test_of_a_key_that_is_told_of_the_newest_event_comes_last(forward, hours, told):
    seen, target = [], "" if forward else "t"
    times = [NOW.replace(hour=hour) if hour else None for hour in hours]
    given = [
        Task("r", "s", "k", target, forward=forward, cause=str(number), time=time) for number, time in enumerate(times)
    ]

    def deliver(task, _):
        seen.append(task.cause)
        return result_of(task)

    results = runner(deliver).run(given, Deadline())

    assert seen == told
    assert len(results) == len(given)


def test_no_more_threads_work_than_the_budget_says():
    working, most, lock = set(), [], threading.Lock()
    gate = threading.Barrier(3, timeout=20)

    def deliver(task, _):
        with lock:
            working.add(task.key)
            most.append(len(working))
        gate.wait()
        with lock:
            working.remove(task.key)
        return result_of(task)

    runner(deliver, threads=3).run(tasks(9), Deadline())

    assert max(most) == 3


def test_tasks_for_the_same_target_key_follow_one_another():
    order = []

    def deliver(task, _):
        order.append(task.cause)
        return result_of(task)

    same = [Task("r", "s", "k", "t", "k", cause=str(n)) for n in range(20)]
    runner(deliver).run(same, Deadline())

    assert order == [str(n) for n in range(20)]


def test_a_request_that_hangs_is_left_behind_and_said_to_be_unfinished():
    let_go = threading.Event()

    def deliver(task, _):
        if task.key == "0":
            let_go.wait(20)
        return result_of(task)

    late, *others = runner(deliver).run(tasks(3), Deadline(0.2))
    let_go.set()

    assert (late.outcome, late.retryable) == (Outcome.UNFINISHED, True)
    assert [result.outcome for result in others] == [Outcome.COPIED] * 2


def test_a_refusal_outside_of_a_task_is_said_as_it_is():
    def deliver(task, _):
        raise StoreRefused("the store is not in this version yet")

    (result,) = runner(deliver).run(tasks(1), Deadline())

    assert (result.error, result.retryable) == ("the store is not in this version yet", False)


def test_nothing_to_do_is_no_result():
    assert runner(result_of).run([], Deadline()) == []


def test_objects_in_parts_share_one_budget_without_waiting_for_ever(world):
    """More objects at once than the memory holds parts of: whoever holds bytes never waits for more."""
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.budget = Budget(memory=int(8 * 3 * 1.25), threads=16)
    bodies = {f"k{n}": bytes([n]) * 100 for n in range(40)}
    for key, body in bodies.items():
        world.source.write(key, body)
    some = Runner(world.core, world.budget, Results(world.urls, world.now))
    results = some.run([world.task(key) for key in bodies], Deadline(60))

    assert {result.outcome for result in results} == {Outcome.COPIED}
    assert {key: world.target.body(key) for key in bodies} == bodies
    assert world.budget._free == world.budget._total


def test_one_target_down_leaves_the_other_its_object(world):
    world.source.write("k", b"1")
    world.more["down"] = MemoryStore(Address("s3", "down"))
    world.more["down"].drop_bucket()
    both = [world.task(), world.task(target="down")]
    some = Runner(world.core, world.budget, Results(world.urls, world.now))
    good, bad = some.run(both, Deadline())

    assert (good.outcome, bad.outcome) == (Outcome.COPIED, Outcome.FAILED)
    assert "s3://down/k" in bad.error


def test_a_deadline_is_checked_with_what_is_needed():
    clock = iter([0.0, 4.0, 4.0]).__next__
    deadline = Deadline(10, margin=5, now=clock)

    deadline.check()
    with pytest.raises(OutOfTime):
        deadline.check(need=1.0)
    assert not StoreRefused("x").retryable


def test_a_target_that_hangs_holds_up_its_own_share_of_the_threads_and_no_more():
    let_go, done, lock = threading.Event(), [], threading.Lock()

    def deliver(task, _):
        if task.target == "hangs":
            let_go.wait(20)
        with lock:
            done.append(task.target)
            if done.count("works") == 40:
                let_go.set()  # every task of the target that works is done while the other still hangs
        return result_of(task)

    both = [Task("r", "s", str(n), target, str(n)) for n in range(40) for target in ("hangs", "works")]
    results = runner(deliver, threads=4).run(both, Deadline())

    assert let_go.is_set()
    assert done[:40] == ["works"] * 40
    assert all(result.ok for result in results)


def test_a_target_that_hangs_takes_nothing_from_the_next_invocation_of_a_warm_process():
    let_go = threading.Event()

    def deliver(task, _):
        if task.target == "hangs":
            let_go.wait(20)
        return result_of(task)

    some = runner(deliver, threads=4)
    first = some.run(
        [Task("r", "s", str(n), target, str(n)) for n in range(8) for target in ("hangs", "works")], Deadline(0.3)
    )
    later = [some.run([Task("r", "s", str(n), "works", str(n)) for n in range(8)], Deadline(20)) for _ in range(3)]
    let_go.set()

    assert [r.outcome for r in first[1::2]] == [Outcome.COPIED] * 8
    assert {r.outcome for r in first[::2]} == {Outcome.UNFINISHED}
    assert all(result.ok for results in later for result in results)


def test_more_destinations_than_threads_all_get_their_turn():
    some = [Task("r", "s", str(n), f"t{n % 9}", str(n)) for n in range(90)]

    assert len(runner(lambda task, _: result_of(task), threads=2).run(some, Deadline())) == 90


def test_threads_of_tasks_that_have_ended_move_the_parts_of_one_that_has_not(world):
    """A batch of as many tasks as threads has none left for parts when it begins."""
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.source.write("large", bytes(range(100)))  # 13 parts of 8 bytes
    for key in "abc":
        world.source.write(key, b"small")
    some = Runner(world.core, world.budget, Results(world.urls, world.now))
    pairs = threading.Barrier(2, timeout=20)

    def first():
        """Until the others have ended, and their threads are there for it."""
        end = time.monotonic() + 20
        free = 0
        while free < 3:
            assert time.monotonic() < end
            time.sleep(0.001)
            free = world.budget.extra_threads(3)
            for _ in range(free):
                world.budget.give_back()

    world.target.arrange("put_part", first)
    world.target.arrange("put_part", pairs.wait, times=12)
    results = some.run([world.task(key) for key in ["large", "a", "b", "c"]], Deadline())

    assert [result.outcome for result in results] == [Outcome.COPIED] * 4
    assert world.budget.extra_threads(9) == 4
