"""The lists: one line for each result, whatever the key holds; objects that are new, and readable again."""

import contextlib
import itertools
import json
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.errors import BadEvent, ObjectGone, StoreUnavailable, TargetChanged
from bucketrelay.model import Address, Meta, Outcome, Result
from bucketrelay.reports import list_line, lists
from bucketrelay.testing.memory import MemoryStore

NOW = datetime(2026, 11, 21, 9, 15, 0, 123456, tzinfo=timezone.utc)
COPIED = Result(
    route="photos",
    cause="event-1",
    change="created",
    source="s3://photos-eu/in/a b.jpg",
    target="oci://photos-mirror@mytenancy/2026/a b.jpg",
    key="in/a b.jpg",
    outcome=Outcome.COPIED,
    time=NOW,
    bytes=1024,
    seconds=0.12,
    lag=1.9,
)
FAILED = replace(COPIED, outcome=Outcome.FAILED, error="403: grant it", bytes=0, lag=None)
NAME = "2026/11/21/091500.123456Z-7c30.jsonl"
AWKWARD = [
    "a\nb",
    "a\r\nb",
    "a\u2028b\u2029c",
    "a\x85b",
    "a\x0bb\x0cc",
    'a"b\\',
    "\ud800",
    "\x00",
    "a\x7fb",
    "\u202egpj",
]


def any_text():
    return st.text(st.characters())  # with lone surrogates, which st.text() alone leaves out


def joined(text):
    """*text* as JSON can hold it: two surrogates side by side are the character that they stand for."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if pairs(text) else text


def pairs(text):
    return any("\ud800" <= a <= "\udbff" and "\udc00" <= b <= "\udfff" for a, b in itertools.pairwise(text))


TEXTS = any_text().filter(lambda text: not pairs(text))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  # hypothesis wants naive bounds and adds the timezone itself
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001  # the same
    timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
RESULTS = st.builds(
    Result,
    route=TEXTS,
    cause=TEXTS,
    change=TEXTS,
    source=TEXTS,
    target=TEXTS,
    key=TEXTS,
    outcome=st.sampled_from(Outcome),
    time=TIMES,
    bytes=st.integers(),
    seconds=FINITE,
    lag=st.none() | FINITE,
    degraded=st.lists(TEXTS).map(tuple),
    note=TEXTS,
    error=TEXTS,
    retryable=st.booleans(),
    written=st.none() | TIMES,
)


def test_a_line_is_the_one_in_the_contract():
    assert list_line.line(COPIED) == (
        '{"time":"2026-11-21T09:15:00.123456Z","route":"photos","cause":"event-1","change":"created",'
        '"source":"s3://photos-eu/in/a b.jpg","target":"oci://photos-mirror@mytenancy/2026/a b.jpg","key":"in/a b.jpg",'
        '"outcome":"copied","bytes":1024,"seconds":0.12,"lag":1.9,"degraded":[],"note":"","error":"","retryable":false}'
    )


@given(RESULTS)
def test_every_result_comes_back_from_its_line(result):
    assert list_line.parse_line(list_line.line(result)) == result
    assert list_line.parse_line(list_line.line(result).encode()) == result


@given(RESULTS)
def test_every_line_is_one_line_of_printable_characters(result):
    text = list_line.line(result)
    assert len(text.splitlines()) == 1
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    more = ["written"] if result.written else []
    assert list(json.loads(text)) == [*json.loads(list_line.line(COPIED)), *more]


@pytest.mark.parametrize("key", AWKWARD)
def test_an_awkward_key_stays_on_its_line_and_comes_back(key):
    text = list_line.line(replace(COPIED, key=key))
    assert len(text.splitlines()) == 1
    assert text.isascii()
    assert list_line.parse_line(text).key == key


def test_letters_of_all_scripts_stay_readable():
    assert "fotos/straße/日本語/😀.jpg" in list_line.line(replace(COPIED, key="fotos/straße/日本語/😀.jpg"))


def test_two_surrogates_side_by_side_come_back_as_their_character():
    assert (
        list_line.parse_line(list_line.line(replace(COPIED, key="\ud83d\ude00"))).key == joined("\ud83d\ude00") == "😀"
    )


def test_a_time_elsewhere_is_written_in_utc():
    elsewhere = replace(COPIED, time=NOW.astimezone(timezone(timedelta(hours=8))))
    assert list_line.line(elsewhere) == list_line.line(COPIED)


def test_a_time_without_a_timezone_is_refused():
    with pytest.raises(ValueError, match="no timezone"):
        list_line.line(replace(COPIED, time=NOW.replace(tzinfo=None)))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_refused(seconds):
    with pytest.raises(ValueError, match="JSON compliant"):
        list_line.line(replace(COPIED, seconds=seconds))


def test_a_line_of_before_there_were_notes_has_none():
    members = json.loads(list_line.line(replace(COPIED, note="conflict")))
    del members["note"]
    assert list_line.parse_line(json.dumps(members)) == COPIED


def test_members_of_a_later_version_are_ignored():
    assert list_line.parse_line(list_line.line(COPIED)[:-1] + ',"colour":"blue"}') == COPIED


@pytest.mark.parametrize("name", [name for name in json.loads(list_line.line(COPIED)) if name != "note"])
def test_a_missing_member_is_named(name):
    members = json.loads(list_line.line(COPIED))
    del members[name]
    with pytest.raises(BadEvent, match=f"line 7: '{name}' is missing"):
        list_line.parse_line(json.dumps(members), where="line 7")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time", "yesterday"),
        ("time", "2026-11-21T09:15:00"),
        ("time", 5),
        ("time", "0001-01-01T00:00:00+23:00"),
        ("outcome", "lost"),
        ("bytes", True),
        ("bytes", 1.5),
        ("seconds", "1"),
        ("seconds", None),
        ("seconds", 10**400),
        ("lag", False),
        ("degraded", "tags"),
        ("degraded", [1]),
        ("retryable", 0),
        ("key", None),
        ("key", ["in/a"]),
    ],
)
def test_a_member_of_the_wrong_kind_is_a_bad_event(name, value):
    with pytest.raises(BadEvent, match="line 7: "):
        list_line.parse_line(json.dumps({**json.loads(list_line.line(COPIED)), name: value}), where="line 7")


@pytest.mark.parametrize(
    "text",
    ["", "\n", "nonsense", "[]", "null", "5", '"x"', "{}", "[" * 100_000, '{"a":', b"\xff\xfe{", b'{"key":"\xc3"}'],
)
def test_nonsense_is_a_bad_event(text):
    with pytest.raises(BadEvent, match="line 7: "):
        list_line.parse_line(text, where="line 7")


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_without_an_end_is_a_bad_event(number):
    with pytest.raises(BadEvent):
        list_line.parse_line(list_line.line(COPIED).replace("0.12", number))


@given(st.text() | st.binary())
def test_whatever_the_text_it_is_a_result_or_a_bad_event(text):
    with contextlib.suppress(BadEvent):
        assert isinstance(list_line.parse_line(text), Result)


# Writing.


def test_successes_and_failures_go_to_their_own_lists():
    store = MemoryStore(Address("s3", "ops-logs", prefix="oms_source_record/"))
    unfinished = replace(COPIED, outcome=Outcome.UNFINISHED)
    kept = [replace(COPIED, outcome=outcome) for outcome in (Outcome.UNCHANGED, Outcome.DELETED, Outcome.FORWARDED)]
    names = lists.write(store, [COPIED, FAILED, *kept, unfinished], invocation="7c30", now=NOW)
    assert names == (f"failed_object/{NAME}", f"success_object/{NAME}")
    assert store.body(names[0]).decode() == f"{list_line.line(FAILED)}\n{list_line.line(unfinished)}\n"
    assert list(lists.read(store, names[1])) == [COPIED, *kept]
    assert store.info(names[0]).meta.content_type == "application/x-ndjson"


@pytest.mark.parametrize(("result", "folder"), [(COPIED, "success_object"), (FAILED, "failed_object")])
def test_there_is_never_an_empty_list_and_one_costs_one_request(result, folder):
    store = MemoryStore()
    lists.write(store, iter([result]), invocation="7c30", now=NOW)
    assert store.calls == [("put", f"{folder}/{NAME}")]


def test_no_results_are_no_lists():
    store = MemoryStore()
    assert lists.write(store, [], invocation="7c30", now=NOW) == ()
    assert store.calls == []


def test_a_list_is_never_overwritten():
    store = MemoryStore()
    second = replace(COPIED, key="another")
    third = replace(COPIED, key="a third")
    names = [lists.write(store, [r], invocation="7c30", now=NOW)[0] for r in (COPIED, second, third)]
    assert names == [f"success_object/{NAME}"] + [f"success_object/{NAME[:-6]}.{n}.jsonl" for n in (2, 3)]
    assert [list(lists.read(store, name)) for name in names] == [[COPIED], [second], [third]]


def test_where_nothing_enforces_a_condition_no_two_lists_have_one_name_and_each_takes_one_request():
    store = MemoryStore(Address("s3", "unconditional-logs"), conditional=False)
    results = [replace(COPIED, key=f"key {number}") for number in range(20)]
    # Of a bucket of its own: what this process gives no second time, other tests may have given.
    names = [lists.write(store, [result], invocation="7c30", now=NOW)[0] for result in results]
    assert store.counts == {"put": 20}
    assert names[0] == f"success_object/{NAME}"
    assert sorted(names) == sorted(store.keys())
    assert all(name.startswith(f"success_object/{NAME[:-6]}.") and name.endswith(".jsonl") for name in names)
    assert [list(lists.read(store, name)) for name in names] == [[result] for result in results]


def test_our_own_write_whose_answer_was_lost_is_not_written_twice():
    store = MemoryStore()
    store.fail("put", TargetChanged("it is there: the store's client has sent it twice"), after=True)
    lists.write(store, [COPIED], invocation="7c30", now=NOW)
    assert store.keys() == [f"success_object/{NAME}"]


def test_a_name_that_is_taken_for_ever_is_an_error_and_not_an_endless_loop():
    store = MemoryStore()
    store.fail("put", TargetChanged("there is one"), times=1000)
    with pytest.raises(StoreUnavailable, match="s3://memory/success_object/2026/11/21"):
        lists.write(store, [COPIED], invocation="7c30", now=NOW)


def test_the_failures_are_written_first_and_an_error_of_the_store_is_not_swallowed():
    store = MemoryStore()
    store.fail("put", StoreUnavailable("503"), key=f"failed_object/{NAME}")
    with pytest.raises(StoreUnavailable):
        lists.write(store, [COPIED, FAILED], invocation="7c30", now=NOW)
    assert store.keys() == []


@given(any_text())
def test_any_invocation_id_makes_a_plain_name_of_bounded_length(invocation):
    store = MemoryStore()
    (name,) = lists.write(store, [COPIED], invocation=invocation, now=NOW)
    last = name.rpartition("/")[2]
    assert last.startswith("091500.123456Z-")
    assert last.isascii()
    assert len(last) <= 100
    assert set(last) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")


def test_the_day_of_a_list_is_the_day_in_utc():
    elsewhere = datetime(2026, 12, 31, 20, 0, tzinfo=timezone(timedelta(hours=-8)))
    (name,) = lists.write(MemoryStore(), [COPIED], invocation="7c30", now=elsewhere)
    assert name == "success_object/2027/01/01/040000.000000Z-7c30.jsonl"


# Reading.


def test_a_long_list_is_read_in_bounded_reads_and_in_order():
    store = MemoryStore()
    results = [replace(FAILED, key=f"{number:06d}-{'é' * 200}") for number in range(4000)]
    (name,) = lists.write(store, results, invocation="7c30", now=NOW)
    assert len(store.body(name)) > 2 * 1024 * 1024
    store.calls.clear()
    assert list(lists.read(store, name)) == results
    assert store.counts == {"look": 1, "read": 3}


def test_a_bad_line_is_named_by_its_list_and_number():
    store = MemoryStore()
    store.write("failed_object/x.jsonl", f"{list_line.line(FAILED)}\n\nnonsense\n".encode())
    reading = lists.read(store, "failed_object/x.jsonl")
    assert next(reading) == FAILED
    with pytest.raises(BadEvent, match=r"s3://memory/failed_object/x\.jsonl line 3: not JSON"):
        next(reading)


def test_a_list_without_its_last_line_end_is_read_whole():
    store = MemoryStore()
    store.write("x", f"{list_line.line(FAILED)}\r\n{list_line.line(COPIED)}".encode())
    assert list(lists.read(store, "x")) == [FAILED, COPIED]


def test_a_list_that_is_gone_is_said_to_be_gone():
    with pytest.raises(ObjectGone, match="s3://memory/x"):
        list(lists.read(MemoryStore(), "x"))


def test_an_object_without_lines_does_not_fill_the_memory():
    store = MemoryStore()
    store.write("x", b"x" * (5 * 1024 * 1024), Meta())
    with pytest.raises(BadEvent, match="more than"):
        list(lists.read(store, "x"))
    assert store.counts["read"] == 2
