"""Diamonds, many to one, facing routes and rings, with faults and a log store that fails: all is right at rest."""

from dataclasses import replace

import pytest

from bucketrelay.core import decide as deciding
from bucketrelay.core import pair as pairs
from bucketrelay.core.writes import Writes
from bucketrelay.model import Deletes
from faults.circles import CircleWalk, Diamond, DiamondWalk
from faults.explore import Found, assert_right
from faults.meeting import RING, SHARED, Meeting

LONG = (pytest.mark.slow, pytest.mark.timeout(3600))
DEEP = (pytest.mark.deep, pytest.mark.timeout(0))  # so many states that nobody has waited for their end
FOLLOW, KEEP = Deletes.FOLLOW, Deletes.KEEP
FACING, MANY, ONE_RING = Meeting(deletes=FOLLOW), replace(SHARED, deletes=FOLLOW), replace(RING, deletes=FOLLOW)
DIAMOND = Diamond(deletes=FOLLOW)
SIDE = replace(DIAMOND, routes=(("a", "b"), ("b", "d")))  # of which the middle is written by a route and by users


@pytest.fixture
def explore(walk_to_the_end):
    return lambda world: walk_to_the_end(DiamondWalk(world) if isinstance(world, Diamond) else CircleWalk(world))


def _marks(name, fault, words):
    return DEEP if (name, words) == ("facing", "unconditional") and fault != "log" else LONG


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(replace(FACING, fault="late", conditional=False, most=1), id="facing-late"),
        pytest.param(replace(FACING, fault="log"), id="facing-log"),
        pytest.param(replace(ONE_RING, fault="late", conditional=False, most=1), id="ring-late"),
        pytest.param(replace(ONE_RING, fault="log", most=1), id="ring-log"),
        pytest.param(replace(MANY, conditional=False), id="many-to-one-unconditional"),
        pytest.param(replace(MANY, fault="late"), id="many-to-one-late"),
        pytest.param(replace(DIAMOND, most=1), id="diamond"),
        pytest.param(replace(DIAMOND, most=1, conditional=False), id="diamond-unconditional"),
        pytest.param(replace(SIDE, acts="w"), id="one-side-of-a-diamond"),
        pytest.param(SIDE, id="one-side-of-a-diamond-deleted", marks=LONG),
        *(
            pytest.param(
                replace(world, fault=fault, conditional=conditional),
                id=f"{name}-{fault}-{words}",
                marks=_marks(name, fault, words),
            )
            for name, world in (("facing", FACING), ("many-to-one", MANY))
            for fault in ("kill", "duplicate", "late", "log")
            for conditional, words in ((True, "conditional"), (False, "unconditional"))
        ),
        pytest.param(replace(FACING, most=3, conditional=False), id="facing-three-acts", marks=DEEP),
        pytest.param(replace(ONE_RING, fault="log", writers="a"), id="ring-one-writer-log", marks=DEEP),
        pytest.param(DIAMOND, id="diamond-two-acts", marks=DEEP),
    ],
)
def test_at_rest_after_the_housekeeping_all_is_right(explore, world):
    assert_right(explore(world), 24)


# The harness finds out what is wrong, or it proves nothing.


def test_an_order_that_is_not_the_same_on_both_sides_is_found_out(explore, monkeypatch):
    monkeypatch.setattr(deciding, "_newer", lambda held, wrote, link, *, ours: False)  # who comes last wins

    assert isinstance(explore(replace(MANY, conditional=True)), Found)


def test_a_source_that_comes_to_hold_something_older_is_found_out(explore, monkeypatch):
    """Its user's newer write stayed in the shared target for ever, though no source had it any more."""
    ordered = property(lambda pair: deciding.Rule(pair.task.deletes, ordered=pair.task.shared))
    monkeypatch.setattr(pairs.Pair, "rule", ordered)
    result = explore(replace(SIDE, acts="w"))

    assert isinstance(result, Found)
    assert "d is not the newest of its sources" in result.complaint


def test_a_write_that_falls_on_anothers_unseen_and_that_no_marker_tells_of_is_found_out(explore, monkeypatch):
    monkeypatch.setattr(Writes, "_before", lambda writes, task: "")

    assert isinstance(explore(replace(MANY, conditional=False)), Found)
