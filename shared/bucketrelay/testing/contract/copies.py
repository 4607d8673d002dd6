"""What a store of tags promises, and one that copies by its server."""

from typing import ClassVar

import pytest

from bucketrelay.abilities import ServerSideCopy, Tagged
from bucketrelay.deadline import Deadline
from bucketrelay.errors import (
    CannotCopy,
    ObjectGone,
    OutOfTime,
    SourceChanged,
    StoreRefused,
    TargetChanged,
)
from bucketrelay.store import ABSENT
from bucketrelay.testing.contract.rig import TEXT, body_of, keys_of
from bucketrelay.testing.memory import MemoryStore
from bucketrelay.values import replace


class TestTags:
    TAGS: ClassVar = {"kind": "photo", "Größe 1": "a+b.c_d-e:f@g", "empty": ""}

    @pytest.fixture(autouse=True)
    def _has_tags(self, rig, store):
        if not isinstance(store, Tagged):
            assert store.abilities.tags == 0
            pytest.skip(f"{rig.name}: objects have no tags there")
        rig.needs("tags")

    def test_tags_go_with_the_write_and_are_counted_by_a_look(self, store):
        store.put("a b", b"1", replace(TEXT, tags=self.TAGS))
        seen = store.look("a b")
        assert seen.meta.tag_count == 3
        assert seen.meta.tags == {}
        assert store.tags(seen) == self.TAGS

    def test_tags_go_with_an_object_in_parts(self, store):
        upload = store.begin("a", replace(TEXT, tags=self.TAGS))
        store.commit(upload, [store.put_part(upload, 1, b"1")])
        assert store.tags(store.look("a")) == self.TAGS

    def test_an_object_without_tags_has_none(self, store):
        store.put("a", b"1", replace(TEXT, tags=self.TAGS))
        store.put("a", b"2", TEXT)
        seen = store.look("a")
        assert seen.meta.tag_count == 0
        assert store.tags(seen) == {}

    def test_as_many_tags_as_are_promised_fit(self, store):
        tags = {f"k{number}": "v" for number in range(store.abilities.tags)}
        store.put("a", b"1", replace(TEXT, tags=tags))
        assert store.tags(store.look("a")) == tags

    def test_the_tags_of_an_object_that_is_gone_are_not_taken_for_none(self, store):
        store.put("a", b"1", replace(TEXT, tags=self.TAGS))
        seen = store.look("a")
        store.delete("a")
        with pytest.raises(ObjectGone, match=store.address.bucket):
            store.tags(seen)


class TestCopies:
    OLD = replace(TEXT, user={"by": "the source", "old": "1"})
    NEW = replace(TEXT, user={"by": "the cöpy"})

    @pytest.fixture(autouse=True)
    def _copies(self, rig, store):
        if not isinstance(store, ServerSideCopy):
            pytest.skip(f"{rig.name}: nothing is copied there")
        rig.needs("copies")

    @pytest.fixture
    def source(self, rig):
        """Another bucket of the same server."""
        return rig.beside()

    def look_at(self, source, key="a", content=b"12345"):
        source.put(key, content, self.OLD)
        return source.look(key)

    def test_a_store_says_from_which_size_on_it_is_worth_it_and_what_it_cannot_reach(self, store, source):
        assert 0 <= store.reach(source) <= 64 << 20
        assert store.reach(store) == store.reach(source)
        assert store.reach(MemoryStore(region="elsewhere")) is None

    def test_a_copy_has_the_sources_bytes_and_the_metadata_that_was_given(self, rig, source):
        target = rig.store("in ner/+/")
        info = self.look_at(source)
        written = target.copy_from(source, info, "b", self.NEW, Deadline())
        now = target.look("b")
        assert body_of(target, "b") == b"12345"
        assert (now.size, now.etag, now.version) == (5, written.etag, written.version)
        assert (now.meta.user, now.meta.content_type) == (self.NEW.user, "text/plain")
        assert keys_of(rig.store()) == ["in ner/+/b"]
        assert source.look("a") == info

    def test_an_object_is_overwritten_by_a_copy(self, store, source):
        store.put("a", b"old and longer", TEXT)
        store.copy_from(source, self.look_at(source), "a", self.NEW, Deadline())
        assert body_of(store, "a") == b"12345"

    def test_an_empty_object_can_be_copied(self, store, source):
        store.copy_from(source, self.look_at(source, content=b""), "a", self.NEW, Deadline())
        assert body_of(store, "a") == b""
        assert store.look("a").meta.user == self.NEW.user

    @pytest.mark.parametrize("key", ["a b+%2B%", "ünï/日本", "?a=b&c#d", "a//b"], ids=ascii)
    def test_an_odd_key_is_the_same_key_on_both_sides(self, rig, store, source, key):
        if rig.refuses(key):
            pytest.skip(f"{rig.name}: {rig.odd[0]}")
        store.copy_from(source, self.look_at(source, key), key, self.NEW, Deadline())
        assert body_of(store, key) == b"12345"
        assert keys_of(store) == [key]

    def test_another_version_than_the_one_looked_at_is_not_published(self, store, source):
        info = self.look_at(source)
        source.put("a", b"54321", self.OLD)
        with pytest.raises(SourceChanged, match=source.address.bucket):
            store.copy_from(source, info, "a", self.NEW, Deadline())
        assert store.look("a") is None
        assert list(store.uploads()) == []

    @pytest.mark.parametrize("content", [b"12345", b""])
    def test_a_source_that_is_gone_is_gone(self, store, source, content):
        info = self.look_at(source, content=content)
        source.delete("a")
        with pytest.raises(ObjectGone, match=source.address.bucket):
            store.copy_from(source, info, "a", self.NEW, Deadline())
        assert store.look("a") is None
        assert list(store.uploads()) == []

    def test_what_is_expected_is_kept_where_the_server_enforces_it(self, rig, store, source):
        info = self.look_at(source)
        store.copy_from(source, info, "a", self.NEW, Deadline(), expect=ABSENT)
        first = store.look("a")
        store.copy_from(source, info, "a", replace(self.NEW, user={"turn": "2"}), Deadline(), expect=first)
        second = store.look("a")
        assert second.meta.user == {"turn": "2"}
        store.put("a", b"somebody else's", self.NEW)
        rig.needs("conditional copy")
        if not store.conditional:
            pytest.skip(f"{rig.name} does not enforce conditions, and says so")
        for expect in (ABSENT, second):
            with pytest.raises(TargetChanged, match=store.address.bucket):
                store.copy_from(source, info, "a", self.NEW, Deadline(), expect=expect)
        store.delete("a")
        with pytest.raises(TargetChanged, match=store.address.bucket):
            store.copy_from(source, info, "a", self.NEW, Deadline(), expect=second)
        assert store.look("a") is None
        assert list(store.uploads()) == []

    def test_what_is_out_of_reach_is_said_and_not_tried(self, store):
        source = MemoryStore(region="elsewhere")
        with pytest.raises(CannotCopy, match=store.address.bucket):
            store.copy_from(source, self.look_at(source), "a", self.NEW, Deadline())
        assert store.look("a") is None

    def test_a_bucket_that_is_missing_is_refused_on_either_side(self, rig, store, source):
        info = self.look_at(source)
        with pytest.raises(StoreRefused):
            store.copy_from(rig.missing(), info, "a", self.NEW, Deadline())
        assert store.look("a") is None
        missing = rig.missing()
        if missing.reach(source) is not None:
            with pytest.raises(StoreRefused, match=missing.address.bucket):
                missing.copy_from(source, info, "a", self.NEW, Deadline())

    def test_nothing_is_begun_without_time(self, store, source):
        info = self.look_at(source)
        with pytest.raises(OutOfTime):
            store.copy_from(source, info, "a", self.NEW, Deadline(0))
        assert store.look("a") is None
        assert list(store.uploads()) == []

    def test_tags_are_those_that_are_given_and_not_the_sources(self, rig, store, source):
        if not isinstance(store, Tagged) or not store.abilities.tags:
            pytest.skip(f"{rig.name}: objects have no tags there")
        source.put("a", b"12345", replace(self.OLD, tags={"old": "1"}))
        info = source.look("a")
        store.copy_from(source, info, "a", replace(self.NEW, tags={"new": "1"}), Deadline())
        assert store.tags(store.look("a")) == {"new": "1"}
        store.copy_from(source, info, "a", self.NEW, Deadline())
        assert store.tags(store.look("a")) == {}
