"""What every store of parts promises."""

import pytest

from bucketrelay.abilities import Part, PartStore, Upload
from bucketrelay.errors import (
    Damaged,
    ObjectGone,
    RelayError,
    StoreRefused,
    TargetChanged,
)
from bucketrelay.model import Meta
from bucketrelay.store import ABSENT
from bucketrelay.testing.contract.rig import TEXT, body_of, keys_of


class TestParts:
    @pytest.fixture(autouse=True)
    def _takes_parts(self, store):
        if not isinstance(store, PartStore):
            pytest.skip("no store of parts")

    def test_parts_in_any_order_make_the_object_in_theirs(self, store):
        size = max(store.abilities.min_part, 2)
        upload = store.begin("a b+%", Meta(content_type="text/plain", user={"by": "parts"}))
        last = store.put_part(upload, 2, bytearray(b"end"))
        first = store.put_part(upload, 1, b"1" * size)
        store.commit(upload, [first, last])
        seen = store.look("a b+%")
        assert (seen.size, seen.meta.user, seen.meta.content_type) == (size + 3, {"by": "parts"}, "text/plain")
        assert bytes(store.read(seen, size - 2, 5)) == b"11end"
        assert bytes(store.read(seen, 0, 2)) == b"11"

    def test_what_commit_says_is_what_a_look_says(self, rig, store):
        rig.needs("etag of a commit")
        upload = store.begin("a", TEXT)
        written = store.commit(upload, [store.put_part(upload, 1, b"1")])
        seen = store.look("a")
        assert (written.etag, written.version) == (seen.etag, seen.version)

    def test_nothing_is_visible_before_the_commit(self, store):
        store.put("a", b"old", TEXT)
        upload = store.begin("a", TEXT)
        part = store.put_part(upload, 1, b"new")
        other = store.begin("b", TEXT)
        store.put_part(other, 1, b"new")
        assert body_of(store, "a") == b"old"
        assert store.look("b") is None
        assert keys_of(store) == ["a"]
        store.commit(upload, [part])
        assert body_of(store, "a") == b"new"
        store.abandon(other)

    def test_the_parts_that_are_held_come_ascending(self, store):
        upload = store.begin("a", TEXT)
        assert list(store.parts(upload)) == []
        third = store.put_part(upload, 3, b"333")
        first = store.put_part(upload, 1, b"1")
        assert list(store.parts(upload)) == [first, third]
        assert [(part.number, part.size) for part in (first, third)] == [(1, 1), (3, 3)]
        store.abandon(upload)

    def test_the_same_number_again_replaces_the_part(self, rig, store):
        rig.needs("parts replaced")
        upload = store.begin("a", TEXT)
        store.put_part(upload, 1, b"old")
        new = store.put_part(upload, 1, b"newer")
        assert list(store.parts(upload)) == [new]
        store.commit(upload, list(store.parts(upload)))
        assert body_of(store, "a") == b"newer"

    def test_a_commit_that_names_a_part_which_was_sent_again_is_refused_and_what_is_held_can_be_committed(
        self, rig, store
    ):
        rig.needs("parts replaced")
        upload = store.begin("a", TEXT)
        old = store.put_part(upload, 1, b"old")
        new = rig.store().put_part(upload, 1, b"new")
        with pytest.raises((StoreRefused, Damaged)):  # after either of which the core asks for the list
            store.commit(upload, [old])
        assert list(store.parts(upload)) == [new]
        store.commit(upload, list(store.parts(upload)))
        assert body_of(store, "a") == b"new"

    def test_another_process_goes_on_with_the_parts_that_are_held(self, rig, store):
        size = store.abilities.min_part
        upload = store.begin("a", TEXT)
        store.put_part(upload, 1, b"1" * size)
        later, known = rig.store(), Upload("a", upload.id)
        later.put_part(known, 2, b"2")
        later.commit(known, list(later.parts(known)))
        assert store.look("a").size == size + 1

    def test_an_upload_is_listed_until_it_is_committed(self, store):
        first, second = store.begin("in/a +%", TEXT), store.begin("out/b", TEXT)
        assert sorted(upload.key for upload in store.uploads()) == ["in/a +%", "out/b"]
        assert list(store.uploads("in/")) == [first]
        store.commit(first, [store.put_part(first, 1, b"1")])
        assert list(store.uploads()) == [second]
        store.abandon(second)
        assert list(store.uploads()) == []

    def test_an_abandoned_upload_is_gone_and_may_be_abandoned_again(self, store):
        upload = store.begin("a", TEXT)
        store.put_part(upload, 1, b"1")
        store.abandon(upload)
        store.abandon(upload)
        with pytest.raises(ObjectGone, match=store.address.bucket):
            list(store.parts(upload))
        assert store.look("a") is None

    def test_an_upload_that_is_gone_takes_no_part_and_no_commit(self, rig, store):
        rig.needs("gone upload")
        upload = store.begin("a", TEXT)
        part = store.put_part(upload, 1, b"1")
        store.abandon(upload)
        with pytest.raises(ObjectGone, match=store.address.bucket):
            store.put_part(upload, 2, b"2")
        with pytest.raises(ObjectGone, match=store.address.bucket):
            store.commit(upload, [part])
        assert store.look("a") is None

    def test_a_committed_upload_is_gone(self, store):
        upload = store.begin("a", TEXT)
        part = store.put_part(upload, 1, b"1")
        store.commit(upload, [part])
        with pytest.raises(ObjectGone, match=store.address.bucket):
            list(store.parts(upload))
        assert body_of(store, "a") == b"1"

    def test_a_part_that_the_store_does_not_hold_is_refused(self, store):
        upload = store.begin("a", TEXT)
        part = store.put_part(upload, 1, b"1")
        with pytest.raises(RelayError, match=store.address.bucket):
            store.commit(upload, [part, Part(2, "0" * 32, 1)])
        assert store.look("a") is None
        store.abandon(upload)

    def test_a_commit_keeps_what_it_expects_where_the_server_enforces_it(self, rig, store):
        rig.needs("conditional commit")
        upload = store.begin("a", TEXT)
        store.commit(upload, [store.put_part(upload, 1, b"1")], expect=ABSENT)
        seen = store.look("a")
        store.put("a", b"other", TEXT, expect=seen)
        if not store.conditional:
            pytest.skip(f"{rig.name} does not enforce conditions, and says so")
        for expect in (ABSENT, seen):
            late = store.begin("a", TEXT)
            part = store.put_part(late, 1, b"late")
            with pytest.raises(TargetChanged, match=store.address.bucket):
                store.commit(late, [part], expect=expect)
            store.abandon(late)
        assert body_of(store, "a") == b"other"
