"""What every store promises: the specification of `Store`, `PartStore`, `Tagged` and `ServerSideCopy`.

One body for each promise, all stores.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.deadline import Deadline
from bucketrelay.errors import (
    CannotCopy,
    Damaged,
    ObjectGone,
    OutOfTime,
    RelayError,
    SourceChanged,
    StoreRefused,
    TargetChanged,
)
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import ABSENT, BLOCK, Part, PartStore, ServerSideCopy, Stream, Tagged, Upload, pour_bytes

TEXT = Meta(content_type="text/plain")
ODD = [
    "a b",
    "a+b",
    "a%b",
    "a%2Fb",
    "a%20b%25",
    "a//b",
    "/a",
    "a/",
    "?a=b",
    "#a",
    "a&b=c;d",
    "\"quoted\" and 'single'",
    "<a>",
    "a\\b",
    "a\tb",
    "a\nb",
    "~a*(b)!",
    "a:b@c,d$e",
    "[a]{b}|^`",
    " leading and trailing ",
    "über/Ünïcödé",
    "e\u0301 is not \xe9",
    "日本語/キー",
    "🪣🚚/🎉.jpg",
    "a/./b",
    "a/../b",
    "../a",
    "..",
    ".",
    "a/.",
    ".hidden",
    "folder/.bucketrelay",
    ".bucketrelay/a",
    "x" * 1024,
    "ü" * 512,
    "/".join(["d" * 100] * 10),
]
KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(
    lambda key: "\ufffe" not in key and "\uffff" not in key
)


def body_of(store: PartStore, key: str, length: int = 1 << 20) -> bytes | None:
    fetched = store.fetch(key, length)
    return bytes(fetched.body) if fetched else None


def keys_of(store: PartStore, **arguments: str) -> list[str]:
    return [info.key for info in store.list(**arguments)]


class TestLook:
    def test_a_missing_key_is_none_whether_sure_or_not(self, store):
        assert store.look("no/such key") is None
        assert store.look("no/such key", sure=False) is None

    def test_an_object_is_described_by_size_etag_time_and_metadata(self, store):
        written = store.put("a", b"12345", TEXT)
        info = store.look("a")
        assert (info.key, info.size, info.meta.content_type) == ("a", 5, "text/plain")
        assert info.etag == written.etag
        assert info.version == written.version
        assert abs(info.modified - datetime.now(timezone.utc)) < timedelta(minutes=5)

    def test_two_looks_at_one_version_are_equal(self, store):
        store.put("a", b"12345", TEXT)
        assert store.look("a") == store.look("a", sure=False) == store.look("a")

    def test_an_etag_has_no_quotes(self, store):
        assert '"' not in store.put("a", b"1", TEXT).etag
        assert '"' not in store.look("a").etag

    def test_another_content_has_another_etag(self, store):
        store.put("a", b"1", TEXT)
        before = store.look("a")
        store.put("a", b"2", TEXT)
        assert store.look("a").etag != before.etag

    def test_a_key_that_is_the_beginning_of_another_is_another_key(self, store):
        store.put("a/b", b"1", TEXT)
        assert store.look("a") is None
        assert store.look("a/b/c") is None


class TestFetch:
    def test_a_missing_key_is_none(self, store):
        assert store.fetch("no", 10) is None
        assert store.fetch("no", 10, unless="etag", size=0) is None

    @pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 4096])
    def test_the_first_bytes_come_with_the_size_of_the_whole(self, store, size):
        content = bytes(range(256)) * 16
        store.put("a", content[:size], TEXT)
        fetched = store.fetch("a", 10)
        assert (bytes(fetched.body), fetched.info.size) == (content[:size][:10], size)

    @pytest.mark.parametrize("hint", [None, 0, 3, 100])
    @pytest.mark.parametrize("content", [b"", b"123"])
    def test_a_wrong_hint_of_the_size_does_no_harm(self, store, content, hint):
        store.put("a", content, TEXT)
        fetched = store.fetch("a", 10, size=hint)
        assert (bytes(fetched.body), fetched.info.size) == (content, len(content))

    def test_a_wrong_hint_of_nothing_still_gives_no_more_than_asked_for(self, store):
        store.put("a", b"1234567890", TEXT)
        fetched = store.fetch("a", 4, size=0)
        assert (bytes(fetched.body), fetched.info.size) == (b"1234", 10)

    def test_what_it_says_is_what_a_look_says(self, store):
        store.put("a", b"12345", Meta(content_type="text/plain", cache_control="no-cache", user={"a": "b"}))
        seen, fetched = store.look("a"), store.fetch("a", 2).info
        assert replace(fetched, checksums={}) == replace(seen, checksums={})

    def test_the_known_version_comes_without_a_body(self, store):
        store.put("a", b"12345", TEXT)
        seen = store.look("a")
        fetched = store.fetch("a", 10, unless=seen.etag)
        assert fetched.body is None
        assert fetched.info.etag == seen.etag
        assert fetched.info.size in (-1, 5)

    def test_another_than_the_known_version_comes_with_its_body(self, store):
        store.put("a", b"12345", TEXT)
        seen = store.look("a")
        store.put("a", b"6", TEXT)
        fetched = store.fetch("a", 10, unless=seen.etag)
        assert bytes(fetched.body) == b"6"

    def test_the_known_version_of_an_empty_object_comes_without_a_body(self, store):
        store.put("a", b"", TEXT)
        fetched = store.fetch("a", 10, unless=store.look("a").etag)
        assert fetched.body is None


class TestRead:
    def test_exactly_the_bytes_asked_for(self, store):
        content = bytes(range(256)) * 8
        store.put("a", content, TEXT)
        info = store.look("a")
        for start, length in [(0, 1), (0, 2048), (1000, 7), (2047, 1), (1024, 1024)]:
            assert bytes(store.read(info, start, length)) == content[start : start + length]

    def test_what_fetch_or_a_listing_says_can_be_read(self, store):
        store.put("a", b"12345", TEXT)
        (listed,) = store.list()
        assert bytes(store.read(listed, 1, 2)) == b"23"
        assert bytes(store.read(store.fetch("a", 1).info, 1, 4)) == b"2345"

    @pytest.mark.parametrize("content", [b"abcde", b"abc", b"abcdefgh"], ids=["same size", "shorter", "longer"])
    def test_an_object_overwritten_since_is_another_version(self, store, content):
        store.put("a", b"12345", TEXT)
        info = store.look("a")
        store.put("a", content, TEXT)
        with pytest.raises(SourceChanged, match=store.address.bucket):
            store.read(info, 0, 5)

    def test_an_object_deleted_since_is_gone(self, store):
        store.put("a", b"12345", TEXT)
        info = store.look("a")
        store.delete("a")
        with pytest.raises(ObjectGone, match=store.address.bucket):
            store.read(info, 0, 5)

    def test_bytes_of_two_versions_are_never_mixed(self, store):
        size, rounds = 256 * 1024, 12
        store.put("a", b"\0" * size, TEXT)
        done = threading.Event()

        def overwrite() -> None:
            for number in range(1, rounds):
                store.put("a", bytes([number]) * size, TEXT)
            done.set()

        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(overwrite)
            while not done.is_set() and not writer.done():
                info = store.look("a")
                with suppress(SourceChanged):
                    body = store.read(info, 0, size // 2) + store.read(info, size // 2, size // 2)
                    assert len(set(body)) == 1
            writer.result()
        assert body_of(store, "a", 1) == bytes([rounds - 1])


class TestPour:
    CONTENT = bytes(number % 251 for number in range(2 * BLOCK + 1000))

    def poured(self, store, info, start, length):
        blocks = []
        store.pour(info, start, length, lambda block: blocks.append(bytes(block)))
        assert max(map(len, blocks)) <= BLOCK
        return b"".join(blocks)

    def test_exactly_the_bytes_asked_for_in_blocks(self, store):
        store.put("a", self.CONTENT, TEXT)
        info = store.look("a")
        for start, length in [(0, 1), (0, info.size), (1000, BLOCK), (BLOCK - 1, BLOCK + 2), (info.size - 1, 1)]:
            assert self.poured(store, info, start, length) == self.CONTENT[start : start + length]

    @pytest.mark.parametrize("content", [b"abcde", b"abc", b"abcdefgh"], ids=["same size", "shorter", "longer"])
    def test_an_object_overwritten_since_is_another_version(self, store, content):
        store.put("a", b"12345", TEXT)
        info = store.look("a")
        store.put("a", content, TEXT)
        with pytest.raises(SourceChanged, match=store.address.bucket):
            self.poured(store, info, 0, 5)

    def test_an_object_deleted_since_is_gone(self, store):
        store.put("a", b"12345", TEXT)
        info = store.look("a")
        store.delete("a")
        with pytest.raises(ObjectGone, match=store.address.bucket):
            self.poured(store, info, 0, 5)

    @pytest.mark.parametrize(
        "error", [OSError("not the store's"), StoreRefused("elsewhere")], ids=["defect", "refusal"]
    )
    @pytest.mark.parametrize("at", [0, 1])
    def test_what_the_receiver_raises_passes_through_and_the_store_goes_on(self, store, error, at):
        store.put("a", self.CONTENT, TEXT)
        info = store.look("a")
        blocks = []

        def write(block):
            if len(blocks) == at:
                raise error
            blocks.append(bytes(block))

        with pytest.raises(type(error)) as raised:
            store.pour(info, 0, info.size, write)
        assert raised.value is error
        assert self.poured(store, info, 0, info.size) == self.CONTENT


def stream_of(content, tries):
    """A stream that notes each time that it is poured in *tries*."""

    def pour(write):
        tries.append(1)
        pour_bytes(content, write)

    return Stream(len(content), pour)


class TestStream:
    CONTENT = bytes(number % 251 for number in range(2 * BLOCK + 1000))

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


class TestList:
    def test_an_empty_store_lists_nothing(self, store):
        assert keys_of(store) == []

    def test_keys_come_in_the_order_of_their_bytes(self, store):
        keys = ["a b", "a-b", "a/b", "a/c", "a/d/e", "a/d-e", "a0", "B", "b", "é", "z", "豆", "\uff5e", "😀"]
        for key in reversed(keys):
            store.put(key, b"1", TEXT)
        assert keys_of(store) == sorted(keys, key=str.encode)

    def test_a_listing_says_size_and_etag_as_a_look_does(self, store):
        store.put("a", b"12345", TEXT)
        (listed,), seen = store.list(), store.look("a")
        assert (listed.key, listed.size, listed.etag, listed.meta) == ("a", 5, seen.etag, Meta())
        assert listed.modified.replace(microsecond=0) == seen.modified.replace(microsecond=0)

    def test_a_prefix_is_the_beginning_of_the_key_not_a_directory(self, store):
        for key in ["in-b", "in/a", "in/b", "inner", "other"]:
            store.put(key, b"1", TEXT)
        assert keys_of(store, prefix="in") == ["in-b", "in/a", "in/b", "inner"]
        assert keys_of(store, prefix="in/") == ["in/a", "in/b"]
        assert keys_of(store, prefix="no") == []

    def test_after_leaves_out_the_key_itself_and_all_before(self, store):
        for key in ["a", "b", "c/1", "c/2", "d"]:
            store.put(key, b"1", TEXT)
        assert keys_of(store, after="b") == ["c/1", "c/2", "d"]
        assert keys_of(store, after="bb") == ["c/1", "c/2", "d"]
        assert keys_of(store, prefix="c/", after="c/1") == ["c/2"]
        assert keys_of(store, after="z") == []

    @pytest.mark.slow
    def test_more_keys_than_a_page_holds(self, rig, store):
        rig.needs("many keys")
        keys = [f"in/{number:04} +%" for number in range(1005)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.put(key, b"", TEXT), keys))
        assert keys_of(store) == keys
        assert keys_of(store, prefix="in/", after=keys[1001]) == keys[1002:]


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
        found = store.look("a").meta
        assert found.user == meta.user
        for name in store.abilities.headers - set(rig.deviations):
            assert getattr(found, name) == getattr(meta, name), name

    @pytest.mark.parametrize("value", ["x=1;y,z", "a  b", " padded ", "ü", "%C3%BC", "line\nbreak", "'\"\\", "\x7f"])
    def test_a_user_metadata_value_comes_back_as_it_was(self, store, value):
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
        content = bytes(number % 251 for number in range(size))
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

    def test_the_parts_that_are_held_come_ascending(self, rig, store):
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
        assert sorted(found.key for found in store.uploads()) == ["in/a +%", "out/b"]
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

    def test_a_part_that_the_store_does_not_hold_is_refused(self, rig, store):
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


class TestKeys:
    @pytest.mark.parametrize("key", ODD, ids=ascii)
    def test_an_odd_key_is_kept_to_the_letter_or_refused_as_a_whole(self, rig, store, key):
        if key.endswith("/"):
            rig.needs("trailing slash")
        if rig.refuses(key):
            with suppress(RelayError):
                store.put(key, b"odd", TEXT)
            assert set(keys_of(store)) <= {key}, rig.odd[0]
            return
        store.put(key, b"odd", TEXT)
        seen = store.look(key)
        assert (seen.key, seen.size) == (key, 3)
        assert body_of(store, key) == b"odd"
        assert bytes(store.read(seen, 1, 2)) == b"dd"
        assert keys_of(store) == [key]
        assert keys_of(store, prefix=key) == [key]
        assert keys_of(store, after=key) == []
        store.delete(key)
        assert store.look(key) is None
        assert keys_of(store) == []

    @pytest.mark.parametrize("key", ["ü" * 513, "x" * 1025], ids=ascii)
    def test_a_key_of_more_than_1024_bytes_is_refused(self, store, key):
        for call in (
            lambda: store.put(key, b"", TEXT),
            lambda: store.look(key),
            lambda: store.fetch(key, 1),
            lambda: store.delete(key),
        ):
            with pytest.raises(StoreRefused, match=store.address.bucket):
                call()

    def test_keys_that_a_normalisation_would_join_stay_apart(self, store):
        keys = ["e\u0301", "\xe9", "E\u0301", "a+b", "a b", "a%20b", "a%2Bb"]
        for key in keys:
            store.put(key, key.encode(), TEXT)
        assert keys_of(store) == sorted(keys, key=str.encode)
        assert [body_of(store, key) for key in keys] == [key.encode() for key in keys]

    def test_a_key_and_keys_below_it_live_together(self, rig, store):
        rig.needs("keys below keys")
        keys = ["a/b/c", "a/b", "a", "a/b/c/d"]
        for key in keys:
            store.put(key, key.encode(), TEXT)
        assert keys_of(store) == sorted(keys)
        assert [body_of(store, key) for key in keys] == [key.encode() for key in keys]

    @pytest.mark.parametrize("rig", ["memory", "local", "moto"], indirect=True)
    def test_any_key_makes_the_round_trip(self, rig):
        store = rig.store()

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(KEYS)
        def round_trip(key: str) -> None:
            store.put(key, key.encode(), TEXT)
            assert body_of(store, key) == key.encode()
            assert keys_of(store, prefix=key)[0] == key
            store.delete(key)
            assert store.look(key) is None

        round_trip()


class TestPrefix:
    def test_a_prefix_is_invisible_from_inside(self, rig):
        whole, inner = rig.store(), rig.store("in ner/+/")
        inner.put("a/b", b"inside", TEXT)
        whole.put("a/b", b"outside", TEXT)
        assert keys_of(inner) == ["a/b"]
        assert keys_of(whole) == ["a/b", "in ner/+/a/b"]
        assert inner.look("a/b").key == "a/b"
        assert body_of(inner, "a/b") == b"inside"
        assert bytes(inner.read(next(iter(inner.list())), 0, 6)) == b"inside"
        assert keys_of(inner, prefix="a/", after="a/a") == ["a/b"]
        inner.delete("a/b")
        assert body_of(whole, "a/b") == b"outside"
        assert inner.look("a/b") is None

    def test_a_prefix_holds_for_uploads_too(self, rig):
        whole, inner = rig.store(), rig.store("inner/")
        upload = inner.begin("a", TEXT)
        assert upload.key == "a"
        assert list(inner.uploads()) == [upload]
        assert [found.key for found in whole.uploads()] == ["inner/a"]
        inner.commit(upload, [inner.put_part(upload, 1, b"1")])
        assert keys_of(whole) == ["inner/a"]

    def test_errors_name_the_whole_url(self, rig):
        inner = rig.store("inner/")
        inner.put("a b", b"12345", TEXT)
        info = inner.look("a b")
        inner.delete("a b")
        with pytest.raises(ObjectGone) as raised:
            inner.read(info, 0, 5)
        assert inner.address.of("a b") in str(raised.value)
        assert raised.value.retryable


CALLS = {
    "look": lambda store: store.look("a"),
    "fetch": lambda store: store.fetch("a", 1),
    "fetch unless": lambda store: store.fetch("a", 1, unless="etag", size=0),
    "read": lambda store: store.read(ObjectInfo("a", 5, "0" * 32), 0, 5),
    "pour": lambda store: store.pour(ObjectInfo("a", 5, "0" * 32), 0, 5, lambda block: None),
    "list": lambda store: list(store.list()),
    "put": lambda store: store.put("a", b"1", TEXT),
    "put absent": lambda store: store.put("a", b"1", TEXT, expect=ABSENT),
    "put expecting": lambda store: store.put("a", b"1", TEXT, expect=ObjectInfo("a", 5, "0" * 32)),
    "delete": lambda store: store.delete("a"),
    "begin": lambda store: store.begin("a", TEXT),
    "uploads": lambda store: list(store.uploads()),
}


class TestMissingBucket:
    @pytest.mark.parametrize("call", CALLS)
    def test_every_verb_is_refused(self, rig, call):
        rig.needs(f"missing bucket: {call}")
        store = rig.missing()
        with pytest.raises(StoreRefused, match=store.address.bucket) as raised:
            CALLS[call](store)
        assert not raised.value.retryable

    def test_no_secret_is_in_a_repr_or_an_error(self, rig):
        store = rig.missing()
        with pytest.raises(StoreRefused) as raised:
            store.look("a")
        told = repr(store) + str(store) + repr(raised.value) + str(raised.value) + repr(raised.value.__cause__)
        assert not [secret for secret in rig.secrets if secret in told]


class TestThreads:
    def test_eight_threads_share_one_store(self, store):
        start = threading.Barrier(8)

        def work(number: int) -> bytes:
            start.wait()
            key = f"{number}"
            for turn in range(3):
                content = f"{number}-{turn}".encode()
                store.put(key, content, replace(TEXT, user={"turn": f"{turn}"}))
                seen = store.look(key)
                assert seen.meta.user == {"turn": f"{turn}"}
                assert bytes(store.read(seen, 0, seen.size)) == content
                assert store.fetch("no", 1) is None
            return body_of(store, key)

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(8))) == [f"{number}-2".encode() for number in range(8)]
        assert keys_of(store) == [f"{number}" for number in range(8)]

    def test_two_listings_at_once_do_not_disturb_each_other(self, store):
        for number in range(5):
            store.put(f"{number}", b"", TEXT)
        with closing(store.list()) as one, closing(store.list()) as other:
            assert [(a.key, b.key) for a, b in zip(one, other, strict=True)] == [(f"{n}", f"{n}") for n in range(5)]


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

    def seen(self, source, key="a", content=b"12345"):
        source.put(key, content, self.OLD)
        return source.look(key)

    def test_a_store_says_from_which_size_on_it_is_worth_it_and_what_it_cannot_reach(self, store, source, tmp_path):
        assert 0 <= store.reach(source) <= 64 << 20
        assert store.reach(store) == store.reach(source)
        assert store.reach(LocalStore(Address("file", str(tmp_path)))) is None

    def test_a_copy_has_the_sources_bytes_and_the_metadata_that_was_given(self, rig, source):
        target = rig.store("in ner/+/")
        info = self.seen(source)
        written = target.copy_from(source, info, "b", self.NEW, Deadline())
        found = target.look("b")
        assert body_of(target, "b") == b"12345"
        assert (found.size, found.etag, found.version) == (5, written.etag, written.version)
        assert (found.meta.user, found.meta.content_type) == (self.NEW.user, "text/plain")
        assert keys_of(rig.store()) == ["in ner/+/b"]
        assert source.look("a") == info

    def test_an_object_is_overwritten_by_a_copy(self, store, source):
        store.put("a", b"old and longer", TEXT)
        store.copy_from(source, self.seen(source), "a", self.NEW, Deadline())
        assert body_of(store, "a") == b"12345"

    def test_an_empty_object_can_be_copied(self, store, source):
        store.copy_from(source, self.seen(source, content=b""), "a", self.NEW, Deadline())
        assert body_of(store, "a") == b""
        assert store.look("a").meta.user == self.NEW.user

    @pytest.mark.parametrize("key", ["a b+%2B%", "ünï/日本", "?a=b&c#d", "a//b"], ids=ascii)
    def test_an_odd_key_is_the_same_key_on_both_sides(self, store, source, key):
        store.copy_from(source, self.seen(source, key), key, self.NEW, Deadline())
        assert body_of(store, key) == b"12345"
        assert keys_of(store) == [key]

    def test_another_version_than_the_one_looked_at_is_not_published(self, store, source):
        info = self.seen(source)
        source.put("a", b"54321", self.OLD)
        with pytest.raises(SourceChanged, match=source.address.bucket):
            store.copy_from(source, info, "a", self.NEW, Deadline())
        assert store.look("a") is None
        assert list(store.uploads()) == []

    @pytest.mark.parametrize("content", [b"12345", b""])
    def test_a_source_that_is_gone_is_gone(self, store, source, content):
        info = self.seen(source, content=content)
        source.delete("a")
        with pytest.raises(ObjectGone, match=source.address.bucket):
            store.copy_from(source, info, "a", self.NEW, Deadline())
        assert store.look("a") is None
        assert list(store.uploads()) == []

    def test_what_is_expected_is_kept_where_the_server_enforces_it(self, rig, store, source):
        info = self.seen(source)
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

    def test_what_is_out_of_reach_is_said_and_not_tried(self, store, tmp_path):
        source = LocalStore(Address("file", str(tmp_path)))
        with pytest.raises(CannotCopy, match=store.address.bucket):
            store.copy_from(source, self.seen(source), "a", self.NEW, Deadline())
        assert store.look("a") is None

    def test_a_bucket_that_is_missing_is_refused_on_either_side(self, rig, store, source):
        info = self.seen(source)
        with pytest.raises(StoreRefused):
            store.copy_from(rig.missing(), info, "a", self.NEW, Deadline())
        assert store.look("a") is None
        missing = rig.missing()
        if missing.reach(source) is not None:
            with pytest.raises(StoreRefused, match=missing.address.bucket):
                missing.copy_from(source, info, "a", self.NEW, Deadline())

    def test_nothing_is_begun_without_time(self, store, source):
        info = self.seen(source)
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


@pytest.mark.parametrize("rig", ["rclone"], indirect=True)
def test_a_server_that_only_seems_to_copy_is_found_out_before_anything_is_published(rig):
    source, store = rig.beside(), rig.store()
    source.put("a", b"12345", TEXT)
    with pytest.raises(CannotCopy, match=store.address.bucket):
        store.copy_from(source, source.look("a"), "b", TEXT, Deadline())
    assert keys_of(store) == []
    assert list(store.uploads()) == []
