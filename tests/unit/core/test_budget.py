"""The budget's threads and bytes: lent, shared, and given back."""

import pytest

from bucketrelay.core.budget import OVERHEAD, Budget
from bucketrelay.core.checkpoints import quietly
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline, current, under
from bucketrelay.errors import OutOfTime
from bucketrelay.model import Outcome
from bucketrelay.store import Abilities


def test_threads_that_helped_with_parts_are_given_back(world):
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.source.write("k", bytes(100))

    assert world.run().outcome is Outcome.COPIED
    assert world.budget.extra_threads(99) == world.threads


def test_threads_that_ran_tasks_are_given_back(world):
    tasks = [world.task(key) for key in "abcdefgh"]
    some = Runner(world.core, world.budget, Results(world.urls, world.now))

    assert all(result.ok for result in some.run(tasks, Deadline()))
    assert world.budget.extra_threads(99) == world.threads


@pytest.fixture
def budget():
    """Eight bytes."""
    return Budget(int(8 * OVERHEAD), 1)


def held(budget, amount, place):
    """A lease that is had at once, or not at all."""
    return budget.bytes(amount, Deadline(0), place)


def test_who_holds_bytes_gets_no_more_than_his_share_and_who_holds_none_gets_what_he_asks_for(budget):
    with budget.share([str(n) for n in range(2)]), held(budget, 3, "hangs"):
        with pytest.raises(OutOfTime):
            held(budget, 2, "hangs")
        with held(budget, 1, "hangs"), held(budget, 4, "works"), pytest.raises(OutOfTime):
            held(budget, 1, "late")  # there are no more


def test_bytes_that_were_given_back_do_not_count_against_the_share(budget):
    for _ in range(3):
        with held(budget, 5, "a"), held(budget, 3, "a"):
            pass


def test_shares_are_those_of_the_tasks_that_are_under_way(budget):
    with budget.share([str(n) for n in range(4)]):
        pass
    with held(budget, 4, "a"), held(budget, 4, "a"):
        pass


def test_runs_at_the_same_time_of_the_same_ways_share_as_one(budget):
    with budget.share(["a", "b"]), budget.share(["a", "b"]), held(budget, 2, "a"):
        held(budget, 2, "a").release()


def test_where_a_share_is_smaller_than_a_part_what_is_small_does_not_wait_for_its_neighbour(budget):
    with budget.share("abcd"), held(budget, 1, "a"):
        held(budget, 4, "a").release()


def test_what_tidies_up_has_a_moment_though_the_tasks_time_is_used_up():
    left = []
    with under(Deadline(0)):
        quietly(lambda: left.append(current().remaining()))
    assert 0 < left[0] < 10


def test_places_are_given_back_once_whoever_is_late():
    budget = Budget(1024, 3)
    with budget.places(3) as places:
        places.give_back()
        assert budget.extra_threads(9) == 1
    assert budget.extra_threads(9) == 2

    places.give_back()  # by a thread that hung, and is not waited for
    assert budget.extra_threads(9) == 0
