"""Which routes meet: whose target leads back to its source."""

import pytest

from bucketrelay.model import Address, Change, ObjectEvent
from bucketrelay.routes import ANY_BUCKET, Route, plan
from bucketrelay.routes.meeting import following, meeting, sharing
from bucketrelay.values import replace

PLACES = {name: Address("s3", name) for name in "abcd"}
DIAMOND = ("ab", "ac", "bd", "cd")
INNER = {"a-in": Address("s3", "a", prefix="in/"), "a-out": Address("s3", "a", prefix="out/")}


def met(*ways):
    """The ways that meet others, of the given ones: "a>b" is a route from a to b, "a>b,c" one to both."""
    stores = PLACES | INNER
    pairs = [way.split(">") for way in ways]
    routes = [
        Route(way, stores[source], source, tuple(to.split(","))) for way, (source, to) in zip(ways, pairs, strict=True)
    ]
    return [f"{route.source_store}>{name}" for route in meeting(routes, stores) for name in sorted(route.meets)]


@pytest.mark.parametrize(
    ("ways", "meet"),
    [
        (["a>b"], []),
        (["a>b,c", "b>d"], []),
        (["a>b", "b>a"], ["a>b", "b>a"]),
        (["a>b", "b>c", "c>a"], ["a>b", "b>c", "c>a"]),
        (["a>b,d", "b>c", "c>a"], ["a>b", "b>c", "c>a"]),  # the side branch comes back by nobody
        (["a>b", "a>c", "b>d", "c>d"], []),
        (["a-in>b", "b>a-in"], ["a-in>b", "b>a-in"]),
        (["a-in>b", "b>a-out"], []),
        (["a-in>b", "b>a"], ["a-in>b", "b>a"]),  # the keys may lie in there
    ],
)
def test_what_leads_back_to_its_source_meets_and_nothing_else_does(ways, meet):
    assert met(*ways) == meet


def test_routes_of_other_keys_lead_nowhere():
    def meet(*routes):
        return [route.name for route in meeting(routes, PLACES) if route.meets]

    # A diamond of one folder beside facing routes of another, between the same buckets.
    diamond = [Route(f"{one}{to}", PLACES[one], one, (to,), include=("docs/**",), shared=True) for one, to in DIAMOND]
    facing = [Route(f"{one}{to}", PLACES[one], one, (to,), include=("photos/**",)) for one, to in ("bd", "db")]
    back = Route("back", PLACES["d"], "d", ("a",), include=("**/*.txt",))

    assert meet(*diamond, *facing) == ["bd", "db"]
    assert meet(*diamond, *facing, back) == ["ab", "ac", "bd", "cd", "bd", "db", "back"]
    assert meet(*diamond, *facing, replace(back, exclude=("docs/**",))) == ["bd", "db"]
    assert meet(*diamond, *facing, replace(back, add_prefix="old/")) == ["bd", "db"]
    assert meet(*diamond, *facing, replace(back, strip_prefix="docs/", add_prefix="docs/x/")) == [
        "ab", "ac", "bd", "cd", "bd", "db", "back",
    ]  # fmt: skip


def test_routes_that_lengthen_keys_for_ever_are_followed_to_an_end():
    routes = [
        Route("1", PLACES["a"], "a", ("b",)),
        Route("2", PLACES["b"], "b", ("c",), add_prefix="x/"),
        Route("3", PLACES["c"], "c", ("b",), add_prefix="y/"),
    ]

    assert [sorted(route.meets) for route in meeting(routes, PLACES)] == [[], ["c"], ["b"]]


def test_a_route_of_any_bucket_meets_nobody():
    route = Route("any", Address("s3", ANY_BUCKET), "any", ("b",))

    assert meeting([route], PLACES)[0].meets == frozenset()


def test_the_tasks_of_a_route_know_whether_it_meets_others():

    forth, back = Route("1", PLACES["a"], "a", ("b", "c")), Route("2", PLACES["b"], "b", ("a",))
    tasks = plan(ObjectEvent("s3", "a", "k", Change.CREATED), meeting([forth, back], PLACES))

    assert [(task.target, task.meets) for task in tasks] == [("b", True), ("c", False)]


def test_what_follows_a_change_of_a_target_are_the_tasks_of_the_routes_that_begin_there():
    routes = [
        Route("1", PLACES["a"], "a", ("b",), add_prefix="x/"),
        Route("2", PLACES["b"], "b", ("a", "c"), include=("x/**",), strip_prefix="x/"),
        Route("3", PLACES["b"], "b", ("d",), exclude=("x/**",)),
        Route("4", PLACES["c"], "c", ("d",)),
    ]
    (forth, *_) = plan(ObjectEvent("s3", "a", "k", Change.CREATED), routes)
    back = [(task.route, task.key, task.target, task.target_key) for task in following(forth, routes, PLACES)]

    assert back == [("2", "x/k", "a", "k"), ("2", "x/k", "c", "k")]


def test_the_routes_that_share_a_key_of_a_target_are_found_whatever_they_call_it():
    stores = PLACES | {"b-in": Address("s3", "b", prefix="in/")}
    routes = [
        Route("1", PLACES["a"], "a", ("b",), shared=True),
        Route("2", PLACES["c"], "c", ("d", "b-in"), strip_prefix="x/", shared=True),
        Route("3", PLACES["d"], "d", ("b",), add_prefix="in/", shared=True),
        Route("other keys", PLACES["d"], "d", ("b",), add_prefix="out/", shared=True),
        Route("filtered", PLACES["d"], "d", ("b",), exclude=("in/k",), shared=True),
        Route("among the lists", PLACES["d"], "d", ("b",), shared=True, shut=(("b", "in/"),)),
        Route("its own", PLACES["d"], "d", ("b",)),
        Route("any", Address("s3", ANY_BUCKET), "any", ("b",), shared=True),
        Route("nowhere", PLACES["a"], "a", ("gone",), shared=True),
    ]
    (task,) = plan(ObjectEvent("s3", "a", "in/k", Change.CREATED), routes[:1])
    found = [(each.route, each.key, each.target, each.target_key) for each in sharing(task, routes, stores)]

    assert found == [("1", "in/k", "b", "in/k"), ("2", "x/k", "b-in", "k"), ("3", "k", "b", "in/k")]
