"""Which pairs are equal, at each depth; and equal objects of nobody's that are made ours."""

import hashlib
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.abilities import Columns
from bucketrelay.core import stamp as stamps
from bucketrelay.drivers.reconcile.compare import ALL, Pair, Right, Side, merge, pairs
from bucketrelay.errors import StoreRefused
from bucketrelay.model import Address, Deletes, Listed, Meta, ObjectInfo
from reconcile_world import World

OLD, NEW = (datetime(2026, 11, 21, hour, tzinfo=timezone.utc) for hour in (8, 9))
MD5 = hashlib.md5(b"1").hexdigest()


def _kind(world, source, target, depth):
    """What the listings alone make of a pair; "ask" where they cannot tell."""
    begun = world.begin(depth=depth, check=True)
    judge = begun._judge("target")
    verdict = judge.at_sight(Pair("k", source, target))
    return verdict.kind.value if verdict else "ask"


_SIGHTS = [  # source, target, listing, stamp, content
    (ObjectInfo("k", 1, "a", OLD), ObjectInfo("k", 2, "a", NEW), "different", "different", "different"),
    (ObjectInfo("k", 1, "a", OLD), ObjectInfo("k", 1, "a", NEW), "right", "right", "ask"),
    (ObjectInfo("k", 1, "a", NEW), ObjectInfo("k", 1, "a", OLD), "right", "ask", "ask"),
    (ObjectInfo("k", 1, "a", OLD), ObjectInfo("k", 1, "b", NEW), "right", "ask", "ask"),
    (ObjectInfo("k", 1, "a", NEW), ObjectInfo("k", 1, "b", OLD), "different", "ask", "ask"),
    (ObjectInfo("k", 1, "a", OLD), ObjectInfo("k", 1, "b", None), "different", "ask", "ask"),
    (ObjectInfo("k", 1, "", OLD), ObjectInfo("k", 1, "", OLD), "right", "ask", "ask"),
    (ObjectInfo("k", 1, MD5, OLD), ObjectInfo("k", 1, "oci", NEW, checksums={"md5": MD5}), "right", "right", "ask"),
    *(
        (
            ObjectInfo("k", 1, "x", OLD, checksums={"md5": md5}),
            ObjectInfo("k", 1, "y", NEW, checksums={"md5": MD5}),
            *kinds,
        )
        for md5, kinds in (
            (MD5, ("right", "right", "right")),
            ("0" * 32, ("right", "different", "different")),
        )
    ),
]


@pytest.mark.parametrize(("source", "target", "listing", "stamp", "content"), _SIGHTS)
def test_what_the_listings_tell(world, source, target, listing, stamp, content):
    found = [_kind(world, source, target, depth) for depth in ("listing", "stamp", "content")]
    assert found == [listing, stamp, content]


_TIMES, _ETAGS = st.sampled_from([None, OLD, NEW]), st.sampled_from(["", "a", "b"])


def _columns(rows):
    """As stores give them that list page by page."""
    return Columns(*map(list, zip(*rows, strict=True)))


_ROWS = st.builds(Listed, st.sampled_from("abcdefgh"), st.integers(1, 2), _ETAGS, _TIMES)


@pytest.mark.parametrize("depth", ["listing", "stamp", "content"])
@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize("exclude", [(), ("b",)])
@given(
    sources=st.lists(_ROWS, unique_by=lambda row: row.key),
    targets=st.lists(_ROWS, unique_by=lambda row: row.key),
    shapes=st.tuples(*[st.sampled_from([list, _columns])] * 2),
)
def test_what_is_counted_in_a_lump_is_what_each_pair_by_itself_would_be(
    depth, stamped, exclude, sources, targets, shapes
):
    begun = World().route_with(exclude=exclude).begin(depth=depth, check=not stamped, adopt=stamped)
    judge = begun._judge("target")

    def sides():
        for rows, shape in zip((sources, targets), shapes, strict=True):
            pages = [shape(sorted(rows))] if rows else []
            yield Side("s3://b", "", ALL, lambda _, pages=pages: iter(pages), None)

    lumps = [found for found in merge(*sides(), judge.right) if isinstance(found, Right)]
    alone = [judge.at_sight(pair) for pair in pairs(*sides())]
    right = [verdict.rest for verdict in alone if verdict and verdict.kind.value == "right"]
    assert sum(lump.pairs for lump in lumps) == len(right)
    assert [lump.last for lump in lumps] == [rest for rest in right if rest in {lump.last for lump in lumps}]


@pytest.mark.parametrize("versioned", [False, True])
def test_the_stamp_of_a_copy_tells_where_the_etags_do_not(versioned):
    world = World(versioned=versioned)
    world.source.write("k", b"0123456789")
    world.replicate("k")
    _other_etag(world.target, "k")
    assert world.counts(check=True)["right"] == 1
    world.source.write("k", b"0123456789", Meta(content_type="text/plain"))  # the bytes and the ETag stay
    assert world.counts(check=True)["different"] == 1
    assert world.counts()["repaired"] == 1
    assert world.target.info("k").meta.content_type == "text/plain"


def _other_etag(store, key):
    """As of an object that was written in parts."""
    held = store.bucket.objects[store.address.prefix + key]
    store.bucket.objects[store.address.prefix + key] = replace(held, etag="9" * 32 + "-2")


def test_nobodys_object_is_equal_where_the_etags_say_so(world):
    world.source.write("k", b"1")
    world.target.write("k", b"1")
    assert world.counts(check=True) == {"complete": True, "source_objects": 1, "target_objects": 1, "right": 1}
    world.source.write("k", b"1")  # newer now: its metadata may be another
    book = world.counts(check=True)
    assert (book["right"], book["unstamped"]) == (1, 1)


def test_by_content_every_byte_is_compared_where_no_digest_tells(world):
    for key, original, copy in (("a", b"0123456789", b"0123456789"), ("b", b"0123456789", b"012345678X")):
        world.source.write(key, original)
        world.target.write(key, copy)
        _other_etag(world.target, key)
    book = world.counts(check=True, depth="content")
    assert (book["right"], book["different"], book["unstamped"]) == (1, 1, 1)
    assert world.counts(depth="content")["repaired"] == 1
    assert world.target.body("b") == b"0123456789"


def test_bytes_that_differ_under_a_stamp_that_fits_are_repaired(world):
    world.source.write("k", b"0123456789")
    world.replicate("k")
    held = world.target.info("k")
    text = held.meta.user[stamps.NAME].rsplit(";", 2)[0] + ";;"  # as of a copy in parts: no digest, no MD5
    world.target.write("k", b"012345678X", Meta(user={stamps.NAME: text}))
    book = world.counts(depth="content", check=True)
    assert book["different"] == 1
    book = world.counts(depth="content")
    assert (book["different"], book["repaired"], book.get("failed", 0)) == (1, 1, 0)
    assert world.target.body("k") == b"0123456789"
    assert world.counts(depth="content", check=True)["right"] == 1


# Adoption.


def _adopted(world, **more):
    return world.counts(adopt=True, **more)


@pytest.mark.parametrize("copies", [True, False], ids=["by the server", "by hand"])
@pytest.mark.parametrize("depth", ["listing", "stamp", "content"])
def test_equal_objects_become_ours_without_the_source_being_read(copies, depth):
    world = World(copies=copies, versioned=True).route_with(deletes=Deletes.FOLLOW)
    for key in ("a", "b"):
        world.source.write(key, b"1", Meta(content_type="text/plain"))
        world.target.write(key, b"1", Meta(content_type="application/octet-stream"))
    world.replicate("a")
    world.source.calls.clear()
    book = _adopted(world, depth=depth)
    assert (book["right"], book["adopted"], book.get("unstamped", 0), book.get("repaired", 0)) == (2, 1, 0, 0)
    reads = [call for call in world.source.calls if call[0] in ("fetch", "read")]
    assert not reads or depth == "content"
    assert world.target.info("b").meta.content_type == "text/plain"
    assert world.target.body("b") == b"1"
    world.replicate("b")  # an event about it finds our copy of this very version
    world.source.remove("b")
    assert world.counts()["surplus"] == 1
    assert world.target.keys() == ["a"]


def test_a_large_object_that_no_server_copies_is_left_and_said(monkeypatch):
    monkeypatch.setattr("bucketrelay.drivers.reconcile.adopt._BY_HAND", 0)
    world, said = World(copies=False), []
    world.source.write("k", b"1")
    world.target.write("k", b"1")
    begun = world.begin(adopt=True)
    begun.world = replace(begun.world, complain=said.append)
    (book,) = begun.run()
    assert (book.counts.right, book.counts.unstamped, book.counts.adopted) == (1, 1, 0)
    assert "too large to be written back" in said[0]


def test_what_was_written_meanwhile_is_not_adopted(world):
    world.source.write("k", b"1")
    world.target.write("k", b"1")
    looks = iter(range(100))  # the first one is for the comparison, the second for the adoption
    world.source.arrange("look", lambda: next(looks) == 1 and world.source.write("k", b"2"), 9, "k")
    book = world.counts(adopt=True)
    assert (book["right"], book["unstamped"], book.get("adopted", 0)) == (1, 1, 0)
    assert stamps.NAME not in world.target.info("k").meta.user


def test_a_strict_route_adopts_nothing_that_would_lose_something(world):
    world.route_with(strict=True)
    world.source.write("k", b"1", Meta(user={"long": "x" * 3000}))
    world.target.write("k", b"1")
    assert _adopted(world).get("adopted", 0) == 0


def test_a_refusal_to_be_looked_at_is_a_failed_pair_and_no_end(world):
    for key in ("a", "b"):
        world.source.write(key, b"1")
        world.target.write(key, b"1")
        world.source.write(key, b"1")
    world.target.fail("look", StoreRefused("403"), 1, "a")
    book = world.counts(check=True)
    assert (book["failed"], book["failed_there"], book["right"]) == (1, 1, 1)
    assert world.lists()["failed"][0]["why"] == "403"


@pytest.fixture
def renamed(world):
    """A copy whose stamp calls both objects what they were called before regions were part of their names."""
    stores = world.stores["source"], world.stores["target"]
    for store in stores:
        store._address = Address("oci", store.address.bucket, namespace="ns")
    world.route_with(source=world.source.address, deletes=Deletes.FOLLOW)
    world.source.write("k", b"1")
    world.replicate("k")
    for store in stores:
        store._address = replace(store.address, endpoint="us-ashburn-1")
    return world.route_with(source=world.source.address)


def test_a_copy_that_is_called_as_before_is_still_ours(renamed):
    assert renamed.counts(check=True, adopt=True) == {
        "source_objects": 1, "target_objects": 1, "right": 1, "complete": True,
    }  # fmt: skip
    renamed.source.remove("k")
    assert renamed.counts(check=True)["surplus"] == 1


def test_a_copy_that_is_called_as_before_is_still_an_echo(renamed):
    back = World()
    back.stores = {**renamed.stores, "source": renamed.target, "target": renamed.source}
    back.route_with(source=back.source.address)
    renamed.source.write("k", b"1", Meta(user={"edited": "since"}))
    judge = back.begin(check=True)._judge("target")

    assert judge._echo("k", back.source.look("k"))
