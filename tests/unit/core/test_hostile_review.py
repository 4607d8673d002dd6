"""What a hostile review found, by the names that it gave: each failed before it was mended."""

import threading
from dataclasses import replace

import pytest

from bucketrelay.core import parts
from bucketrelay.core.budget import OVERHEAD, Budget
from bucketrelay.core.checkpoints import Checkpoint
from bucketrelay.core.parts import HELD
from bucketrelay.deadline import Deadline
from bucketrelay.errors import Damaged, StoreUnavailable
from bucketrelay.model import Address, Change, Deletes, Meta, Outcome, Overwrite
from bucketrelay.store import Abilities, Stream
from bucketrelay.testing.memory import MemoryStore

LARGE = bytes(range(100))
IN_PARTS = Abilities(min_part=1, streams=True, consistent=True)
ELSEWHERE = Abilities(min_part=1, streams=True)  # a server of which nobody promises that it shows every write at once


def back(world, **how):
    """The task of the route that faces the world's own."""
    return world.converge(world.task(source="target", target="source", meets=True, **how), Deadline())


def test_f1_both_ends_are_overwritten_at_once(world):
    world.source.write("k", b"mine")
    newer = world.target.write("k", b"theirs")
    forth, returned = world.run(meets=True), back(world)
    again = world.run(meets=True)

    assert "conflict" in forth.note
    assert "conflict" in returned.note
    assert again.outcome is Outcome.UNCHANGED
    assert world.source.body("k") == world.target.body("k") == b"theirs"
    assert world.target.info("k").modified == newer.modified


def test_f1_an_echo_is_only_what_the_other_side_still_holds(world):
    world.source.write("k", b"1")
    world.run(meets=True)
    world.source.write("k", b"2")

    assert back(world).outcome is Outcome.UNCHANGED  # the copy is older than what is there now
    assert world.source.body("k") == b"2"
    assert world.run(meets=True).outcome is Outcome.COPIED
    assert world.target.body("k") == b"2"


def test_f4_a_new_object_that_its_server_does_not_show_yet_comes_again(world):
    world.source._abilities = ELSEWHERE
    info = world.source.write("k", b"1")
    world.source.lag("k", "fetch")
    early = world.run(time=info.modified)

    assert (early.outcome, early.retryable) == (Outcome.FAILED, True)
    assert world.run(time=info.modified).outcome is Outcome.COPIED


def test_f4_a_created_event_deletes_nothing_while_it_is_young(world):
    world.source._abilities = ELSEWHERE
    world.source.write("k", b"1")
    world.run()
    info = world.source.write("k", b"2")
    world.source.bucket.before["k"] = None
    world.source.lag("k", "fetch")
    early = world.run(time=info.modified)

    assert (early.outcome, early.retryable) == (Outcome.FAILED, True)
    assert world.target.body("k") == b"1"


def test_f4_a_delete_wants_the_listing_as_its_second_witness(world):
    world.source._abilities = ELSEWHERE
    world.source.write("k", b"1")
    world.run()
    world.source.write("k", b"2")
    world.source.bucket.before["k"] = None
    world.source.lag("k", "fetch")
    doubted = world.run(change=Change.REMOVED)

    assert (doubted.outcome, doubted.retryable) == (Outcome.FAILED, True)
    assert "nothing was deleted" in doubted.error
    assert world.target.body("k") == b"1"
    world.source.remove("k")
    world.source.write("kk", b"another, which the listing begins with")
    world.forget()
    assert world.run(change=Change.REMOVED).outcome is Outcome.DELETED
    assert len(world.requests) == 5


def test_f4_where_all_shows_at_once_no_second_witness_is_asked(world):
    info = world.source.write("k", b"1")
    world.run()
    world.source.remove("k")
    world.forget()

    assert world.run(time=info.modified).outcome is Outcome.DELETED
    assert len(world.requests) == 4
    assert world.source.counts["list"] == 0


@pytest.mark.parametrize("memory", [1 << 20, 4 << 20])
def test_f7_what_is_held_does_not_grow_with_the_part(world, memory):
    """The parts of 5 TB have 477 MiB each: too large to be held, and never asked for at once."""
    world.budget = Budget(memory, 4)
    world.target._abilities = replace(IN_PARTS, min_part=8 << 20)
    world.source.write("k", bytes(20 << 20))
    pour, held = world.source.pour, []

    def watched(info, start, length, write):
        def block(view):
            held.append((len(view), world.budget.most - world.budget._free))
            write(view)

        pour(info, start, length, block)

    world.source.pour = watched
    assert world.run().outcome is Outcome.COPIED
    assert max(size for size, _ in held) <= 256 * 1024
    assert max(lent for _, lent in held) <= min(memory, 4 * HELD)
    assert world.source.counts["read"] == 0


def test_f7_a_part_that_has_to_be_held_and_does_not_fit_is_refused_aloud(world):
    world.target._abilities = Abilities(min_part=1 << 20)  # it takes no blocks
    world.source.write("k", bytes(3 << 20))
    result = world.run()

    assert (result.outcome, result.retryable) == (Outcome.FAILED, False)
    assert "raise memory" in result.error or "memory; raise it" in result.error
    assert list(world.target.uploads()) == []


def test_f9_an_object_that_no_route_wrote_is_replaced_aloud_or_kept(world):
    world.source.write("k", b"ours")
    world.target.write("k", b"theirs")
    kept = world.run(overwrite=Overwrite.OURS)

    assert (kept.outcome, kept.retryable, kept.by_hand) == (Outcome.FAILED, False, True)
    assert world.target.body("k") == b"theirs"
    replaced = world.run()
    assert (replaced.outcome, replaced.note.partition(";")[0]) == (
        Outcome.COPIED,
        "replaced an object that no route wrote",
    )


def test_f10_an_edit_of_the_metadata_alone_travels_from_either_end(world):
    world.source.write("k", b"1", Meta(content_type="a/b"))
    world.run(meets=True)
    copy = world.target.info("k")
    world.target.write("k", b"1", replace(copy.meta, content_type="c/d"))  # consoles keep the stamp

    assert back(world).outcome is Outcome.COPIED
    assert world.source.info("k").meta.content_type == "c/d"
    again = world.source.info("k")
    world.source.write("k", b"1", replace(again.meta, user={**again.meta.user, "n": "1"}))
    assert world.run(meets=True).outcome is Outcome.COPIED
    assert world.target.info("k").meta.user["n"] == "1"


def test_f10_a_stamp_that_a_user_has_written_hides_nothing(world):
    world.source.write("k", b"1")
    world.run()
    stamp = world.target.info("k").meta.user["bucketrelay"]
    world.target.write("k", b"2", Meta("text/plain", user={"bucketrelay": stamp}))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == b"1"


def test_f11_what_is_equal_is_not_written_again_though_another_tool_carries_the_metadata_along(world):
    """A ring: source to target is ours, target to third another tool's, third to source ours."""
    world.more["third"] = MemoryStore(Address("s3", "third"), now=world.now)
    world.source.write("k", b"1", Meta("text/plain", user={"a": "b"}))
    for _ in range(3):
        world.run(meets=True)
        copy = world.target.info("k")
        world.more["third"].write("k", world.target.body("k"), copy.meta)
        world.converge(world.task(source="third", target="source", meets=True), Deadline())

    assert world.source.counts["put"] == 0
    assert world.target.counts["put"] == 1


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("error", [None, Damaged("InvalidUploadPart")], ids=["InvalidPart", "InvalidUploadPart"])
def test_f15_a_part_that_another_task_has_sent_again_is_listed_and_committed(world, error, times):
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)

    def send_again():
        (upload,) = world.target.uploads()
        world.target.put_part(upload, 2, LARGE[8:16])
        if error:
            raise error

    world.target.arrange("commit", send_again, times=times)
    result = world.run()

    assert result.outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE
    assert world.target.counts["begin"] == 1
    assert world.log.keys() == []


def test_f15_an_upload_whose_parts_another_task_is_sending_right_now_is_its_work_too(world):
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)

    def send_again():
        (upload,) = world.target.uploads()
        world.target.put_part(upload, 2, LARGE[8:16])

    world.target.arrange("commit", send_again, times=3)
    result = world.run()

    assert (result.outcome, result.retryable) == (Outcome.FAILED, True)
    assert world.target.counts["abandon"] == 0
    assert world.run().outcome is Outcome.COPIED
    assert world.target.counts["begin"] == 1


def test_f15_a_task_that_is_late_leaves_the_newer_tasks_checkpoint(world):
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)

    def overtake():
        newer = Checkpoint("target", world.target.begin("k", Meta()), "another version")
        (name,) = world.log.keys()
        world.checkpoints.save(name[len("checkpoints/") : -len(".json")], newer)
        raise StoreUnavailable("503")

    world.target.arrange("commit", overtake)
    assert world.run().retryable

    (name,) = world.log.keys()
    assert b"another version" in world.log.body(name)


def test_f15_a_task_that_lost_its_version_leaves_the_newer_tasks_checkpoint(world):
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)

    def overtake():
        world.source.write("k", LARGE[::-1])
        world.target.fail("commit", StoreUnavailable("503"))
        assert "503" in world.run().error  # the newer version's upload is open, and noted

    world.source.arrange("pour", overtake)
    result = world.run()

    assert result.outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE[::-1]
    assert list(world.target.uploads()) == []


def test_f16_the_order_of_headers_changes_nothing(world):
    """The store in memory has another one in each answer."""
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE, Meta(user=dict.fromkeys("abcdef", "1")))
    world.target.fail("commit", StoreUnavailable("503"), times=3)
    results = [world.run().outcome for _ in range(4)]

    assert results[-1] is Outcome.COPIED
    assert world.target.counts["begin"] == 1


@pytest.mark.parametrize("sums", [("crc32",), ("md5",), ("md5", "crc32")], ids=" ".join)
def test_f17_one_bit_of_an_object_in_parts_is_found_before_anything_is_published(world, sums):
    world.source._sums = frozenset(sums)
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)
    pour = world.source.pour

    def flipped(info, start, length, write):
        def block(view):
            write(memoryview(bytes(view[:-1]) + bytes([view[-1] ^ 1])) if start == 16 else view)

        pour(info, start, length, block)

    world.source.pour = flipped
    result = world.run()
    assert (result.outcome, result.retryable) == (Outcome.FAILED, True)
    assert "nothing was written" in result.error
    assert world.target.keys() == []
    del world.source.pour
    whole = world.run()
    assert (whole.outcome, whole.note) == (Outcome.COPIED, "")


def test_f17_what_cannot_be_verified_is_said(world):
    world.source.write("k", b"12345")
    world.source.write("summed", b"12345")

    assert "unverified" in world.run().note
    world.source._sums = frozenset(["md5"])
    assert world.run("summed").note == ""


def test_f18_two_spellings_of_one_bucket_do_not_write_both_sides_for_ever(world):
    world.more["source-too"] = MemoryStore(Address("s3", "source", endpoint="other-name"), bucket=world.source)
    world.more["target-too"] = MemoryStore(Address("obs", "target", endpoint="other-name"), bucket=world.target)
    world.source.write("k", b"1")
    for _ in range(5):
        world.run()
        world.converge(world.task(source="target-too", target="source-too"), Deadline())

    assert world.target.counts["put"] == 1
    assert world.more["source-too"].counts["put"] == 0


class InOrder(MemoryStore):
    """Takes the parts of an upload in their order, as `rclone serve s3` does: others wait for the one before."""

    turn = 1

    def put_part(self, upload, number, body):
        changed = self.__dict__.setdefault("changed", threading.Condition())
        with changed:
            assert changed.wait_for(lambda: self.turn == number, timeout=20), f"part {number} waits for {self.turn}"
        part = super().put_part(upload, number, body)
        with changed:
            self.turn += 1
            changed.notify_all()
        return part


@pytest.mark.parametrize("streams", [True, False], ids=["blocks", "held parts"])
@pytest.mark.parametrize("threads", [2, 8])
def test_f22_a_server_that_takes_parts_in_their_order_never_stands_still(world, threads, streams):
    abilities = Abilities(min_part=1, streams=streams)
    world.target = InOrder(Address("s3", "target"), abilities=abilities)
    world.budget = Budget(int(3 * 8 * OVERHEAD), threads)
    world.source.write("k", LARGE)

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE


def test_f22_nobody_takes_a_part_before_he_has_the_bytes_for_it(world, monkeypatch):
    """Else the next part may wait for bytes that later ones hold."""
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)
    lend, take, holding, late = world.budget.bytes, parts.Parts._next, threading.local(), []

    def bytes_of(*asked):
        lease = lend(*asked)
        holding.some = True
        return lease

    def next_of(self):
        late.append(not getattr(holding, "some", False))
        return take(self)

    monkeypatch.setattr(world.budget, "bytes", bytes_of)
    monkeypatch.setattr(parts.Parts, "_next", next_of)

    assert world.run().outcome is Outcome.COPIED
    assert len(late) >= 13
    assert not any(late)


def test_a_store_that_pours_a_part_once_more_has_its_checksum_computed_anew(world):
    class Twice(MemoryStore):
        def put_part(self, upload, number, body):
            if isinstance(body, Stream):
                body.pour(lambda block: None)  # a try that failed
            return super().put_part(upload, number, body)

    world.target = Twice(Address("s3", "target"), abilities=IN_PARTS)
    world.source._sums = frozenset(["crc32"])
    world.source.write("k", LARGE)

    assert world.run().outcome is Outcome.COPIED


def test_a_copy_that_lost_metadata_on_the_way_is_still_ours(world):
    world.target._abilities = Abilities(user_bytes=400)
    world.source.write("k", b"1", Meta(user={"long": "x" * 300, "short": "y"}))

    assert world.run().degraded == ("user:long",)
    assert world.run().outcome is Outcome.UNCHANGED
    world.source.remove("k")
    assert world.run(change=Change.REMOVED).outcome is Outcome.DELETED


def test_s2_an_object_that_changes_faster_than_it_is_copied_gets_through_where_there_are_versions(world):
    world.source = MemoryStore(Address("s3", "source"), versioned=True, history=True)
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)
    numbers = iter(range(1, 99))
    world.source.arrange("pour", lambda: world.source.write("k", LARGE + bytes([next(numbers)])), times=99)
    result = world.run()

    assert (result.outcome, result.retryable) == (Outcome.FAILED, True)  # it never stood still
    assert world.target.body("k")[:100] == LARGE  # and yet one version after the other has arrived
    assert world.target.counts["commit"] == 5


def test_s2_else_it_is_looked_at_less_and_less_often(world):
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)
    world.source.arrange("pour", lambda: world.source.write("k", LARGE[::-1]), times=99)
    world.source.arrange("fetch", lambda: world.source.write("k", LARGE), times=99)
    result = world.run(deadline=Deadline(100, now=lambda: 0.0))

    assert result.retryable
    assert world.pauses == [1.0, 2.0, 4.0]


def test_a_part_whose_source_broke_is_sent_again_from_its_first_byte(world):
    world.source._sums = frozenset(["crc32"])
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)
    pour, broken = world.source.pour, []

    def cut(info, start, length, write):
        if start == 16 and len(broken) < 2:
            broken.append(start)
            write(memoryview(b"half"))
            raise StoreUnavailable("the connection broke")
        pour(info, start, length, write)

    world.source.pour = cut
    assert (world.run().outcome, len(broken)) == (Outcome.COPIED, 2)
    assert world.target.body("k") == LARGE


def test_what_the_target_refuses_is_not_sent_again_by_us(world):
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)
    world.target.fail("put_part", StoreUnavailable("503"))

    assert "503" in world.run().error
    assert world.target.counts["put_part"] <= 13


def test_without_time_a_part_ends_between_two_blocks(world):
    clock = [0.0]
    world.target._abilities = IN_PARTS
    world.source.write("k", LARGE)
    world.source.arrange("pour", lambda: clock.__setitem__(0, 99.0), after=True)
    result = world.run(deadline=Deadline(50, now=lambda: clock[0]))

    assert result.outcome is Outcome.UNFINISHED


def test_a_delete_at_one_end_and_a_write_at_the_other_leave_the_write(world):
    world.deletes = Deletes.FOLLOW
    world.source.write("k", b"1")
    world.run(meets=True)
    world.target.write("k", b"2")
    world.source.remove("k")
    kept = world.run(change=Change.REMOVED, meets=True)

    assert (kept.outcome, world.target.body("k")) == (Outcome.UNCHANGED, b"2")
    assert "conflict" in kept.note
    assert back(world).outcome is Outcome.COPIED
    assert world.source.body("k") == b"2"


def test_a_copy_whose_original_was_deleted_does_not_bring_it_back(world):
    world.source.write("k", b"1")
    world.run(meets=True)
    world.source.remove("k")

    assert back(world).outcome is Outcome.UNCHANGED
    assert world.source.keys() == []


def test_a_stamp_of_before_is_still_read(world):
    from bucketrelay.core import stamp as stamps
    from bucketrelay.core.pair import link

    info = world.source.write("k", b"1")
    ids = link(world.source, "k", world.target, "k")
    old = stamps.Stamp(ids.target, (ids.source,), 1, stamps.when(info), info.etag)
    world.target.write("k", b"1", Meta(user={stamps.NAME: old.text()}))

    assert old.text().startswith("1;")
    assert world.run().outcome is Outcome.UNCHANGED
    world.source.remove("k")
    assert world.run(change=Change.REMOVED).outcome is Outcome.DELETED
