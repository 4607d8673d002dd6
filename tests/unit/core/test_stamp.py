"""The origin stamp says which version of which object a copy was made of, and survives as a header."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.core import stamp as stamps
from bucketrelay.errors import StoreRefused
from bucketrelay.model import Address, Meta, ObjectInfo
from fakes import with_stamp

identities = st.text("0123456789abcdef", min_size=12, max_size=12)
made = st.builds(
    stamps.Stamp,
    where=identities,
    hops=st.lists(identities, min_size=1, max_size=stamps.MAX_HOPS).map(tuple),
    size=st.integers(0, 10**15),
    when=st.text(st.characters(codec="utf-8"), max_size=60),
    etag=st.text(st.characters(codec="utf-8"), max_size=80),
    digest=st.text("abcXYZ019-_", max_size=43),
    md5=st.text("0123456789abcdef", max_size=32),
)
faces = st.builds(
    lambda headers, user: ".".join([*headers, user]),
    st.lists(st.text("0123456789abcdef", max_size=4), min_size=6, max_size=6),
    st.text("0123456789abcdef", max_size=12),
)
bound = st.builds(
    replace,
    made,
    born=st.integers(0, 10**10),
    mark=identities,
    face=faces,
    seen=st.text("0123456789abcdef", max_size=12),
)


@given(made | bound)
def test_a_stamp_read_back_is_the_stamp_that_was_written(stamp):
    text = stamp.text()

    assert stamps.parse(text) == stamp
    assert text.isascii()
    assert text.isprintable()


@given(st.text())
def test_whatever_users_write_under_our_name_is_a_stamp_or_none(text):
    stamp = stamps.parse(text)

    assert stamp is None or stamps.parse(stamp.text()) == stamp


def test_an_ordinary_stamp_leaves_room_for_the_users_metadata():
    info = ObjectInfo("k", 10**12, "d41d8cd98f00b204e9800998ecf8427e-10000", version="096fKKXTRTtl3on89fVO.nfljtsv6qko")

    # And 76 more for the digests of an object in one piece, 24 for a face with headers and metadata.
    assert len(stamps.make(info, stamps.Link("a" * 12, "b" * 12)).text()) < 165


def test_a_stamp_carried_to_another_key_by_a_users_tool_is_void():
    info = ObjectInfo("k", 3, "e")
    stamped = with_stamp(info, stamps.make(info, stamps.Link("source-id-00", "target-id-00")))

    assert stamps.stamp_of(stamped, "target-id-00") is not None
    assert stamps.stamp_of(stamped, "another-id-0") is None


def test_a_stamp_on_an_object_of_another_size_is_void():
    info = ObjectInfo("k", 3, "e")
    stamped = with_stamp(info, stamps.make(info, stamps.Link("source-id-00", "target-id-00")))

    assert stamps.stamp_of(replace(stamped, size=4), "target-id-00") is None


def test_a_rewrite_of_the_metadata_alone_is_another_version():
    first = ObjectInfo("k", 3, "same", datetime(2026, 1, 1, 0, 0, 1, tzinfo=timezone.utc))
    later = replace(first, modified=datetime(2026, 1, 1, 0, 0, 2, tzinfo=timezone.utc))
    stamp = stamps.make(first, stamps.Link("s", "t"))

    assert stamp.describes(first)
    assert not stamp.describes(later)


def test_a_copy_of_a_copy_remembers_every_place_it_came_through():
    first = ObjectInfo("k", 3, "e1")
    second = with_stamp(ObjectInfo("k", 3, "e2"), stamps.make(first, stamps.Link("aaaaaaaaaaaa", "bbbbbbbbbbbb")))

    assert stamps.make(second, stamps.Link("bbbbbbbbbbbb", "cccccccccccc")).hops == ("aaaaaaaaaaaa", "bbbbbbbbbbbb")


def test_a_chain_of_routes_without_end_is_refused():
    info = ObjectInfo("k", 0, "e")
    info = with_stamp(info, stamps.Stamp("here", tuple("abcdefghijklmnop"), 0, "", "e"))

    with pytest.raises(StoreRefused, match="shorten the chain"):
        stamps.make(info, stamps.Link("here", "next"))


def test_the_users_own_metadata_is_what_is_left_without_the_stamp():
    assert stamps.without({"a": "1", stamps.NAME: "x"}) == {"a": "1"}
    assert (
        with_stamp(
            ObjectInfo("k", 0, "e", meta=Meta(user={"a": "1"})), stamps.Stamp("w", ("h",), 0, "", "e")
        ).meta.user["a"]
        == "1"
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["s3", "obs"]),
            st.sampled_from(["b", "bb"]),
            st.sampled_from(["", "p/"]),
            st.text("ab/p", max_size=3),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_two_objects_have_one_identity_only_if_they_are_one_object(pair):
    (s1, b1, p1, k1), (s2, b2, p2, k2) = pair
    same = (s1, b1, p1 + k1) == (s2, b2, p2 + k2)

    assert (stamps.identity(Address(s1, b1, "", p1), k1) == stamps.identity(Address(s2, b2, "", p2), k2)) is same


def test_a_copy_edited_in_place_by_a_tool_that_keeps_metadata_is_found_out():
    info = ObjectInfo("k", 3, "e")
    stamped = with_stamp(info, stamps.make(info, stamps.Link("source-id-00", "target-id-00"), "d", "900150983cd24fb0"))

    assert stamps.stamp_of(stamped, "target-id-00") is not None
    assert stamps.stamp_of(replace(stamped, checksums={"md5": "900150983cd24fb0"}), "target-id-00") is not None
    assert stamps.stamp_of(replace(stamped, checksums={"md5": "0000000000000000"}), "target-id-00") is None
