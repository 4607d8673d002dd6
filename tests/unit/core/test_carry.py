"""What fits into a target, and what is said to be lost there."""

from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.core.metadata import fit
from bucketrelay.core.stamp import NAME, Stamp
from bucketrelay.model import Meta
from bucketrelay.store import CONTENT_HEADERS, Abilities

STAMP = Stamp("w" * 12, ("h" * 12,), 3, "v", "e")


def test_everything_that_fits_travels():
    meta = Meta("text/plain", "gzip", "de", "inline", "no-cache", "Thu, 01 Dec 2030 16:00:00 GMT", {"a": "1", "ü": "2"})
    carried, lost = fit(meta, Abilities(), STAMP)

    assert [getattr(carried, name) for name in CONTENT_HEADERS] == [getattr(meta, name) for name in CONTENT_HEADERS]
    assert carried.user == {"a": "1", NAME: STAMP.text()}
    assert lost == ("user:ü",)


def test_a_header_that_the_target_does_not_know_is_named():
    _, lost = fit(Meta(expires="x", content_type="a/b"), Abilities(headers=frozenset({"content_type"})), STAMP)

    assert lost == ("expires",)


def test_a_content_header_that_is_not_ascii_is_named_and_left_out():
    assert fit(Meta(content_disposition='inline; filename="ü"'), Abilities(), STAMP)[1] == ("content_disposition",)


def test_a_line_break_in_a_value_cannot_become_a_header():
    carried, lost = fit(Meta(content_type="a/b\r\nx: y", user={"n": "v\nw"}), Abilities(), STAMP)

    assert carried.content_type == ""
    assert set(carried.user) == {NAME}
    assert lost == ("content_type", "user:n")


def test_the_longest_values_go_first_where_the_room_ends():
    user = {"long": "x" * 300, "short": "y", "middle": "z" * 100}
    carried, lost = fit(Meta(user=user), Abilities(user_bytes=len(NAME) + len(STAMP.text()) + 120), STAMP)

    assert set(carried.user) == {"short", "middle", NAME}
    assert lost == ("user:long",)


def test_tags_and_a_rare_storage_class_are_said_to_be_lost():
    assert fit(Meta(tag_count=2, storage_class="GLACIER"), Abilities(), STAMP)[1] == ("storage_class=GLACIER", "tags")
    assert fit(Meta(storage_class="STANDARD"), Abilities(), STAMP)[1] == ()


def test_a_storage_class_becomes_the_targets_own_word_for_it():
    carried, lost = fit(Meta(storage_class="STANDARD_IA"), Abilities(classes={"STANDARD_IA": "WARM"}), STAMP)

    assert (carried.storage_class, lost) == ("WARM", ())


def test_tags_travel_where_the_target_can_hold_them_all():
    some = Meta(tag_count=2, tags={"a": "1", "b": "2"})

    assert fit(some, Abilities(tags=10), STAMP) == (fit(some, Abilities(tags=2), STAMP)[0], ())
    assert fit(some, Abilities(tags=10), STAMP)[0].tags == {"a": "1", "b": "2"}
    assert fit(some, Abilities(tags=1), STAMP)[1] == ("tags",)


def test_a_tag_that_the_target_cannot_write_is_named():
    carried, lost = fit(Meta(tag_count=2, tags={"a": "1", "b!": "2"}), Abilities(tags=9, tag_text="[a-z0-9]*"), STAMP)

    assert (carried.tags, lost) == ({"a": "1"}, ("tag:b!",))


def test_the_stamp_of_an_earlier_copy_does_not_travel():
    carried, lost = fit(Meta(user={NAME: "1;old"}), Abilities(), STAMP)

    assert carried.user == {NAME: STAMP.text()}
    assert lost == ()


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=12), st.integers(250, 3000))
def test_what_is_carried_always_fits_and_what_is_not_is_named(user, room):
    carried, lost = fit(Meta(user=user), Abilities(user_bytes=room), STAMP)

    assert sum(len(n) + len(v) for n, v in carried.user.items() if v.isascii()) <= room
    assert carried.user[NAME] == STAMP.text()
    assert {f"user:{n}" for n in user if n not in carried.user} == set(lost)
