"""The books close, whatever the two sides hold, whatever fails, and at any moment: both sums of the contract hold."""

import random
from dataclasses import asdict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bucketrelay.drivers.reconcile.books import Counts, Kind, Verdict
from bucketrelay.errors import OutcomeUnknown, RelayError, StoreRefused, StoreUnavailable
from bucketrelay.model import Deletes
from reconcile_world import World

KEYS = ("a", "b", "c", "d.tmp", "\U0001f4f7")
STATES = ("absent", "new", "right", "changed", "gone", "foreign", "foreign there")
ERRORS = (StoreUnavailable("503"), StoreRefused("403"), OutcomeUnknown("no answer"))
_FAULTS = st.tuples(
    st.sampled_from(("source", "target")),
    st.sampled_from(("look", "fetch", "read", "put", "delete", "list", "copy_from")),
    st.sampled_from((None, *KEYS)),
    st.sampled_from(ERRORS),
    st.integers(1, 9),
    st.booleans(),
)


def _live(world, states):
    for key, state in states.items():
        if state in ("new", "foreign"):
            world.source.write(key, key.encode())
        if state in ("foreign", "foreign there"):
            world.target.write(key, b"else")
        if state in ("right", "changed", "gone"):
            world.source.write(key, key.encode())
    copied = [key for key, state in states.items() if state in ("right", "changed", "gone")]
    world.route_with(exclude=())
    world.replicate(*copied)
    for key in copied:
        if states[key] == "changed":
            world.source.write(key, b"changed")
        if states[key] == "gone":
            world.source.remove(key)


def _close(counts):
    source = counts.right + counts.missing + counts.different + counts.failed
    target = counts.right + counts.different + counts.surplus + counts.kept + counts.unclear + counts.failed_there
    assert (counts.source_objects, counts.target_objects) == (source, target), counts


@given(
    st.fixed_dictionaries({key: st.sampled_from(STATES) for key in KEYS}),
    st.lists(_FAULTS, max_size=4),
    st.sampled_from(("listing", "stamp", "content")),
    st.sampled_from(tuple(Deletes)),
    st.integers(1, 5),
    st.booleans(),
)
def test_both_sums_hold_of_any_two_sides_and_any_failures(states, faults, depth, deletes, fuse, adopt):
    world = World()
    _live(world, states)
    world.route_with(exclude=("*.tmp",), deletes=deletes, max_deletes=fuse)
    for name, verb, key, error, times, after in faults:
        world.stores[name].fail(verb, error, times=times, key=key, after=after)
    begun = world.begin(depth=depth, adopt=adopt)
    try:
        (book,) = begun.run()
    except RelayError:  # a side could not be listed
        _close(begun.books()[0].counts)
        for store in (world.source, world.target):
            store.orders.clear()
        (book,) = world.begin(depth=depth, adopt=adopt).run()
    _close(book.counts)
    assert book.complete
    _told(world, book)


def _told(world, book):
    """Each key that is counted beside the right ones has its line, and a failed delete two: what it is, and why."""
    listed = {kind: len(lines) for kind, lines in world.lists().items()} if book.counts.differ else {}
    for kind in ("missing", "different", "surplus", "unclear") if listed else ():
        assert listed.get(kind, 0) == getattr(book.counts, kind)
    assert listed.get("failed", 0) == book.counts.failed + book.counts.undeleted
    assert book.counts.undeleted <= book.counts.surplus


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_delete_that_fails_leaves_a_surplus_that_is_told_and_is_no_key_of_the_source(error):
    world = World().route_with(deletes=Deletes.FOLLOW)
    world.source.write("a")
    world.replicate("a")
    world.source.remove("a")
    world.target.fail("delete", error, times=99)
    (book,) = world.begin().run()
    counts = book.counts
    assert (counts.surplus, counts.undeleted, counts.failed, counts.source_objects, counts.target_objects) == (
        (1, 1, 0, 0, 1)
    )
    assert (book.complete, book.well, book.members()["undeleted"]) == (True, False, 1)
    assert [line["why"] for line in world.lists()["failed"]] == [str(error)]
    world.target.orders.clear()
    assert world.counts() == {"complete": True, "target_objects": 1, "surplus": 1, "repaired": 1}


VERDICTS = st.builds(
    Verdict,
    rest=st.sampled_from(KEYS),
    kind=st.sampled_from(Kind),
    at_source=st.booleans(),
    at_target=st.booleans(),
    unstamped=st.booleans(),
    undeleted=st.booleans(),
    modified=st.none() | st.sampled_from((-1.5, 0.0, 1.0, 1795252500.0)),
)


def _counted(verdicts):
    counts = Counts()
    for verdict in verdicts:
        counts.add(verdict)
    return counts


@given(st.lists(VERDICTS), st.randoms(use_true_random=False), st.integers(0, 9))
@example([Verdict("a", Kind.MISSING, modified=each) for each in (0.0, 1.0)], random.Random(0), 2)
def test_counts_add_up_in_any_order_and_over_any_spans(verdicts, chance, cut):
    """Also the oldest write, and one of the very beginning of 1970 is one."""
    shuffled = chance.sample(verdicts, len(verdicts))
    moments = [each.modified for each in verdicts if each.kind not in (Kind.RIGHT, Kind.NOTHING, Kind.EXCLUDED)]

    whole = _counted(verdicts)
    assert whole.oldest == min((each for each in moments if each is not None), default=None)
    assert _counted(shuffled) == whole
    assert _counted(shuffled[cut:]).plus(_counted(shuffled[:cut])) == whole


def test_books_of_which_a_sum_does_not_hold_are_not_complete():
    counts = Counts()
    counts.add(Verdict("a", Kind.FAILED, at_target=True))  # of no side's: what no judgement makes
    assert not counts.close
    assert asdict(Counts())["undeleted"] == 0
