"""The real core in every schedule of one key: whatever happens in whatever order, the target ends as the source is."""

from dataclasses import replace

import pytest

from bucketrelay.core import converge as core
from bucketrelay.core.converge import ROUNDS
from bucketrelay.core.verify import FOLDER, Verify
from bucketrelay.core.writes import Writes
from bucketrelay.model import Deletes
from faults.explore import Found, Walked
from faults.naive import lease
from faults.small import FAULTS, Small
from faults.strategies import converge
from faults.world import WRITES, Rules

NONE: frozenset[str] = frozenset()
LONG = pytest.mark.slow  # a second and more each, beside a shorter walk of the same kind
IN_PARTS = Small(size=3, most=2, acts="wtd")  # the smallest has two parts of at most two bytes


# Two acts lead to all that the code does; the third, to what two tasks may do while the last is under way.
FULL = pytest.mark.parametrize(
    ("conditional", "deletes", "most"),
    [
        pytest.param(True, Deletes.KEEP, 3, id="conditional-keep"),
        pytest.param(False, Deletes.FOLLOW, 2, id="unconditional-follow-2"),
        pytest.param(False, Deletes.FOLLOW, 3, id="unconditional-follow", marks=LONG),
        pytest.param(True, Deletes.FOLLOW, 3, id="conditional-follow", marks=LONG),
        pytest.param(False, Deletes.KEEP, 3, id="unconditional-keep", marks=LONG),
    ],
)


# Of two walks of the same kind the shorter one: conditions that are ignored leave fewer things to happen.
SHORTER = pytest.mark.parametrize(
    "conditional", [pytest.param(False, id="unconditional"), pytest.param(True, id="conditional", marks=LONG)]
)
MOST = pytest.mark.parametrize("most", [2, pytest.param(3, marks=LONG)])  # acts


@pytest.fixture(params=[True, False], ids=["conditional", "unconditional"])
def conditional(request):
    return request.param


def assert_right(walk, result, requests_in_a_round=5):
    assert isinstance(result, Walked), str(result)
    assert result.circles == 0, "a schedule can go on for ever"
    assert walk.behaviour.longest(lambda o: not o.is_marker) <= ROUNDS * requests_in_a_round
    assert walk.behaviour.longest(lambda o: o.store == "target" and o.verb in WRITES) <= ROUNDS


# All that can happen to a key.


@FULL
def test_every_schedule_of_three_acts_and_a_fault_ends_with_the_target_as_the_source(
    explore, conditional, deletes, most
):
    walk, result = explore(Small(deletes, conditional, most=most), converge())

    assert_right(walk, result)


@pytest.mark.parametrize("early", [False, True], ids=["source first", "target first"])
@pytest.mark.parametrize(
    ("conditional", "deletes", "most"),
    [
        pytest.param(True, Deletes.KEEP, 2, id="conditional-keep"),
        pytest.param(False, Deletes.FOLLOW, 2, id="unconditional-follow"),
        pytest.param(True, Deletes.KEEP, 3, id="conditional-keep-3", marks=LONG),
        pytest.param(True, Deletes.FOLLOW, 3, id="conditional-follow-3", marks=(LONG, pytest.mark.timeout(900))),
        pytest.param(False, Deletes.KEEP, 3, id="unconditional-keep-3", marks=LONG),
        pytest.param(False, Deletes.FOLLOW, 3, id="unconditional-follow-3", marks=LONG),
    ],
)
def test_it_does_not_matter_which_side_is_seen_first_where_both_are_looked_at_at_once(
    explore, conditional, deletes, most, early
):
    walk, result = explore(Small(deletes, conditional, most=most, told=True, early=early), converge())

    assert_right(walk, result)


@MOST
def test_conditions_that_nobody_vouches_for_do_no_harm(explore, most):
    walk, result = explore(Small(Deletes.KEEP, acts="wtd", documented=False, most=most), converge())

    assert_right(walk, result)


@pytest.mark.parametrize(
    ("conditional", "deletes"),
    [
        pytest.param(False, Deletes.KEEP, id="unconditional-keep"),
        pytest.param(True, Deletes.FOLLOW, id="conditional-follow", marks=LONG),
        pytest.param(True, Deletes.KEEP, id="conditional-keep", marks=LONG),
        pytest.param(False, Deletes.FOLLOW, id="unconditional-follow", marks=LONG),
    ],
)
def test_no_target_is_ever_a_mixture_of_two_versions_that_went_in_parts(explore, conditional, deletes):
    walk, result = explore(replace(IN_PARTS, deletes=deletes, conditional=conditional), converge(part_size=2))

    assert_right(walk, result, requests_in_a_round=10)


@pytest.mark.parametrize("conditional", [False, pytest.param(True, marks=LONG)])
def test_nor_is_it_where_old_versions_can_still_be_read(explore, conditional):
    small = replace(IN_PARTS, conditional=conditional, source=Rules(versioned=True), faults=frozenset({"duplicate"}))
    walk, result = explore(small, converge(part_size=2))

    assert_right(walk, result, requests_in_a_round=10)


@MOST
def test_an_object_may_grow_into_parts_and_shrink_again(explore, most):
    small = Small(Deletes.KEEP, conditional=False, acts="wr", size=2, faults=NONE, most=most)
    walk, result = explore(small, converge(part_size=2))

    assert_right(walk, result, requests_in_a_round=10)


@SHORTER
def test_a_store_that_says_not_modified_and_no_more_is_asked_once_more(explore, conditional):
    walk, result = explore(
        Small(conditional=conditional, acts="wtd", source=Rules(terse=True), faults=NONE), converge()
    )

    assert_right(walk, result)


def test_what_the_event_says_happened_makes_no_difference(explore, conditional):
    plain = Small(conditional=conditional, acts="wtd", most=2)
    _, seen = explore(replace(plain, sees_events=True), converge())
    _, unseen = explore(plain, converge())

    assert seen.ends == unseen.ends


# Uploads that several tasks share.


@pytest.mark.parametrize(
    "small",
    [
        replace(IN_PARTS, most=1),
        replace(IN_PARTS, most=1, conditional=False),
        pytest.param(replace(IN_PARTS, acts="w", faults=frozenset({"kill"}), deletes=Deletes.KEEP), marks=LONG),
        pytest.param(replace(IN_PARTS, acts="w", faults=frozenset({"kill"}), conditional=False), marks=LONG),
        replace(IN_PARTS, acts="w", most=1, faults=frozenset({"kill"}), conditional=False),
    ],
)
def test_tasks_that_go_on_with_each_others_uploads_end_right(explore, small):
    walk, result = explore(small, converge(part_size=2, checkpoints=True))

    assert_right(walk, result, requests_in_a_round=13)


@pytest.mark.parametrize(
    ("faults", "most"),
    [
        pytest.param(NONE, 1, id="no fault, one act"),
        pytest.param(NONE, 2, id="no fault", marks=LONG),
        pytest.param(frozenset({"duplicate"}), 1, id="duplicate"),
    ],
)
def test_no_upload_and_no_checkpoint_is_left_where_no_task_is_killed(explore, conditional, faults, most):
    small = replace(IN_PARTS, most=most, faults=faults, conditional=conditional, tidy=True)
    walk, result = explore(small, converge(part_size=2, checkpoints=True))

    assert_right(walk, result, requests_in_a_round=13)


# What tells two versions apart.


@SHORTER
def test_contents_that_change_within_a_second_are_told_apart(explore, conditional):
    walk, result = explore(
        Small(conditional=conditional, acts="wod", source=Rules(clock=False), faults=NONE), converge()
    )

    assert_right(walk, result)


@pytest.mark.parametrize("acts", ["wr", pytest.param("wt", marks=LONG)])
def test_metadata_alone_that_changes_within_a_second_is_told_apart_unless_the_targets_clock_is_ahead(explore, acts):
    """Then it takes a versioned source."""
    ahead = Rules(clock=False, second=98)
    _, blind = explore(Small(acts=acts, source=ahead, faults=NONE), converge())

    assert isinstance(blind, Found)  # docs/decisions/0001-origin-stamp.md says so
    for source in (Rules(clock=False), ahead._replace(versioned=True)):
        assert_right(*explore(Small(acts=acts, source=source, faults=NONE), converge()))


# The target's way there.

# Acts of which each leaves the target in a state that never comes again.
TELLING = pytest.mark.parametrize(
    ("deletes", "acts"),
    [
        (Deletes.KEEP, "wo"),
        pytest.param(Deletes.KEEP, "wod", marks=LONG),
        (Deletes.FOLLOW, "o"),
        pytest.param(Deletes.FOLLOW, "wo", marks=LONG),
    ],
)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({}, id="target, then source"),
        pytest.param({"told": True, "early": False}, id="at once, source first"),
        pytest.param({"told": True, "early": False, "source": Rules(clock=False)}, id="in one second", marks=LONG),
    ],
)
@TELLING
def test_with_conditions_the_target_never_goes_back_while_it_never_looks_the_same_twice(explore, deletes, acts, how):
    # Even with an outliving write: its condition is an ETag, or an absence, that will not come again.
    walk, result = explore(Small(deletes, acts=acts, forward_only=True, **how), converge())

    assert_right(walk, result)


@pytest.mark.parametrize(
    ("deletes", "acts", "conditional"),
    [
        (Deletes.KEEP, "wt", True),  # the ETag stays: the condition holds though the metadata is another
        (Deletes.KEEP, "wr", True),  # the ETag comes back with the content
        (Deletes.FOLLOW, "wd", True),  # absent before, absent after
        (Deletes.KEEP, "w", False),
    ],
)
def test_otherwise_it_can_go_back_for_a_moment(explore, deletes, acts, conditional):
    _, result = explore(Small(deletes, conditional, acts=acts, forward_only=True, faults=NONE), converge())

    assert isinstance(result, Found)
    assert "goes back" in result.complaint


# Writes that outlive their task.


@pytest.mark.parametrize(
    ("fault", "deletes", "acts", "conditional"),
    [
        pytest.param(fault, deletes, acts, conditional, marks=() if (acts, fault) in shorter else LONG)
        for shorter in [{("w", "outlive"), ("w", "unknown"), ("wr", "outlive")}]
        for fault in ("outlive", "unknown")
        for deletes, acts, conditional in (
            (Deletes.KEEP, "w", False),
            (Deletes.FOLLOW, "wd", True),
            (Deletes.KEEP, "wr", True),
            (Deletes.KEEP, "wt", True),
        )
    ],
)
def test_a_write_that_outlives_its_task_may_be_the_last_unless_the_key_is_verified(
    explore, deletes, acts, conditional, fault
):
    small = Small(deletes, conditional, acts=acts, faults=frozenset({fault}))
    _, unverified = explore(replace(small, verify=False), converge())
    walk, verified = explore(small, converge())

    assert isinstance(unverified, Found)
    assert any("late write lands" in line for line in unverified.schedule)
    assert_right(walk, verified)


@pytest.mark.parametrize(("deletes", "acts"), [(Deletes.KEEP, "w"), pytest.param(Deletes.FOLLOW, "wd", marks=LONG)])
def test_who_is_killed_before_his_write_is_noted_leaves_its_verifying_to_whoever_has_the_task_next(
    explore, deletes, acts
):
    small = Small(deletes, conditional=False, acts=acts, faults=frozenset({"sudden"}))
    _, untold = explore(replace(small, tells=False), converge())
    walk, told = explore(small, converge())

    assert isinstance(untold, Found)
    assert any("late write lands" in line for line in untold.schedule)
    assert_right(walk, told)


def nothing_due(verify):
    for _ in verify.log().list(FOLDER):
        pass
    return iter(())


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param((Writes, "note_slow", lambda self, deadline: None), id="slow writes are not noted"),
        pytest.param((Verify, "due", nothing_due), id="the housekeeping finds no marker"),
    ],
)
def test_it_is_the_products_own_verifying_that_is_walked(explore, monkeypatch, wrong):
    monkeypatch.setattr(*wrong)
    _, result = explore(Small(Deletes.KEEP, conditional=False, acts="w", faults=frozenset({"outlive"})), converge())

    assert isinstance(result, Found) or result.circles  # wrong at rest, or a marker that nobody ever takes away


def test_a_write_that_takes_long_and_has_its_answer_leaves_no_marker(explore, conditional):
    walk, result = explore(Small(Deletes.KEEP, conditional, acts="w", faults=frozenset({"slow"})), converge())

    assert isinstance(result, Walked), str(result)
    assert result.circles == 0
    asked = [operation for operation in walk.behaviour.requests if operation.is_marker]
    assert {operation.verb for operation in asked} == {"put", "delete"}


@TELLING
def test_a_condition_that_cannot_hold_again_makes_verifying_needless(explore, deletes, acts):
    walk, result = explore(Small(deletes, acts=acts, verify=False), converge())

    assert_right(walk, result)


# The second look, and the one case in which it is saved.


@pytest.mark.parametrize(
    ("deletes", "acts", "conditional", "saved"),
    [
        (Deletes.FOLLOW, "wd", True, lambda pair, held: held is None),
        (Deletes.KEEP, "w", False, lambda pair, held: held is None),
        (Deletes.KEEP, "wr", True, lambda pair, held: True),
        (Deletes.KEEP, "wt", True, lambda pair, held: True),
    ],
    ids=["deletes are followed", "conditions are ignored", "the ETag comes back", "the ETag stays"],
)
def test_the_second_look_can_be_saved_in_no_other_case(explore, monkeypatch, deletes, acts, conditional, saved):
    monkeypatch.setattr(core, "_cannot_be_stale", saved)
    _, result = explore(Small(deletes, conditional, acts=acts, faults=NONE), converge())

    assert isinstance(result, Found)
    assert "at rest" in result.complaint


# The harness.


@pytest.mark.parametrize("small", [Small(most=2), Small(Deletes.KEEP, most=2), replace(IN_PARTS, faults=NONE)])
def test_merging_places_in_the_code_hides_nothing(explore, small):
    _, merged = explore(small, converge(part_size=2))
    _, apart = explore(small, converge(part_size=2), merge=False)

    assert merged.ends == apart.ends
    assert (merged.requests, merged.writes) == (apart.requests, apart.writes)
    assert merged.states < apart.states


def test_nothing_is_merged_where_a_value_without_a_name_may_differ(explore):
    small = Small(acts="wd", most=2, faults=NONE, sees_events=True, ticks=1)  # `lease` asks twice in one statement
    _, merged = explore(small, lease)
    _, apart = explore(small, lease, merge=False)

    assert isinstance(merged, Found)
    assert (merged.complaint, len(merged.schedule)) == (apart.complaint, len(apart.schedule))


def test_every_kind_of_fault_is_walked(explore):
    states = {kind: explore(Small(most=2, faults=frozenset({kind})), converge())[1].states for kind in FAULTS}
    _, without = explore(Small(most=2, faults=NONE), converge())

    assert min(states.values()) > without.states
