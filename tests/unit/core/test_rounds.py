"""What a round believes, when another is needed, and what is said of them together."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.core import stamp as stamps
from bucketrelay.errors import StoreRefused
from bucketrelay.model import Address, Change, Deletes, Meta, Outcome
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore

NINE = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
CONDITIONAL = pytest.mark.parametrize("conditional", [True], ids=["conditional"])


@pytest.fixture
def one_second(world):
    """A world in which all that happens happens in one second."""
    world.source.bucket.now = world.target.bucket.now = lambda: NINE
    return world


def test_other_content_of_the_same_length_and_second_is_seen_by_the_second_look(one_second):
    world = one_second
    world.source.write("k", b"12345")
    world.target.arrange("put", lambda: world.source.write("k", b"54321"))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == b"54321"


@pytest.mark.parametrize(("body", "verb"), [(b"12345", "put"), (bytes(range(100)), "commit")], ids=["whole", "parts"])
def test_a_rewrite_of_the_same_while_it_is_copied_leaves_nothing_for_its_own_event(world, body, verb):
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.source.write("k", body)
    world.target.arrange(verb, lambda: world.source.write("k", body))
    first, event = world.run(), world.run()

    assert (first.outcome, event.outcome) == (Outcome.COPIED, Outcome.UNCHANGED)


@CONDITIONAL
def test_an_overwrite_is_looked_at_again_though_the_target_enforces_its_condition(world):
    """A rewrite of the metadata alone keeps the ETag: the condition of a task that was overtaken still holds."""
    world.deletes = Deletes.KEEP
    world.target._abilities = Abilities(min_part=1, streams=True, creates_once=True)
    world.source.write("k", b"1", Meta(content_type="first/x"))
    world.run()
    world.source.write("k", b"1", Meta(content_type="second/x"))

    def overtake():
        world.source.write("k", b"1", Meta(content_type="third/x"))
        assert world.run().outcome is Outcome.COPIED

    world.target.arrange("put", overtake)
    world.run()

    assert world.target.info("k").meta.content_type == "third/x"


@CONDITIONAL
def test_a_copy_by_the_server_is_looked_at_again_however_small_it_is(world):
    """That a put with a condition creates a key only once says nothing of a copy with the same condition."""
    world.deletes = Deletes.KEEP
    world.target = MemoryStore(Address("s3", "target"), copies=True, abilities=Abilities(creates_once=True))
    world.source.write("k", b"1")

    assert world.run().outcome is Outcome.COPIED
    assert world.target.counts["copy_from"] == world.source.counts["look"] == 1


def test_a_target_that_may_not_be_looked_at_is_not_written(world):
    world.source.write("k", b"1")
    world.target.fail("look", StoreRefused("403"), times=99)
    result = world.run()

    assert (result.outcome, result.retryable) == (Outcome.FAILED, False)
    assert world.target.counts["put"] == 0


def test_a_404_that_a_gateway_made_up_does_not_make_a_delete_done(world):
    world.source.write("k", b"1")
    world.run()
    world.source.remove("k")
    look = world.target.look
    world.target.look = lambda key, *, trust_bare_404=False: look(key) if not trust_bare_404 else None

    assert world.run(change=Change.REMOVED).outcome is Outcome.DELETED
    assert world.target.keys() == []


def test_the_copy_of_another_source_with_the_same_bytes_is_replaced_only_where_the_key_is_shared(one_second):
    """Of the same second, too: not even "not modified" is believed of a later copy."""
    world = one_second
    world.target.bucket.now = lambda: NINE + timedelta(seconds=1)
    world.source.write("k", b"1", Meta(content_type="a/b"))
    other = world.more["other"] = MemoryStore(Address("s3", "other"), now=lambda: NINE)
    kinds = iter(f"other/{number}" for number in range(999))
    while mark(other) <= mark(world.source):  # of two writes of one second this says which is the newer one
        other.write("k", b"1", Meta(content_type=next(kinds)))
    first, refused = world.run(), world.run(source="other")
    assert (first.outcome, refused.outcome) == (Outcome.COPIED, Outcome.FAILED)
    assert "another source" in refused.error
    assert world.target.info("k").meta.content_type == "a/b"

    won, late = world.run(source="other", shared=True), world.run(shared=True)
    assert (won.outcome, late.outcome) == (Outcome.COPIED, Outcome.UNCHANGED)
    assert "conflict" in won.note
    assert "conflict" in late.note
    assert world.target.info("k").meta.content_type == other.info("k").meta.content_type


def mark(store):
    info = store.info("k")
    return stamps.origin(info, "", None).mark if info else ""


def test_a_copy_is_reported_though_the_next_round_finds_nothing_to_do(world):
    world.deletes = Deletes.KEEP
    world.target._abilities = replace(world.target.abilities, creates_once=False)
    world.source.write("k", b"12345")
    world.source.arrange("look", lambda: world.source.remove("k"))
    result = world.run()

    assert (result.outcome, result.bytes) == (Outcome.COPIED, 5)
    assert world.source.counts["fetch"] == 2


def test_metadata_changed_within_the_second_of_the_copy_arrives(world):
    world.source.bucket.now = world.target.bucket.now = lambda: NINE
    world.source.write("k", b"12345", Meta(content_type="a/b"))
    world.target.arrange("put", lambda: world.source.write("k", b"12345", Meta(content_type="c/d")))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.info("k").meta.content_type == "c/d"


def test_metadata_that_was_seen_to_change_arrives_also_where_the_targets_clock_is_ahead(world):
    """By that clock the copy is later than the change, so neither ETag nor time tells: the next round asks for all."""
    world.source.bucket.now, world.target.bucket.now = lambda: NINE, lambda: NINE + timedelta(minutes=1)
    world.source.write("k", b"12345", Meta(content_type="a/b"))
    world.target.arrange("put", lambda: world.source.write("k", b"12345", Meta(content_type="c/d")))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.info("k").meta.content_type == "c/d"


def test_metadata_changed_after_the_copy_but_within_its_second_arrives_with_its_event(world):
    """Neither ETag nor time tells: a storm over a diamond left an older write in its shared target."""
    world.source.bucket.now = world.target.bucket.now = lambda: NINE
    world.source.write("k", b"12345", Meta(content_type="a/b"))
    world.run()
    world.source.write("k", b"12345", Meta(content_type="c/d"))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.info("k").meta.content_type == "c/d"
    assert world.run().outcome is Outcome.UNCHANGED


def test_a_server_whose_head_never_says_what_its_get_does_is_read_twice_and_written_once(world):
    world.source.write("k", b"12345", Meta(content_type="a/b"))
    described = world.source.look
    world.source.look = lambda *asked, **how: _otherwise(described(*asked, **how))

    assert world.run().outcome is Outcome.COPIED
    assert [verb for verb, _ in world.target.calls if verb == "put"] == ["put"]


def test_a_number_of_tags_that_only_get_tells_is_no_other_version(world):
    world.source.write("k", b"12345", Meta(content_type="a/b", tag_count=2))
    described = world.source.look
    world.source.look = lambda *asked, **how: _otherwise(described(*asked, **how), content_type="a/b", tag_count=0)

    assert world.run().outcome is Outcome.COPIED
    assert [verb for verb, _ in world.target.calls if verb == "put"] == ["put"]


def _otherwise(info, **changed):
    return info and replace(info, meta=replace(info.meta, **(changed or {"content_type": "of/head"})))
