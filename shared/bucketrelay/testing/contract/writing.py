"""What every store promises of writing and deleting."""

from contextlib import suppress

import pytest

from bucketrelay.errors import (
    Damaged,
    SourceChanged,
    TargetChanged,
)
from bucketrelay.model import Meta
from bucketrelay.store import ABSENT, BLOCK, Stream
from bucketrelay.testing.contract.rig import TEXT, body_of, content_of, keys_of, stream_of
from bucketrelay.values import replace


class TestPut:
    def test_all_metadata_comes_back(self, rig, store):
        meta = Meta(
            content_type="text/html; charset=utf-8",
            content_encoding="gzip",
            content_language="de-CH",
            content_disposition='attachment; filename="a b.txt"',
            cache_control="max-age=3600, private",
            expires="Wed, 21 Oct 2037 07:28:00 GMT",
            user={"plain": "value", "with-dash": "1", "unicode": "Zürich 日本 🪣", "looks-coded": "=?UTF-8?B?eA==?="},
        )
        store.put("a", b"12345", meta)
        arrived = store.look("a").meta
        assert arrived.user == meta.user
        for name in store.abilities.headers - set(rig.deviations):
            assert getattr(arrived, name) == getattr(meta, name), name

    @pytest.mark.parametrize("value", ["x=1;y,z", "a  b", " padded ", "ü", "%C3%BC", "line\nbreak", "'\"\\", "\x7f"])
    def test_a_user_metadata_value_comes_back_as_it_was(self, rig, store, value):
        rig.needs(f"value {value!r}")
        store.put("a", b"", replace(TEXT, user={"value": value}))
        assert store.look("a").meta.user == {"value": value}

    def test_names_of_user_metadata_are_in_lower_case(self, store):
        store.put("a", b"", replace(TEXT, user={"Mixed-Case": "Value"}))
        assert store.look("a").meta.user == {"mixed-case": "Value"}

    def test_an_object_without_metadata_has_none_that_we_invented(self, store):
        store.put("a", b"12345", Meta())
        meta = store.look("a").meta
        assert meta.content_type in ("", "binary/octet-stream", "application/octet-stream")  # the server's own default
        assert (meta.user, meta.tag_count) == ({}, 0)
        assert all(getattr(meta, name) == "" for name in store.abilities.headers - {"content_type"})

    def test_a_new_write_replaces_all_metadata(self, store):
        store.put("a", b"1", Meta(content_type="text/plain", cache_control="no-cache", user={"a": "1", "b": "2"}))
        store.put("a", b"1", Meta(content_type="text/html", user={"c": "3"}))
        meta = store.look("a").meta
        assert (meta.content_type, meta.cache_control, meta.user) == ("text/html", "", {"c": "3"})

    @pytest.mark.parametrize("kind", [bytes, bytearray])
    @pytest.mark.parametrize("size", [0, 1, 100_000])
    def test_bytes_and_bytearrays_of_any_size(self, store, kind, size):
        content = content_of(size)
        store.put("a", kind(content), TEXT)
        assert body_of(store, "a") == content

    def test_every_byte_survives(self, store):
        content = bytes(range(256)) + b"\r\n--\r\n\0"
        store.put("a", content, TEXT)
        assert body_of(store, "a") == content

    def test_absent_writes_a_new_key_and_nothing_else(self, rig, store):
        store.put("probe", b"1", TEXT, expect=ABSENT)  # where the server must be found out, this finds out
        store.put("a", b"1", TEXT, expect=ABSENT)
        if not store.conditional:
            pytest.skip(f"{rig.name} does not enforce conditions, and says so")
        with pytest.raises(TargetChanged, match=store.address.bucket):
            store.put("a", b"2", TEXT, expect=ABSENT)
        assert body_of(store, "a") == b"1"

    def test_an_expected_version_is_overwritten_and_nothing_else(self, rig, store):
        store.put("a", b"1", TEXT)
        seen = store.look("a")
        store.put("a", b"2", TEXT, expect=seen)
        assert body_of(store, "a") == b"2"
        if not store.conditional:
            pytest.skip(f"{rig.name} does not enforce conditions, and says so")
        with pytest.raises(TargetChanged, match=store.address.bucket):
            store.put("a", b"3", TEXT, expect=seen)
        assert body_of(store, "a") == b"2"

    def test_an_expected_version_that_was_deleted_is_not_written_again(self, rig, store):
        store.put("a", b"1", TEXT)
        seen = store.look("a")
        store.put("a", b"2", TEXT, expect=seen)
        store.delete("a")
        if not store.conditional:
            pytest.skip(f"{rig.name} does not enforce conditions, and says so")
        with pytest.raises(TargetChanged, match=store.address.bucket):
            store.put("a", b"3", TEXT, expect=seen)
        assert store.look("a") is None


class TestStream:
    CONTENT = content_of(2 * BLOCK + 1000)

    @pytest.mark.parametrize("size", [0, 1, BLOCK, 2 * BLOCK + 1000])
    def test_an_object_may_come_in_blocks(self, store, size):
        tries = []
        written = store.put("a", stream_of(self.CONTENT[:size], tries), TEXT)
        assert body_of(store, "a") == self.CONTENT[:size]
        assert store.look("a").etag == written.etag
        assert len(tries) == 1

    def test_a_part_may_come_in_blocks(self, store):
        size = max(store.abilities.min_part, len(self.CONTENT))
        first = (self.CONTENT * (size // len(self.CONTENT) + 1))[:size]
        upload = store.begin("a", TEXT)
        parts = [store.put_part(upload, 1, stream_of(first, [])), store.put_part(upload, 2, stream_of(b"end", []))]
        assert [part.size for part in parts] == [size, 3]
        store.commit(upload, parts)
        seen = store.look("a")
        assert bytes(store.read(seen, 0, seen.size)) == first + b"end"

    @pytest.mark.parametrize("error", [OSError("not the store's"), SourceChanged("elsewhere")], ids=["defect", "known"])
    @pytest.mark.parametrize("at", [0, 1])
    def test_what_a_stream_raises_passes_through_and_nothing_is_published(self, store, error, at):
        def pour(write):
            if at:
                write(memoryview(self.CONTENT)[:BLOCK])
            raise error

        store.put("a", b"old", TEXT)
        with pytest.raises(type(error)) as raised:
            store.put("a", Stream(len(self.CONTENT), pour), TEXT)
        assert raised.value is error
        assert body_of(store, "a") == b"old"
        upload = store.begin("a", TEXT)
        with pytest.raises(type(error)) as raised:
            store.put_part(upload, 1, Stream(len(self.CONTENT), pour))
        assert raised.value is error
        assert list(store.parts(upload)) == []
        store.abandon(upload)

    @pytest.mark.parametrize("told", [BLOCK + 1, 3 * BLOCK], ids=["more", "fewer"])
    def test_a_stream_that_is_not_as_long_as_it_says_is_not_published(self, store, told):
        with pytest.raises(Damaged):
            store.put("a", Stream(told, stream_of(self.CONTENT, []).pour), TEXT)
        assert store.look("a") is None
        upload = store.begin("a", TEXT)
        with pytest.raises(Damaged):
            store.put_part(upload, 1, Stream(told, stream_of(self.CONTENT, []).pour))
        assert list(store.parts(upload)) == []
        store.abandon(upload)


class TestDelete:
    def test_a_deleted_key_is_gone(self, store):
        store.put("a", b"1", TEXT)
        store.delete("a")
        assert store.look("a") is None
        assert keys_of(store) == []

    def test_deleting_a_missing_key_is_fine(self, store):
        store.delete("no/such key")

    def test_deleting_an_expected_version_that_is_gone_is_fine_or_said(self, store):
        store.put("a", b"1", TEXT)
        seen = store.look("a")
        store.delete("a")
        with suppress(TargetChanged):
            store.delete("a", expect=seen)
        assert store.look("a") is None

    def test_only_the_key_itself_is_deleted(self, rig, store):
        rig.needs("keys below keys")
        for key in ["a", "a/b", "a/b/c", "ab"]:
            store.put(key, b"1", TEXT)
        store.delete("a/b")
        assert keys_of(store) == ["a", "a/b/c", "ab"]

    def test_an_expected_version_is_deleted_and_nothing_else(self, rig, store):
        store.put("a", b"1", TEXT, expect=ABSENT)
        seen = store.look("a")
        store.put("a", b"2", TEXT)
        if not store.conditional:
            pytest.skip(f"{rig.name} does not enforce conditions, and says so")
        with pytest.raises(TargetChanged, match=store.address.bucket):
            store.delete("a", expect=seen)
        assert body_of(store, "a") == b"2"
        store.delete("a", expect=store.look("a"))
        assert store.look("a") is None
