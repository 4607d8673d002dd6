"""What every store promises of looking, fetching, reading, pouring and listing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.errors import (
    ObjectGone,
    SourceChanged,
    StoreRefused,
)
from bucketrelay.model import Meta
from bucketrelay.store import BLOCK
from bucketrelay.testing.contract.rig import TEXT, body_of, content_of, keys_of
from bucketrelay.values import replace


class TestLook:
    def test_a_missing_key_is_none_whether_sure_or_not(self, store):
        assert store.look("no/such key") is None
        assert store.look("no/such key", trust_bare_404=True) is None

    def test_an_object_is_described_by_size_etag_time_and_metadata(self, store):
        written = store.put("a", b"12345", TEXT)
        info = store.look("a")
        assert (info.key, info.size, info.meta.content_type) == ("a", 5, "text/plain")
        assert info.etag == written.etag
        assert info.version == written.version
        assert abs(info.modified - datetime.now(timezone.utc)) < timedelta(minutes=5)

    def test_two_looks_at_one_version_are_equal(self, store):
        store.put("a", b"12345", TEXT)
        assert store.look("a") == store.look("a", trust_bare_404=True) == store.look("a")

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

    def test_bytes_of_two_versions_are_never_mixed(self, rig, store):
        rig.needs("one version an answer")
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
    CONTENT = content_of(2 * BLOCK + 1000)

    def pour(self, store, info, start, length):
        blocks = []
        store.pour(info, start, length, lambda block: blocks.append(bytes(block)))
        assert max(map(len, blocks)) <= BLOCK
        return b"".join(blocks)

    def test_exactly_the_bytes_asked_for_in_blocks(self, store):
        store.put("a", self.CONTENT, TEXT)
        info = store.look("a")
        for start, length in [(0, 1), (0, info.size), (1000, BLOCK), (BLOCK - 1, BLOCK + 2), (info.size - 1, 1)]:
            assert self.pour(store, info, start, length) == self.CONTENT[start : start + length]

    @pytest.mark.parametrize("content", [b"abcde", b"abc", b"abcdefgh"], ids=["same size", "shorter", "longer"])
    def test_an_object_overwritten_since_is_another_version(self, store, content):
        store.put("a", b"12345", TEXT)
        info = store.look("a")
        store.put("a", content, TEXT)
        with pytest.raises(SourceChanged, match=store.address.bucket):
            self.pour(store, info, 0, 5)

    def test_an_object_deleted_since_is_gone(self, store):
        store.put("a", b"12345", TEXT)
        info = store.look("a")
        store.delete("a")
        with pytest.raises(ObjectGone, match=store.address.bucket):
            self.pour(store, info, 0, 5)

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
        assert self.pour(store, info, 0, info.size) == self.CONTENT


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
