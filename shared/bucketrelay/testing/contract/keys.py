"""What every store promises of keys, of prefixes, of a bucket that is missing, and of threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from bucketrelay.errors import (
    ObjectGone,
    RelayError,
    StoreRefused,
)
from bucketrelay.model import ObjectInfo
from bucketrelay.store import ABSENT
from bucketrelay.testing.contract.rig import TEXT, body_of, keys_of
from bucketrelay.values import replace

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
        assert [each.key for each in whole.uploads()] == ["inner/a"]
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
    "pour": lambda store: store.pour(ObjectInfo("a", 5, "0" * 32), 0, 5, bytearray().extend),
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

        def work(number):
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
