"""A task that comes from another invocation is planned anew: what somebody made up never leaves the routes."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.model import Address, Change, Deletes, ObjectEvent
from bucketrelay.routes import ANY_BUCKET, NotASource, NotPlanned, Route, plan, replan

PLACES = [
    Address("s3", "photos"),
    Address("s3", "photos", prefix="in/"),
    Address("obs", "photos"),
    Address("oci", "photos", "ns"),
    Address("obs", ANY_BUCKET),
]
LOG = Address("obs", "logs", prefix="lists/")
KEYS = ["a", "in/a", "in/in/a", "b.tmp", "in/b.tmp", "../a", "in/", "lists/x", "", "é" * 512, "*", "a\nb"]

keys = st.sampled_from(KEYS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
globs = st.lists(st.sampled_from(["**", "*", "in/**", "**/*.tmp", "*.tmp"]), max_size=2).map(tuple)
rules = st.fixed_dictionaries(
    {
        "source": st.sampled_from(PLACES),
        "include": globs,
        "exclude": globs,
        "strip_prefix": st.sampled_from(["", "in/"]),
        "add_prefix": st.sampled_from(["", "2026/"]),
        "deletes": st.sampled_from(Deletes),
        "strict": st.booleans(),
        "max_deletes": st.integers(1, 5),
    }
)
ends = st.just({"targets": ("x", "y")}) | st.just({"targets": ("y",)}) | st.just({"forward": "oms"})
changes = st.sampled_from([Change.CREATED, Change.REMOVED])


def built(chosen):
    return [
        Route(name=f"r{number}", source_store=f"s{number}", ignores=(LOG,), **rule, **end)
        for number, (rule, end) in enumerate(chosen)
    ]


routes_ = st.lists(st.tuples(rules, ends), min_size=1, max_size=3).map(built)
events = st.builds(
    ObjectEvent,
    st.sampled_from(["s3", "obs", "oci"]),
    st.sampled_from(["photos", "logs", "strangers"]),
    keys,
    changes,
    time=st.none() | st.just(datetime(2026, 11, 21, tzinfo=timezone.utc)),
    cause=st.sampled_from(["", "evt-1"]),
    size=st.none() | st.integers(0, 9),
).map(lambda event: replace(event, namespace="ns") if event.cloud == "oci" else event)


def planned(event, routes):
    try:
        return plan(event, routes)
    except NotASource:
        return ()


@given(event=events, routes=routes_)
def test_what_was_planned_is_planned_the_same_again(event, routes):
    for task in planned(event, routes):
        again = replan(task.route, task.key, task.target, routes, change=task.change, source=task.source)
        assert replace(again, cause=task.cause, time=task.time, size=task.size) == task


SOURCES = ["", "obs://photos", "obs://logs", "obs://*", "s3://photos", "obs://a/b", "obs://a@ns", "file:///etc", "x"]
words = st.sampled_from(["r0", "r1", "r2", "x", "y", "z", "oms", "s0", "", "photos"]) | st.text(max_size=3)


@given(route=words, key=keys, target=words, source=st.sampled_from(SOURCES), change=changes, routes=routes_)
def test_whatever_is_made_up_touches_nothing_that_an_event_could_not(route, key, target, source, change, routes):
    try:
        task = replan(route, key, target, routes, change=change, source=source)
    except NotPlanned:
        return
    rule = next(known for known in routes if known.name == task.route)
    place = rule.source
    bucket = task.source.partition("://")[2].partition("@")[0] if place.bucket == ANY_BUCKET else place.bucket
    namespace = task.source.partition("@")[2] if place.bucket == ANY_BUCKET else place.namespace
    event = ObjectEvent(place.scheme, bucket, place.prefix + task.key, change, namespace)
    assert task in plan(event, [rule])


RULE = Route("photos", Address("s3", "b", prefix="p/"), "photos", ("mirror",), include=("in/**",))


@pytest.mark.parametrize(
    ("route", "key", "target", "words"),
    [
        ("other", "in/a", "mirror", "no route is named 'other'"),
        ("photos", "in/a", "logs", "does not bring 'in/a' to 'logs'"),
        ("photos", "in/a", "", "to its forward"),
        ("photos", "out/a", "mirror", "filters or targets have changed"),
        ("photos", "", "mirror", "filters or targets have changed"),
        ("x" * 5000, "in/a", "mirror", "no route is named"),
        ("a\nb", "in/a", "mirror", r"named 'a\\nb'"),
    ],
)
def test_a_refusal_says_what_the_routes_do_not_have(route, key, target, words):
    with pytest.raises(NotPlanned, match=words) as caught:
        replan(route, key, target, [RULE])

    assert len(str(caught.value)) < 400
    assert not caught.value.retryable


def test_a_directory_sends_no_events_and_has_tasks_all_the_same():
    """A reconciliation makes them; replays and workers plan them anew."""
    local = Route("l", Address("file", "/etc"), "l", ("mirror",))
    task = replan("l", "a", "mirror", [local])
    assert (task.source, task.key, task.target, task.target_key) == ("l", "a", "mirror", "a")
