"""One task at a time: the target ends equal to the source, whatever the event said and whoever interferes."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from bucketrelay.core.budget import OVERHEAD, Budget
from bucketrelay.core.delete_fuse import UNLIMITED
from bucketrelay.core.resources import SPARE
from bucketrelay.core.stamp import NAME
from bucketrelay.deadline import Deadline
from bucketrelay.errors import OutcomeUnknown, StoreRefused, StoreUnavailable
from bucketrelay.model import Address, Change, Deletes, Meta, Outcome
from bucketrelay.store import Abilities, MiB
from bucketrelay.testing.memory import MemoryStore

LARGE = bytes(range(100))


def test_a_created_object_is_copied_with_all_that_belongs_to_it(world):
    meta = Meta(
        "text/plain", "gzip", "de", 'attachment; filename="x"', "no-store", "Thu, 01 Dec 2030 16:00:00 GMT", {"a": "ü"}
    )
    world.source.write("k", b"12345", meta)
    result = world.run(time=datetime(2026, 11, 21, 8, 59, tzinfo=timezone.utc))

    copy = world.target.info("k")
    assert world.target.body("k") == b"12345"
    assert replace(copy.meta, user={n: v for n, v in copy.meta.user.items() if n != NAME}) == meta
    assert (result.outcome, result.bytes, result.error, result.degraded) == (Outcome.COPIED, 5, "", ())
    assert (result.source, result.target, result.key) == ("s3://source/k", "obs://target/k", "k")
    assert result.lag > 60


def test_a_large_object_goes_in_parts_and_arrives_whole(world):
    world.source.write("k", LARGE)
    world.target._abilities = Abilities(min_part=1, streams=True)

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE
    assert world.target.counts["put_part"] == 13
    assert list(world.target.uploads()) == []


def test_an_empty_object_is_copied(world):
    world.source.write("k", b"")

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == b""


def test_a_duplicate_event_costs_two_requests_and_writes_nothing(world):
    world.source.write("k", b"1")
    world.run()
    world.forget()

    assert world.run().outcome is Outcome.UNCHANGED
    assert world.requests == ["source.fetch", "target.look"]


@pytest.mark.parametrize("deletes", Deletes)
def test_a_small_created_object_costs_at_most_four_requests(world, deletes):
    world.deletes = deletes
    world.source.write("k", b"1")
    world.run()

    saved = world.target.conditional and deletes is Deletes.KEEP
    assert len(world.requests) == (3 if saved else 4)


def test_an_overwrite_costs_at_most_four_requests(world):
    world.source.write("k", b"1")
    world.run()
    world.source.write("k", b"2")
    world.forget()

    assert world.run().outcome is Outcome.COPIED
    assert len(world.requests) == 4
    assert world.equal()


def test_a_followed_delete_costs_at_most_four_requests(world):
    world.source.write("k", b"1")
    world.run()
    world.source.remove("k")
    world.forget()

    assert world.run(change=Change.REMOVED).outcome is Outcome.DELETED
    assert len(world.requests) == 4
    assert world.equal()


def test_a_late_create_after_a_delete_deletes(world):
    world.source.write("k", b"1")
    world.run()
    world.source.remove("k")

    assert world.run(change=Change.CREATED).outcome is Outcome.DELETED
    assert world.target.keys() == []


def test_a_late_delete_after_a_create_copies(world):
    world.source.write("k", b"1")

    assert world.run(change=Change.REMOVED).outcome is Outcome.COPIED
    assert world.target.body("k") == b"1"


def test_a_rewrite_of_the_metadata_alone_is_followed(world):
    world.source.write("k", b"1", Meta(content_type="a/b"))
    world.run()
    world.source.write("k", b"1", Meta(content_type="c/d"))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.info("k").meta.content_type == "c/d"


def test_a_route_that_keeps_does_not_delete(world):
    world.deletes = Deletes.KEEP
    world.source.write("k", b"1")
    world.run()
    world.source.remove("k")
    result = world.run(change=Change.REMOVED)

    assert result.outcome is Outcome.UNCHANGED
    assert "keep" in result.note
    assert world.target.body("k") == b"1"


def test_an_object_that_somebody_else_put_there_is_never_deleted(world):
    world.target.write("k", b"theirs")
    result = world.run(change=Change.REMOVED)

    assert result.outcome is Outcome.UNCHANGED
    assert "did not write" in result.note
    assert world.target.body("k") == b"theirs"


@pytest.mark.parametrize("error", [StoreRefused("403"), StoreUnavailable("503"), StoreUnavailable("timeout")])
@pytest.mark.parametrize("store", ["source", "target"])
@pytest.mark.parametrize("verb", ["look", "fetch"])
def test_what_could_not_be_found_out_deletes_nothing(world, error, store, verb):
    world.source.write("k", b"1")
    world.run()
    world.source.remove("k")
    world.store(store).fail(verb, error, times=9)
    result = world.run(change=Change.REMOVED)

    if (store, verb) == ("target", "fetch") or (store, verb) == ("source", "look"):
        return  # never asked, or asked only after the delete was right
    assert (result.outcome, result.retryable) == (Outcome.FAILED, error.retryable)
    assert world.target.body("k") == b"1"


def test_a_source_bucket_that_is_gone_deletes_nothing(world):
    world.source.write("k", b"1")
    world.run()
    world.source.drop_bucket()
    result = world.run(change=Change.REMOVED)

    assert (result.outcome, result.retryable) == (Outcome.FAILED, False)
    assert world.target.body("k") == b"1"


def test_a_target_bucket_that_is_gone_is_not_called_unchanged(world):
    world.target.drop_bucket()

    assert world.run(change=Change.REMOVED).outcome is Outcome.FAILED


@pytest.mark.parametrize("body", [b"12345", LARGE], ids=["whole", "parts"])
@pytest.mark.parametrize("newer", [b"54321", LARGE[::-1]], ids=["small", "large"])
@pytest.mark.parametrize(
    ("verb", "after"), [("look", False), ("fetch", False), ("fetch", True), ("pour", False), ("pour", True)]
)
def test_an_object_overwritten_while_it_is_copied_ends_as_its_last_version(world, body, newer, verb, after):
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.source.write("k", body)
    world.source.arrange(verb, lambda: world.source.write("k", newer), after=after)
    result = world.run()

    if verb == "look" and world.source.counts["look"] == 0 or verb == "pour" and world.source.counts["pour"] == 0:
        world.source.write("k", newer)
        result = world.run()
    assert result.outcome is Outcome.COPIED
    assert world.target.body("k") == newer
    assert list(world.target.uploads()) == []


@pytest.mark.parametrize("verb", ["put", "look"])
def test_an_object_deleted_while_it_is_copied_ends_deleted(world, verb):
    world.source.write("k", b"1")
    store = world.target if verb == "put" else world.source
    store.arrange(verb, lambda: world.source.remove("k"))
    result = world.run()

    assert result.outcome is Outcome.DELETED
    assert world.target.keys() == []


def test_an_object_created_again_while_its_copy_is_deleted_ends_copied(world):
    world.source.write("k", b"1")
    world.run()
    world.source.remove("k")
    world.target.arrange("delete", lambda: world.source.write("k", b"2"))
    result = world.run(change=Change.REMOVED)

    assert result.outcome is Outcome.COPIED
    assert world.target.body("k") == b"2"


def test_a_target_written_by_somebody_between_look_and_write_is_looked_at_again(world):
    world.source.write("k", b"1")
    world.target.arrange("put", lambda: world.target.write("k", b"theirs"))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == b"1"


def test_an_object_that_never_stands_still_is_reported_and_comes_again(world):
    world.source.write("k", b"0")
    for number in range(9):
        world.source.arrange("look", lambda n=number: world.source.write("k", b"x" * (n + 1)))
    result = world.run()

    assert (result.outcome, result.retryable) == (Outcome.FAILED, True)
    assert "changed 5 times" in result.error


def test_a_write_of_unknown_outcome_is_never_reported_done(world):
    world.source.write("k", b"1")
    world.target.fail("put", OutcomeUnknown("obs://target/k: no answer"), after=True)
    first, second = world.run(), world.run()

    assert (first.outcome, first.retryable) == (Outcome.FAILED, True)
    assert second.outcome is Outcome.UNCHANGED


def test_two_routes_that_face_each_other_come_to_rest(world):
    world.source.write("k", b"1")
    world.run()
    world.forget()
    back = world.task(source="target", target="source")
    result = world.converge(back, Deadline())

    assert result.outcome is Outcome.UNCHANGED
    assert "itself a copy" in result.note
    assert world.source.counts["put"] == 0


def test_a_ring_of_three_comes_to_rest(world):
    world.more["third"] = MemoryStore(Address("oci", "third", "ns"))
    world.source.write("k", b"1")
    hops = [("source", "target"), ("target", "third"), ("third", "source"), ("third", "target")]
    outcomes = [world.converge(world.task(source=a, target=b), Deadline()).outcome for a, b in hops]

    assert outcomes == [Outcome.COPIED, Outcome.COPIED, Outcome.UNCHANGED, Outcome.UNCHANGED]
    assert world.more["third"].body("k") == b"1"


def test_an_edit_of_a_copy_travels_back(world):
    world.source.write("k", b"1")
    world.run()
    world.target.write("k", b"edited")
    result = world.converge(world.task(source="target", target="source"), Deadline())

    assert result.outcome is Outcome.COPIED
    assert world.source.body("k") == b"edited"


def test_deletes_past_the_fuse_are_held_and_said(world):
    for key in "abc":
        world.source.write(key, b"1")
        world.run(key)
        world.source.remove(key)
    outcomes = [world.run(key, Change.REMOVED, max_deletes=2) for key in "abc"]

    assert [result.outcome for result in outcomes] == [Outcome.DELETED, Outcome.DELETED, Outcome.FAILED]
    assert "max_deletes" in outcomes[2].error
    assert world.target.keys() == ["c"]


def test_a_held_delete_waits_for_a_person(world):
    world.source.write("k", b"1")
    world.run()
    world.source.remove("k")
    held = world.run(change=Change.REMOVED, max_deletes=0)

    assert (held.outcome, held.retryable, held.by_hand) == (Outcome.FAILED, False, True)
    assert "bucketrelay replay --route route --go" in held.error
    assert world.run(change=Change.REMOVED, max_deletes=UNLIMITED).outcome is Outcome.DELETED


def test_where_the_log_store_cannot_be_asked_deletes_are_held_and_come_again(world):
    world.source.write("k", b"1")
    world.run()
    world.source.remove("k")
    world.log.fail("list", StoreUnavailable("503"))
    held = world.run(change=Change.REMOVED)

    assert (held.outcome, held.retryable, held.by_hand) == (Outcome.FAILED, True, False)
    assert world.target.body("k") == b"1"
    assert world.run(change=Change.REMOVED).outcome is Outcome.DELETED


def test_what_the_target_cannot_carry_is_named(world):
    world.source.write("k", b"1", Meta(tag_count=3, expires="Thu, 01 Dec 2030 16:00:00 GMT"))
    world.target._abilities = Abilities(headers=frozenset({"content_type"}))

    assert world.run().degraded == ("expires", "tags")


def test_a_strict_route_copies_nothing_that_would_lose_something(world):
    world.source.write("k", b"1", Meta(tag_count=3))
    result = world.run(strict=True)

    assert (result.outcome, result.retryable) == (Outcome.FAILED, False)
    assert "tags" in result.error
    assert world.target.keys() == []


@pytest.mark.parametrize(
    ("key", "words"), [("", "strip_prefix"), ("x" * 1025, "1025 bytes"), ("ü" * 513, "1026 bytes")]
)
def test_a_key_that_the_mapping_spoils_fails_and_is_said(world, key, words):
    world.source.write("k", b"1")
    result = world.run(target_key=key)

    assert (result.outcome, result.retryable) == (Outcome.FAILED, False)
    assert words in result.error


def test_without_time_a_task_is_unfinished_and_has_touched_nothing(world):
    world.source.write("k", b"1")
    result = world.run(deadline=Deadline(0))

    assert (result.outcome, result.retryable) == (Outcome.UNFINISHED, True)
    assert world.requests == []


@pytest.mark.parametrize("verb", ["begin", "put_part", "commit"])
def test_an_upload_that_is_refused_leaves_nothing_open(world, verb):
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.source.write("k", LARGE)
    world.target.fail(verb, StoreRefused("403"))
    result = world.run()

    assert (result.outcome, result.retryable) == (Outcome.FAILED, False)
    assert list(world.target.uploads()) == []
    assert world.target.keys() == []
    assert world.log.keys() == []


def test_a_condition_that_was_only_found_to_work_saves_no_look(world):
    """A server may honour If-Match and not If-None-Match, or both for a put and neither for a commit."""
    world.deletes = Deletes.KEEP
    world.target._abilities = Abilities(creates_once=False)
    world.source.write("k", b"1")
    world.run()

    assert world.source.counts["look"] == 1


def test_an_object_in_parts_is_always_looked_at_again(world):
    world.deletes = Deletes.KEEP
    world.target._abilities = Abilities(min_part=1, streams=True, creates_once=True)
    world.source.write("k", LARGE)
    world.run()

    # For checksums of the whole, before the first part is moved, and after the commit.
    assert world.source.counts["look"] == 2


def test_a_delete_that_did_not_happen_is_not_counted_by_the_fuse(world):
    for key in "abcd":
        world.source.write(key, b"1")
        world.run(key)
        world.source.remove(key)
    world.target.fail("delete", StoreUnavailable("503"), times=3)
    failed = [world.run(key, Change.REMOVED, max_deletes=2) for key in "abc"]
    done = [world.run(key, Change.REMOVED, max_deletes=2).outcome for key in "ab"]

    assert all("503" in result.error for result in failed)
    assert done == [Outcome.DELETED] * 2
    assert "max_deletes" in world.run("d", Change.REMOVED, max_deletes=2).error


def test_a_delete_of_unknown_outcome_is_counted_by_the_fuse(world):
    world.source.write("a", b"1")
    world.run("a")
    world.source.remove("a")
    world.target.fail("delete", OutcomeUnknown("no answer"))
    world.run("a", Change.REMOVED, max_deletes=1)

    assert "max_deletes" in world.run("a", Change.REMOVED, max_deletes=1).error


def test_bytes_of_the_budget_are_given_back_whatever_goes_wrong(world):
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.source.write("k", LARGE)
    for verb, store in (
        ("pour", world.source),
        ("fetch", world.source),
        ("put_part", world.target),
        ("look", world.target),
    ):
        store.fail(verb, StoreUnavailable("503"), times=1)
        world.run()

    assert world.budget._free == world.budget._total


@pytest.fixture
def roomy(world):
    """A part is 1 MiB, and of memory there is as much as two."""
    world.part_size = MiB
    world.budget = Budget(int(2 * MiB * OVERHEAD), 4)
    return world


def test_small_objects_hold_no_more_of_the_budget_than_they_may_need(roomy):
    """Four of 4 KiB had to wait for one another, as each was lent a part."""
    roomy.source.write("k", bytes(4096))
    free = []
    roomy.source.arrange("fetch", lambda: free.append(roomy.budget._free))

    assert roomy.run(size=4096).outcome is Outcome.COPIED
    assert free == [roomy.budget._total - SPARE]


@pytest.mark.parametrize(("length", "reads"), [(2 * 40_000, 0), (2 * 40_000 + 1, 1)])
def test_an_object_that_has_grown_since_its_event_arrives_whole(roomy, length, reads):
    roomy.source.write("k", bytes(length))

    assert roomy.run(size=40_000).outcome is Outcome.COPIED
    assert roomy.target.body("k") == bytes(length)
    assert roomy.source.counts["read"] == reads


def test_what_was_lent_for_an_object_that_has_grown_is_given_back_whatever_goes_wrong(roomy):
    roomy.source.write("k", bytes(SPARE + 1))
    roomy.source.fail("read", StoreUnavailable("503"))

    assert roomy.run(size=1).outcome is Outcome.FAILED
    assert roomy.budget._free == roomy.budget._total


def test_without_memory_a_task_waits_no_longer_than_its_invocation(world):
    world.source.write("k", b"1")
    held = world.budget.bytes(1 << 40, Deadline())
    result = world.run(deadline=Deadline(0.3))
    held.release()

    assert (result.outcome, result.retryable) == (Outcome.UNFINISHED, True)
    assert "memory" in result.error
