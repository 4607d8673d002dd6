"""Stores that are all written: routes that meet end with the same on all sides, a shared target with the newest."""

from dataclasses import replace

import pytest

from bucketrelay.core import converge as core
from bucketrelay.core import decide as deciding
from bucketrelay.model import Deletes, Overwrite
from faults.circles import CircleWalk
from faults.explore import Found, Walked, assert_right, every
from faults.meeting import RING, SHARED, Meeting, MeetingWalk

LONG = (pytest.mark.slow, pytest.mark.timeout(900))
DEEP = (pytest.mark.deep, pytest.mark.timeout(0))  # so many states that nobody has waited for their end


@pytest.fixture
def explore(walk_to_the_end):
    return lambda world, *, merge=True: walk_to_the_end(MeetingWalk(world, merge=merge))


@pytest.fixture(params=Deletes, ids=lambda deletes: deletes.value)
def deletes(request):
    return request.param


@pytest.mark.parametrize(
    ("acts", "conditional", "writes"),
    [
        pytest.param("wd", True, 5, id="conditional"),
        pytest.param("wt", True, 5, id="conditional-touched", marks=LONG),
        pytest.param("wd", False, 6, id="unconditional", marks=LONG),
        pytest.param("wt", False, 6, id="unconditional-touched", marks=LONG),
    ],
)
def test_both_ends_of_routes_that_face_each_other_end_the_same(explore, deletes, acts, conditional, writes):
    assert_right(explore(Meeting(deletes=deletes, acts=acts, conditional=conditional)), writes)


def test_also_where_all_is_of_one_second(explore):
    assert_right(explore(Meeting(deletes=Deletes.FOLLOW, clocked=False)), 5)


@pytest.mark.parametrize(
    ("fault", "conditional"),
    [
        ("kill", True),
        pytest.param("duplicate", True, marks=LONG),
        pytest.param("late", True, marks=LONG),
        pytest.param("kill", False, marks=DEEP),
        pytest.param("duplicate", False, marks=DEEP),
        pytest.param("late", False, marks=DEEP),
    ],
)
def test_whatever_goes_wrong_on_the_way(explore, fault, conditional):
    assert_right(explore(Meeting(deletes=Deletes.FOLLOW, fault=fault, conditional=conditional)), 9)


@pytest.mark.deep
@pytest.mark.timeout(0)
def test_three_acts_at_two_ends(explore, deletes):
    assert_right(explore(Meeting(most=3, deletes=deletes)), 8)


@pytest.mark.parametrize(
    "conditional",
    [pytest.param(True, id="conditional", marks=LONG), pytest.param(False, id="unconditional", marks=DEEP)],
)
def test_a_ring_of_three_that_are_all_written(explore, deletes, conditional):
    assert_right(explore(replace(RING, deletes=deletes, conditional=conditional)), 12)


@pytest.mark.parametrize("most", [2, pytest.param(3, marks=LONG)])
def test_a_shared_target_has_the_newest_of_its_sources(explore, deletes, most):
    assert_right(explore(replace(SHARED, deletes=deletes, most=most)), 3 * most)


@pytest.mark.parametrize("most", [2, pytest.param(3, marks=LONG)])
def test_without_conditions_a_shared_target_has_it_by_the_next_housekeeping(explore, deletes, most):
    """Nothing but the server could have told at once: docs/decisions/0013-by-state.md says so."""
    world = replace(SHARED, conditional=False, deletes=deletes, most=most)
    unverified = explore(replace(world, verify=False))

    assert isinstance(unverified, Found)
    assert "not the newest" in unverified.complaint
    assert_right(explore(world), 3 * most)


# The harness finds out what is wrong, or it proves nothing.


def test_routes_that_do_not_know_that_they_meet_swap_what_their_ends_hold(explore, monkeypatch):
    monkeypatch.setattr(core.Pair, "rule", property(lambda pair: deciding.Rule(pair.task.deletes, Overwrite.ANY)))
    result = explore(Meeting())

    assert isinstance(result, Found)
    assert "the newest write is lost" in result.complaint


def test_an_order_that_is_not_the_same_on_both_sides_is_found_out(explore, monkeypatch):
    monkeypatch.setattr(deciding, "_newer", lambda held, wrote, link, *, ours: False)  # who comes last wins

    assert isinstance(explore(Meeting()), Found)


def test_a_shared_key_without_an_order_is_found_out(explore, monkeypatch):
    monkeypatch.setattr(deciding, "_newer", lambda held, wrote, link, *, ours: False)

    assert isinstance(explore(SHARED), Found)


def test_merging_places_in_the_code_hides_nothing(explore):
    merged, apart = explore(Meeting(most=1)), explore(Meeting(most=1), merge=False)

    assert merged.ends == apart.ends
    assert (merged.requests, merged.writes) == (apart.requests, apart.writes)


@pytest.mark.parametrize(
    "world",
    [
        Meeting(most=1, fault="kill", conditional=False),
        Meeting(most=1, fault="duplicate", conditional=False),
        pytest.param(replace(SHARED, fault="kill", conditional=False), marks=LONG),
        pytest.param(replace(SHARED, fault="log", conditional=False), marks=LONG),
        replace(RING, most=1),
    ],
)
def test_what_is_left_out_differs_from_what_is_walked_in_names_alone(world):
    """The ends are the same, up to the names of stores that are alike."""
    few, many = every(CircleWalk(world)), every(CircleWalk(replace(world, reduced=False)))
    assert isinstance(few, Walked)
    assert isinstance(many, Walked)

    assert few.states < many.states
    assert few.writes == many.writes
    assert {_renamed(end, by, world) for end in few.ends for by in _namings(world)} == many.ends


def _namings(world):
    """How the stores of the world could be named: in a circle, beginning at any of them."""
    return range(len(world.stores)) if world.alike else (0,)


def _renamed(end, by, world):
    acts, held = end
    names, at = world.stores, len(held) - by
    others = dict(zip(names, names[by:] + names[:by], strict=True))
    return tuple((others[store], act) for store, act in acts), held[at:] + held[:at]
