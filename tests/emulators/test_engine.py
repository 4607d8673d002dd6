"""The bucket engine beneath the emulators of OBS and OCI."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay_emulators.engine.engine import (
    BucketExists,
    BucketNotEmpty,
    Engine,
    InvalidPart,
    InvalidPartOrder,
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    PreconditionFailed,
    random_etag,
)

KEYS = st.text(st.sampled_from(["a", "b", "/", "~", "é", "\uffee", "🪣"]), min_size=1, max_size=4)


@pytest.fixture
def bucket():
    return Engine().create_bucket("b")


def test_what_was_put_is_got(bucket):
    written = bucket.put(
        "k", b"body", {"content-type": "text/plain"}, {"a": "1"}, tags={"t": "v"}, storage_class="COLD"
    )
    assert bucket.get("k") is written
    assert (written.body, written.etag, written.md5) == (b"body", hashlib.md5(b"body").hexdigest(), written.etag)
    assert (written.headers, written.user, written.tags) == ({"content-type": "text/plain"}, {"a": "1"}, {"t": "v"})


def test_what_is_held_cannot_be_changed_from_outside(bucket):
    user, body = {"a": "1"}, bytearray(b"body")
    written = bucket.put("k", body, user=user)
    user["a"], body[0] = "2", 0
    assert (written.user, written.body) == ({"a": "1"}, b"body")
    with pytest.raises(TypeError):
        written.user["a"] = "3"


def test_a_missing_key_and_a_missing_bucket_are_different(bucket):
    with pytest.raises(NoSuchKey):
        bucket.get("nothing")
    with pytest.raises(NoSuchBucket):
        Engine().bucket("nowhere")


def test_buckets_of_one_name_in_two_namespaces_are_two():
    engine = Engine()
    engine.create_bucket("b", "one").put("k", b"1")
    engine.create_bucket("b", "two")
    assert len(engine.bucket("b", "two")) == 0
    with pytest.raises(BucketExists):
        engine.create_bucket("b", "one")


def test_a_bucket_with_objects_is_deleted_by_force_only():
    engine = Engine()
    engine.create_bucket("b").put("k", b"")
    with pytest.raises(BucketNotEmpty):
        engine.delete_bucket("b")
    engine.delete_bucket("b", force=True)
    assert engine.buckets() == []


@given(st.sets(KEYS), KEYS | st.just(""), KEYS | st.just(""), KEYS | st.just(""), st.integers(0, 5) | st.none())
def test_a_listing_is_what_a_slow_and_obvious_one_would_be(keys, prefix, after, start, limit):
    bucket = Engine().create_bucket("b")
    for key in keys:
        bucket.put(key, b"")
    wanted = sorted(keys, key=str.encode)
    wanted = [k for k in wanted if k.startswith(prefix) and (not after or k.encode() > after.encode())]
    wanted = [k for k in wanted if k.encode() >= start.encode()][:limit]
    assert [obj.key for obj in bucket.list(prefix, after, limit, start=start)] == wanted


def test_a_deleted_key_leaves_the_listing_and_deleting_nothing_is_fine(bucket):
    for key in "abc":
        bucket.put(key, b"")
    assert bucket.delete("b").key == "b"
    assert bucket.delete("b") is None
    assert [obj.key for obj in bucket.list()] == ["a", "c"]


def test_conditions_hold_or_nothing_is_written(bucket):
    first = bucket.put("k", b"1", if_none_match="*")
    for condition in ({"if_none_match": "*"}, {"if_match": "other"}, {"if_none_match": first.etag}):
        with pytest.raises(PreconditionFailed):
            bucket.put("k", b"2", **condition)
    assert bucket.get("k") is first
    second = bucket.put("k", b"2", if_match=first.etag)
    with pytest.raises(PreconditionFailed):
        bucket.delete("k", if_match=first.etag)
    assert bucket.get("k") is second
    with pytest.raises(PreconditionFailed):
        bucket.put("missing", b"", if_match="*")


def test_of_many_who_create_a_key_if_it_is_absent_one_succeeds(bucket):
    def create(number):
        try:
            return bucket.put("k", str(number).encode(), if_none_match="*")
        except PreconditionFailed:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [obj for obj in pool.map(create, range(64)) if obj]
    assert made == [bucket.get("k")]


def test_parts_become_one_object_in_the_order_of_their_numbers(bucket):
    upload = bucket.uploads.begin("k", {"content-type": "a/b"}, {"u": "1"})
    second = bucket.uploads.put_part("k", upload.id, 2, b"world")
    bucket.uploads.put_part("k", upload.id, 1, b"nothing")
    first = bucket.uploads.put_part("k", upload.id, 1, b"hello ")
    assert [part.body for part in bucket.uploads.parts("k", upload.id)] == [b"hello ", b"world"]
    written = bucket.commit("k", upload.id, [(1, first.etag), (2, second.etag)])
    md5s = b"".join(hashlib.md5(body).digest() for body in (b"hello ", b"world"))
    assert (written.body, written.etag) == (b"hello world", f"{hashlib.md5(md5s).hexdigest()}-2")
    assert (written.headers, written.user) == ({"content-type": "a/b"}, {"u": "1"})
    with pytest.raises(NoSuchUpload):
        bucket.uploads.parts("k", upload.id)


def test_a_commit_of_wrong_parts_publishes_nothing_and_keeps_the_upload(bucket):
    upload = bucket.uploads.begin("k")
    one, two = (bucket.uploads.put_part("k", upload.id, number, b"x") for number in (1, 2))
    wrong = {
        InvalidPart: [[(1, "other")], [(3, one.etag)], []],
        InvalidPartOrder: [[(2, two.etag), (1, one.etag)], [(1, one.etag), (1, one.etag)]],
    }
    for error, lists in wrong.items():
        for chosen in lists:
            with pytest.raises(error):
                bucket.commit("k", upload.id, chosen)
    with pytest.raises(NoSuchUpload):
        bucket.commit("another key", upload.id, [(1, one.etag)])
    assert len(bucket) == 0
    assert bucket.uploads.list() == [upload]


def test_a_commit_honours_conditions(bucket):
    upload = bucket.uploads.begin("k")
    part = bucket.uploads.put_part("k", upload.id, 1, b"x")
    bucket.put("k", b"sooner")
    with pytest.raises(PreconditionFailed):
        bucket.commit("k", upload.id, [(1, part.etag)], if_none_match="*")
    assert bucket.get("k").body == b"sooner"


def test_an_aborted_upload_is_gone(bucket):
    upload = bucket.uploads.begin("k")
    bucket.uploads.abort("k", upload.id)
    with pytest.raises(NoSuchUpload):
        bucket.uploads.put_part("k", upload.id, 1, b"")
    assert bucket.uploads.list() == []


def test_changes_are_told_after_they_happened_and_outside_of_locks():
    engine = Engine()
    bucket = engine.create_bucket("b")
    told = []

    def see(change):
        with ThreadPoolExecutor(1) as another:  # would never end if this thread held the bucket's lock
            keys = another.submit(lambda: [obj.key for obj in bucket.list()]).result()
        told.append((change.kind, change.key, bool(change.obj), bool(change.replaced), keys))

    unsubscribe = engine.subscribe(see)
    bucket.put("k", b"1")
    bucket.put("k", b"2", kind="Copy")
    bucket.delete("k")
    bucket.delete("k")
    unsubscribe()
    bucket.put("k", b"3")
    assert told == [
        ("Put", "k", True, False, ["k"]),
        ("Copy", "k", True, True, ["k"]),
        ("Delete", "k", False, True, []),
    ]


def test_a_rewrite_of_metadata_keeps_etag_and_bytes_but_not_the_time():
    times = iter(datetime(2026, 11, 21, tzinfo=timezone.utc) + timedelta(seconds=s) for s in range(100))
    bucket = Engine(now=lambda: next(times)).create_bucket("b")
    before = bucket.put("k", b"1", {"content-type": "a/b"}, {"u": "1"})
    tagged = bucket.amend("k", tags={"t": "1"})
    assert tagged.modified == before.modified
    after = bucket.amend("k", user={"u": "2"})
    assert (after.etag, after.body, after.headers, after.tags) == (before.etag, b"1", before.headers, {"t": "1"})
    assert after.user == {"u": "2"}
    assert after.modified > before.modified


def test_random_etags_say_nothing_of_the_content():
    bucket = Engine(etag=random_etag).create_bucket("b")
    assert bucket.put("k", b"1").etag != bucket.put("k", b"1").etag
