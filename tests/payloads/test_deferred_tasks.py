"""What one invocation hands to the next comes back as it was, in any cloud and any envelope, or is refused."""

import json
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.errors import BadEvent
from bucketrelay.events import Deferral, parse
from bucketrelay.events.deferral import payloads
from bucketrelay.model import Change
from payloads.event_builders import failure, record, records, refusal, sqs

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=timezone.utc)
ONE = Deferral("photos", "in/a b+%2B ü.jpg", "mirror", cause="evt-1", time=NOON, size=7, attempt=3, differs=True)
DROP = object()

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
keys = names.filter(lambda key: len(key.encode()) <= 1024)
changes = st.sampled_from([Change.CREATED, Change.REMOVED])
hints = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.none() | st.datetimes(timezones=st.just(timezone.utc))
sizes = st.none() | st.integers(0, 1 << 62)
deferrals = st.builds(Deferral, names, keys, hints, hints, changes, hints, times, sizes, st.integers(1, 1000))


def payload(*some):
    ((_, text),) = payloads(some)
    return text


def told(**changed):
    """The payload of one task with some members replaced."""
    task = {"route": "photos", "key": "k", "target": "mirror", "change": "created", "attempt": 1} | changed
    return {"bucketrelay": {"version": 1, "tasks": [{n: v for n, v in task.items() if v is not DROP}]}}


@given(some=st.lists(deferrals, min_size=1, max_size=20), limit=st.integers(1, 2000))
def test_any_deferrals_come_back_in_order_in_payloads_that_stay_within_the_limit(some, limit):
    made = list(payloads(some, limit=limit))

    assert [one for _, text in made for one in parse(text).deferrals] == some
    assert [count for count, _ in made] == [len(parse(text).deferrals) for _, text in made]
    assert all(len(text) <= limit or count == 1 for count, text in made)


def test_the_longest_tasks_fit_an_asynchronous_call_of_functiongraph():
    some = [Deferral("r" * 100, "é" * 512, "t" * 100, cause="c" * 100, time=NOON, size=1 << 62)] * 1000
    made = list(payloads(some))

    assert sum(count for count, _ in made) == 1000
    assert max(len(text) for _, text in made) < 256 * 1024


def test_nothing_to_defer_is_no_payload():
    assert list(payloads([])) == []


@pytest.mark.parametrize("cloud", ["s3", "obs", "oci", None])
def test_every_entrypoint_knows_the_tasks_of_an_earlier_invocation(cloud):
    found = parse(payload(ONE), cloud=cloud)

    assert (found.kind, found.deferrals, found.events) == ("tasks", (ONE,), ())


@pytest.mark.parametrize(
    ("cloud", "kind", "around"),
    [
        ("s3", "tasks", failure),
        ("obs", "tasks", lambda inner: {"request_context": {"request_id": "r"}, "request_payload": inner}),
        ("obs", "tasks", lambda inner: {"request_context": {}, "request_payload": json.dumps(inner)}),
        ("s3", "sqs", lambda inner: sqs(json.dumps(failure(inner)))),
        ("oci", "direct", lambda inner: [inner]),
    ],
)
def test_tasks_that_failed_come_back_in_the_envelopes_of_their_platform(cloud, kind, around):
    found = parse(around(json.loads(payload(ONE))), cloud=cloud)

    assert (found.kind, found.deferrals) == (kind, (ONE,))
    assert found.errors == ()


def test_tasks_beside_records_lose_neither():
    inner = json.loads(payload(ONE))
    (message,) = parse(sqs(json.dumps([inner, records(record("x"))])), cloud="s3").messages

    assert message.deferrals == (ONE,)
    assert [event.key for event in message.events] == ["x"]


def test_a_bad_task_costs_its_neighbours_nothing():
    spoilt = json.loads(payload(ONE, ONE))
    del spoilt["bucketrelay"]["tasks"][0]["route"]
    found = parse(spoilt)

    assert found.deferrals == (ONE,)
    assert "record 1 of 2: route is missing" in found.errors[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"route": DROP}, "route is missing"),
        ({"route": "r" * 1025}, "more than 1,024 characters"),
        ({"route": 7}, "route is a number"),
        ({"target": ""}, "target is empty"),
        ({"key": ""}, "key is empty"),
        ({"key": "é" * 513}, "no store takes more than 1,024"),
        ({"key": "\ud800"}, "lone surrogate"),
        ({"change": "ignored"}, "neither created nor removed"),
        ({"change": DROP}, "change is missing"),
        ({"attempt": 0}, "attempt"),
        ({"attempt": -1}, "attempt"),
        ({"attempt": True}, "attempt"),
        ({"attempt": 10**30}, "attempt"),
        ({"attempt": DROP}, "attempt"),
    ],
)
def test_a_task_that_is_not_one_of_ours_is_refused_by_name(changed, words):
    assert words in refusal(told(**changed))


@pytest.mark.parametrize("version", [None, 2, "1", True, 1.5, [], {}])
def test_another_version_is_refused(version):
    assert "bucketrelay.version is" in refusal({"bucketrelay": {"version": version, "tasks": [{}]}})


@pytest.mark.parametrize("some", [None, [], {}, "x", [None], [[]]])
def test_no_tasks_are_refused(some):
    assert "check which service" in refusal({"bucketrelay": {"version": 1, "tasks": some}})


@pytest.mark.parametrize("ours", [None, 1, [], "x", {}])
def test_a_payload_that_only_has_our_name_is_refused(ours):
    assert "bucketrelay.version is null" in refusal({"bucketrelay": ours})


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10)
members = ["route", "key", "target", "source", "change", "cause", "time", "size", "attempt", "differs"]
anything = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)


@given(changed=st.dictionaries(st.sampled_from(members), anything | st.just(DROP), max_size=4))
def test_whatever_a_task_says_it_is_read_within_bounds_or_refused_in_one_line(changed):
    try:
        found = parse(told(**changed))
    except BadEvent as error:
        line = str(error)
        assert line.encode()
        assert "\n" not in line
        return
    (one,) = found.deferrals
    assert 1 <= len(one.key.encode()) <= 1024
    assert 1 <= len(one.route) <= 1024
    assert one.change in (Change.CREATED, Change.REMOVED)
    assert one.attempt >= 1
    assert one.size is None or one.size >= 0
