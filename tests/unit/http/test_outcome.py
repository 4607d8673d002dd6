"""What an answer means: the table, cell by cell where it matters, and its totality."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.errors import (
    Damaged,
    ObjectGone,
    OutcomeUnknown,
    RelayError,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.http.faults import CutShort, HungUp, Malformed, NotSent, Unsendable, Untrusted
from bucketrelay.http.outcome import (
    Archived,
    Dialect,
    Effect,
    Lacking,
    Meaning,
    NoSuchUpload,
    OutOfRange,
    Refusal,
    Unsaid,
    error_for,
    error_without_answer,
    follows,
    meaning,
)

DIALECT = Dialect(
    {
        "SlowDown": Meaning.BUSY,
        "Conflicting": Meaning.REFUSED,
        "NoSuchKey": Meaning.GONE,
        "NoSuchUpload": Meaning.NO_UPLOAD,
        "Frozen": Meaning.ARCHIVED,
        "Skewed": Meaning.SKEWED,
        "Moved": Meaning.ELSEWHERE,
        "Conflict": Meaning.CHANGED,
        "BadDigest": Meaning.DAMAGED,
    },
    {"Conflicting": "choose another name"},
)
READ, REPEATABLE, PUBLISHING = Effect


def error(status: int, code: str = "", effect: Effect = READ, **more: str) -> RelayError:
    return error_for(Refusal(status, code, "words"), effect, "s3://bucket/a", DIALECT, **more)


@pytest.mark.parametrize(
    ("status", "code", "read", "repeatable", "publishing"),
    [
        (500, "", StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (502, "", StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (503, "", StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (504, "", StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (599, "", StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (503, "SlowDown", StoreUnavailable, StoreUnavailable, StoreUnavailable),
        (500, "NoSuchKey", StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (200, "InternalError", StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (200, "Conflict", SourceChanged, TargetChanged, TargetChanged),
        (408, "", StoreUnavailable, StoreUnavailable, StoreUnavailable),
        (409, "", StoreUnavailable, StoreUnavailable, StoreUnavailable),
        (409, "Conflicting", StoreRefused, StoreRefused, StoreRefused),
        (409, "Conflict", SourceChanged, TargetChanged, TargetChanged),
        (412, "", SourceChanged, TargetChanged, TargetChanged),
        (416, "", OutOfRange, OutOfRange, OutOfRange),
        (425, "", StoreUnavailable, StoreUnavailable, StoreUnavailable),
        (429, "", StoreUnavailable, StoreUnavailable, StoreUnavailable),
        (404, "", Unsaid, Unsaid, Unsaid),
        (404, "NoSuchKey", ObjectGone, ObjectGone, ObjectGone),
        (200, "NoSuchKey", ObjectGone, ObjectGone, ObjectGone),
        (400, "NoSuchKey", StoreRefused, StoreRefused, StoreRefused),
        (401, "NoSuchKey", StoreRefused, StoreRefused, StoreRefused),
        (403, "NoSuchKey", StoreRefused, StoreRefused, StoreRefused),  # no refusal is ever an absence
        (404, "NoSuchUpload", NoSuchUpload, NoSuchUpload, NoSuchUpload),
        (400, "BadDigest", Damaged, Damaged, Damaged),
        (403, "Frozen", Archived, Archived, Archived),
        (501, "", Lacking, Lacking, Lacking),
        (400, "", StoreRefused, StoreRefused, StoreRefused),
        (403, "", StoreRefused, StoreRefused, StoreRefused),
        (301, "", StoreRefused, StoreRefused, StoreRefused),
        (307, "", StoreRefused, StoreRefused, StoreRefused),
    ],
)
def test_status_code_and_effect_make_the_error(status, code, read, repeatable, publishing):
    for effect, kind in ((READ, read), (REPEATABLE, repeatable), (PUBLISHING, publishing)):
        assert type(error(status, code, effect)) is kind


@given(st.integers(200, 999), st.text(max_size=5) | st.sampled_from(list(DIALECT.codes)), st.sampled_from(Effect))
def test_every_answer_is_an_error_of_ours_that_names_the_object(status, code, effect):
    assert "s3://bucket/a" in str(error(status, code, effect))


@pytest.mark.parametrize("told", Meaning)
@pytest.mark.parametrize("effect", Effect)
def test_every_meaning_follows_into_something_for_every_effect(told, effect):
    kind, _ = follows(told, effect)
    assert issubclass(kind, RelayError)


def test_only_a_publishing_write_can_be_of_unknown_outcome():
    unknown = [(told, effect) for told in Meaning for effect in Effect if follows(told, effect)[0] is OutcomeUnknown]
    assert unknown == [(Meaning.UNCLEAR, PUBLISHING)]


def test_who_is_asked_too_often_says_so_and_how_long():
    found = error_for(Refusal(503, "", "", {"retry-after": "7"}), READ, "s3://b", DIALECT)
    assert (found.busy, found.after) == (True, 7.0)
    assert not error(500).busy
    assert error(200, "SlowDown").busy


@pytest.mark.parametrize(
    ("status", "code", "more", "remedy"),
    [
        (403, "", {"permission": "s3:PutObject"}, "grant s3:PutObject"),
        (403, "", {}, "grant the permission"),
        (403, "Skewed", {"permission": "s3:PutObject"}, "set this machine's clock"),
        (409, "Conflicting", {}, "choose another name"),
        (301, "", {"elsewhere": 'set region = "eu-west-3"'}, 'set region = "eu-west-3"'),
        (400, "Moved", {}, "set the store's region"),
        (400, "", {}, "mend the configuration"),
        (403, "Frozen", {}, "restore it"),
    ],
)
def test_each_refusal_ends_in_its_remedy(status, code, more, remedy):
    assert str(error(status, code, **more)).startswith(f"s3://bucket/a: {code or 'no code'} ({status}): words: ")
    assert remedy in str(error(status, code, **more))


@pytest.mark.parametrize(
    ("fault", "read", "repeatable", "publishing"),
    [
        (NotSent("x"), StoreUnavailable, StoreUnavailable, StoreUnavailable),
        (Untrusted("x"), StoreRefused, StoreRefused, StoreRefused),
        (Unsendable("x"), StoreRefused, StoreRefused, StoreRefused),
        (HungUp("x"), StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (Malformed("x"), StoreUnavailable, StoreUnavailable, OutcomeUnknown),
        (CutShort("x"), Damaged, StoreUnavailable, OutcomeUnknown),
    ],
)
def test_a_lost_answer_leaves_only_a_publishing_write_open(fault, read, repeatable, publishing):
    for effect, kind in ((READ, read), (REPEATABLE, repeatable), (PUBLISHING, publishing)):
        found = error_without_answer(fault, effect, "s3://bucket/a")
        assert type(found) is kind
        assert "s3://bucket/a" in str(found)


def test_a_code_is_believed_under_a_5xx_only_where_it_is_about_that():
    assert meaning(500, "BadDigest", DIALECT.codes) is Meaning.UNCLEAR
    assert meaning(500, "SlowDown", DIALECT.codes) is Meaning.BUSY
