"""Objects that take more than one invocation, die half-way, change half-way, or arrive damaged."""

import base64
import contextlib
import itertools
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest

from bucketrelay.abilities import Upload
from bucketrelay.bodies import pour_bytes
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import Checkpoint, parse, text
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, OutcomeUnknown, StoreUnavailable
from bucketrelay.model import Change, Meta, Outcome
from bucketrelay.store import Abilities

LARGE = bytes(range(100))  # 13 parts of 8 bytes
SMALL = Abilities(min_part=1, streams=True)


@pytest.fixture
def world(world):
    world.target._abilities = SMALL
    return world


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


def stepping_deadline(requests):
    """A deadline that ends after so many looks at the clock; the clock is looked at before each request."""
    ticks = itertools.count()
    return Deadline(requests, now=lambda: float(next(ticks)))


def test_an_object_goes_over_as_many_invocations_as_it_takes(world):
    world.budget = Budget(world.memory, 1)
    world.source.write("k", LARGE)
    outcomes = []
    while not outcomes or outcomes[-1] is Outcome.UNFINISHED:
        outcomes.append(world.run(deadline=stepping_deadline(9)).outcome)

    assert outcomes[-1] is Outcome.COPIED
    assert len(outcomes) > 3
    assert world.target.body("k") == LARGE
    assert world.target.counts["put_part"] == 13  # no part was sent twice
    assert world.target.counts["begin"] == 1
    assert list(world.target.uploads()) == []
    assert world.log.keys() == []


@pytest.mark.parametrize("verb", ["put_part", "commit"])
def test_what_has_arrived_is_kept_when_the_target_is_not_there_for_a_while(world, verb):
    world.source.write("k", LARGE)
    world.target.fail(verb, StoreUnavailable("503"))
    first, sent = world.run(), world.target.counts["put_part"]
    second = world.run()

    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.COPIED)
    assert world.target.body("k") == LARGE
    assert world.target.counts["put_part"] <= max(sent, 13) + 1
    assert list(world.target.uploads()) == []


def test_a_new_version_of_the_source_begins_anew_and_leaves_nothing_open(world):
    world.source.write("k", LARGE)
    world.target.fail("commit", StoreUnavailable("503"))
    world.run()
    world.source.write("k", LARGE[::-1])
    result = world.run()

    assert result.outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE[::-1]
    assert list(world.target.uploads()) == []


def test_another_size_of_parts_begins_anew(world):
    world.source.write("k", LARGE)
    world.target.fail("commit", StoreUnavailable("503"))
    world.run()
    world.part_size = 16
    result = world.run()

    assert result.outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE
    assert list(world.target.uploads()) == []


def test_a_commit_whose_answer_was_lost_is_found_done(world):
    world.source.write("k", LARGE)
    world.target.fail("commit", OutcomeUnknown("no answer"), after=True)
    first, second = world.run(), world.run()

    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.UNCHANGED)
    assert world.target.body("k") == LARGE
    assert world.log.keys() == []


def test_an_upload_that_somebody_else_has_ended_is_looked_at_again(world):
    world.source.write("k", LARGE)
    ended = []

    def end():
        if not ended:
            ended.extend(world.target.uploads())
            world.target.bucket.open.clear()

    world.target.arrange("commit", end)
    result = world.run()

    assert result.outcome is Outcome.COPIED
    assert world.target.body("k") == LARGE


VERBS = [
    *(("source", verb) for verb in ("look", "fetch", "pour")),
    *(("target", verb) for verb in ("look", "put", "begin", "put_part", "parts", "commit", "abandon", "delete")),
    *(("log", verb) for verb in ("fetch", "put", "delete")),
]


def requests(world):
    """How many requests of each kind a run of the task makes."""
    stores = {"source": world.source, "target": world.target, "log": world.log}
    return {(name, verb): stores[name].counts[verb] for name, verb in VERBS}


@pytest.mark.parametrize("body", [b"12345", LARGE], ids=["whole", "parts"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_request_the_target_holds_one_whole_version_or_what_it_held(world, body, after):
    """For every request of a run: the process dies before or after it; what is there is whole; the next run mends."""
    fresh = type(world)
    older = b"what it held before"
    counted = make(fresh, world, older, body)
    counted.run()
    kinds = requests(counted)
    assert sum(kinds.values()) > 3

    for (name, verb), number in kinds.items():
        for nth in range(number):
            one = make(fresh, world, older, body)
            store = {"source": one.source, "target": one.target, "log": one.log}[name]
            skip = itertools.count()
            one_kill(one, store, verb, after, skip, nth)
            with contextlib.suppress(Killed):
                one.run()
            assert one.target.body("k") in (older, body), (name, verb, nth)
            for each in (one.source, one.target, one.log):
                each.orders.clear()
            assert one.run().ok, (name, verb, nth)
            assert one.target.body("k") == body, (name, verb, nth)
            # Of an opening that nobody noted nobody knows: decision 5.
            unknown = (name, verb, after) in [("target", "begin", True), ("log", "put", False)]
            assert len(list(one.target.uploads())) == unknown, (name, verb, nth)
            assert one.log.keys() == [], (name, verb, nth)


@pytest.mark.parametrize("body", [b"12345", LARGE], ids=["whole", "parts"])
@pytest.mark.parametrize("newer", [b"54321", LARGE[::-1], b"", None], ids=["same-size", "large", "empty", "deleted"])
def test_overwritten_between_any_two_requests_the_target_ends_as_the_last_version(world, body, newer):
    fresh = type(world)
    older = b"what it held before"
    counted = make(fresh, world, older, body)
    counted.run()

    for (name, verb), number in requests(counted).items():
        for nth in range(number):
            one = make(fresh, world, older, body)
            store = {"source": one.source, "target": one.target, "log": one.log}[name]
            seen = []

            def change(one=one, nth=nth, seen=seen):
                seen.append(1)
                if len(seen) == nth + 1:
                    one.source.write("k", newer) if newer is not None else one.source.remove("k")

            store.arrange(verb, change, times=99)
            one.run()
            assert one.target.body("k") in (older, body, newer), (name, verb, nth)
            one.run(change=Change.REMOVED if newer is None else Change.CREATED)  # the event of the change
            assert one.target.body("k") == newer, (name, verb, nth)
            assert list(one.target.uploads()) == [], (name, verb, nth)


def make(fresh, like, older, body):
    """A new world like *like*: the target holds our copy of an older version, the source a new one."""
    from bucketrelay.testing.memory import MemoryStore

    one = fresh(
        MemoryStore(like.source.address, now=like.source.bucket.now),
        MemoryStore(
            like.target.address, now=like.source.bucket.now, conditional=like.target.conditional, abilities=SMALL
        ),
        threads=1,
    )
    one.source.write("k", older)
    one.run()
    one.source.write("k", body)
    one.forget()
    one.log.calls.clear()
    return one


def one_kill(one, store, verb, after, skip, nth):
    def die():
        raise Killed

    def kill():
        if next(skip) == nth:
            for each in (one.source, one.target, one.log):  # a dead process tidies nothing up
                for other in {verb for _, verb in VERBS}:
                    each.arrange(other, die, times=99)
            raise Killed

    store.arrange(verb, kill, times=99, after=after)


@pytest.mark.parametrize("how", ["cut", "long", "changed"])
@pytest.mark.parametrize("body", [b"12345", LARGE], ids=["whole", "parts"])
def test_bytes_that_are_not_the_sources_are_never_published(world, body, how):
    sums = {"crc32": base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()}
    world.source.write("k", body)
    spoil(world.source, sums, how)
    result = world.run()

    assert (result.outcome, result.retryable) == (Outcome.FAILED, True)
    assert "nothing was written" in result.error
    assert world.target.keys() == []
    assert list(world.target.uploads()) == []


def spoil(store, sums, how):
    """Let the store's answers be damaged on the way, as they are past a broken proxy."""
    from dataclasses import replace

    fetch, read = store.fetch, store.read
    look = store.look

    def damaged(body):
        return {"cut": body, "long": body + b"!", "changed": body[:-1] + bytes([body[-1] ^ 1])}[how]

    def spoiled_fetch(key, length, **kw):
        found = fetch(key, length, **kw)
        if found is None or found.body is None:
            return found
        whole = len(found.body) == found.info.size
        body = damaged(found.body) if whole else found.body
        info = replace(found.info, checksums=sums)
        return replace(
            found, info=replace(info, size=info.size - 1) if how in ("cut", "long") and whole else info, body=body
        )

    def spoiled_read(info, start, length):
        from bucketrelay.errors import Damaged

        body = damaged(read(info, start, length))
        if len(body) != length or how == "cut":
            raise Damaged(f"{store.address.of(info.key)}: cut; nothing was written")  # the stores' promise
        return body

    def spoiled_pour(info, start, length, write):
        pour_bytes(spoiled_read(info, start, length), write)

    def summed_look(key, **how):
        return replace(look(key, **how), checksums=sums)

    store.fetch, store.read, store.pour, store.look = spoiled_fetch, spoiled_read, spoiled_pour, summed_look


def test_a_checkpoint_read_back_is_the_checkpoint_that_was_written():
    checkpoint = Checkpoint("mirror", Upload("k\n/ü", "u-1"), "id;etag;3;v1", 8, {1: {"crc32": 7}, 2: {}})

    assert parse(text(checkpoint)) == checkpoint


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"store": 1}', b"\xff", b'{"sums": [], "key": "k"}', b"[" * 9999])
def test_a_checkpoint_that_cannot_be_read_is_none(raw):
    assert parse(raw) is None


def test_uploads_that_nobody_went_on_with_are_abandoned_after_a_while(world):
    world.source.write("k", LARGE)
    world.target.fail("commit", StoreUnavailable("503"))
    world.run()
    world.source.remove("k")
    later = world.log.info(world.log.keys()[0]).modified

    assert list(world.checkpoints.sweep(world.store, later + timedelta(hours=1), timedelta(days=1))) == []
    assert len(list(world.checkpoints.sweep(world.store, later + timedelta(days=2), timedelta(days=1)))) == 1
    assert list(world.target.uploads()) == []
    assert world.log.keys() == []


def test_a_checkpoint_of_a_store_that_is_no_longer_configured_keeps_no_other_from_being_swept(world):
    for name, store in (("aaaaaaaaaaaa", "removed"), ("bbbbbbbbbbbb", "target")):
        upload = world.target.begin("k", Meta())
        world.checkpoints.save(name, Checkpoint(store, upload, "of"))
    later = world.log.info(world.log.keys()[0]).modified + timedelta(days=2)

    def configured(name):
        if name == "removed":
            raise ConfigError(["no store is named 'removed'"])
        return world.store(name)

    assert len(list(world.checkpoints.sweep(configured, later, timedelta(days=1)))) == 1
    assert world.log.keys() == []


def test_other_metadata_begins_anew(world):
    """What was said when the upload was opened is what would be published."""
    first = world.source.write("k", LARGE, Meta(content_type="a/b"))
    world.target.fail("commit", StoreUnavailable("503"))
    world.run()
    world.source.write("k", LARGE, Meta(content_type="c/d"))
    held = world.source.bucket.objects
    held["k"] = replace(held["k"], modified=first.modified)  # rewritten within the same second
    world.run()

    assert world.target.info("k").meta.content_type == "c/d"
    assert list(world.target.uploads()) == []
