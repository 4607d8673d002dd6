"""An upload is gone on with only if its parts are those of this very version, in this very cut."""

import base64
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest

from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.model import Meta, Outcome
from bucketrelay.store import Abilities

LARGE = bytes(range(100))  # 12 parts of 8 bytes, and one of 4


@pytest.fixture
def world(world):
    """A world in which all parts of an object have arrived, and it was not published."""
    world.target._abilities = Abilities(min_part=1, streams=True)
    world.source.write("k", LARGE)
    world.target.fail("commit", StoreUnavailable("503"))
    assert world.run().outcome is Outcome.FAILED
    return world


def rewrite(world, **changed):
    """The source has another version, that is the same but for what is *changed*."""
    objects = world.source.bucket.objects
    objects["k"] = replace(objects["k"], **changed)


def checkpoint(world):
    """The name and the value of the only one that there is."""
    (key,) = world.log.keys()
    name = key.removeprefix("checkpoints/").removesuffix(".json")
    return name, world.checkpoints.load(name)


def test_the_last_part_of_one_cut_is_no_middle_part_of_another(world):
    world.part_size = 4  # and part 13 of it has as many bytes as the last one of before

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE


@pytest.mark.parametrize(
    "changed",
    [{"body": LARGE[::-1], "etag": "another"}, {"body": bytes(104)}],
    ids=["other content of the same second", "longer, under an ETag that is not of the content"],
)
def test_parts_of_other_content_are_not_taken(world, changed):
    rewrite(world, **changed)

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == changed["body"]
    assert list(world.target.uploads()) == []


def test_a_copy_of_a_rewritten_object_says_that_it_is_of_the_rewrite(world):
    rewrite(world, modified=world.source.info("k").modified + timedelta(hours=1))
    first, event = world.run(), world.run()

    assert (first.outcome, event.outcome) == (Outcome.COPIED, Outcome.UNCHANGED)


def test_an_upload_of_another_key_is_not_gone_on_with(world):
    name, found = checkpoint(world)
    world.checkpoints.save(name, replace(found, upload=world.target.begin("other", Meta())))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.keys() == ["k"]


def test_an_upload_that_was_opened_for_another_store_is_left_to_it(world):
    name, found = checkpoint(world)
    world.checkpoints.save(name, replace(found, store="renamed since"))

    assert world.run().outcome is Outcome.COPIED
    assert world.target.counts["begin"] == 2
    assert list(world.target.uploads()) == [found.upload]


@pytest.mark.parametrize("changed", [{"store": "another"}, {"fingerprint": "s3://source/k;another version;100;1;x"}])
def test_who_finds_nothing_left_to_do_leaves_alone_what_is_not_of_the_published_version(world, changed):
    """It may be another task's, which has seen a newer version."""
    name, found = checkpoint(world)
    assert world.run().outcome is Outcome.COPIED
    theirs = replace(found, upload=world.target.begin("k", Meta()), **changed)
    world.checkpoints.save(name, theirs)

    assert world.run().outcome is Outcome.UNCHANGED
    assert list(world.target.uploads()) == [theirs.upload]
    assert world.checkpoints.load(name) == theirs


def test_who_finds_nothing_left_to_do_ends_the_upload_of_the_published_version(world):
    name, found = checkpoint(world)
    assert world.run().outcome is Outcome.COPIED
    world.checkpoints.save(name, replace(found, upload=world.target.begin("k", Meta())))

    assert world.run().outcome is Outcome.UNCHANGED
    assert list(world.target.uploads()) == []
    assert world.log.keys() == []


def test_a_part_that_arrived_short_is_sent_again(world):
    _, found = checkpoint(world)
    world.target.put_part(found.upload, 3, LARGE[16:20])

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE


def test_an_object_over_several_invocations_is_compared_with_its_checksum(world):
    world.source.write("k", LARGE[::-1])
    fetch, refused = world.source.fetch, []
    said = {"crc32": base64.b64encode(zlib.crc32(LARGE).to_bytes(4, "big")).decode()}

    def fetch_with_a_checksum(key, length, **how):
        found = fetch(key, length, **how)
        return replace(found, info=replace(found.info, checksums=said))

    def refuse_once():
        if world.target.counts["put_part"] >= 20 and not refused:  # 13 of them are of the version before
            refused.append("a part")
            raise StoreUnavailable("503")

    world.source.fetch = fetch_with_a_checksum
    world.target.arrange("put_part", refuse_once, times=99)
    first, second = world.run(), world.run()

    assert "503" in first.error
    assert "another crc32" in second.error
    assert world.target.keys() == []
    assert list(world.target.uploads()) == []


def test_an_upload_is_not_left_open_where_its_checkpoint_cannot_be_kept(world):
    world.source.write("k", LARGE[::-1])
    world.log.fail("put", StoreRefused("403"))

    assert world.run().outcome is Outcome.FAILED
    assert list(world.target.uploads()) == []


def test_first_bytes_are_no_part_where_parts_have_to_be_larger_than_configured(world):
    world.source.write("k", LARGE[::-1])
    world.target._abilities = Abilities(min_part=1, max_parts=2, streams=True)

    assert world.run().outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE[::-1]


def test_an_answer_with_more_bytes_than_the_object_has_is_never_published(world):
    world.source.write("small", b"12345")
    fetch = world.source.fetch

    def longer(key, length, **how):
        found = fetch(key, length, **how)
        return replace(found, body=found.body + b"6")

    world.source.fetch = longer
    result = world.run("small")

    assert (result.outcome, result.retryable) == (Outcome.FAILED, True)
    assert "more bytes" in result.error
    assert world.target.keys() == []
