"""Routes looked at together: what can write one key, what comes back, and which buckets are one."""

import itertools
from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bucketrelay.config import load
from bucketrelay.errors import ConfigError
from bucketrelay.model import Address, Change, ObjectEvent
from bucketrelay.routes import Route, plan
from bucketrelay.routes.globs import beginning, glob
from bucketrelay.routes.places import identity, names, same_bucket
from bucketrelay.routes.relations import meetings
from bucketrelay.values import fields

STORES = {name: Address("s3", name, endpoint="aws") for name in "abcdt"}


def route(source, *targets, stores=STORES, name="", **rule):
    return Route(name or f"{source}-{targets[0]}", stores[source], source, targets, **rule)


def texts(*routes, stores=STORES):
    return [meeting.text for meeting in meetings(routes, stores)]


# F3: two routes that can write one key.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({"add_prefix": "x/"}, {"add_prefix": "x/y/"}),
        ({"include": ("in/*.jpg",)}, {"include": ("in/*.png",)}),  # the filters' fixed beginnings do not rule it out
        ({"include": ("in/a/**", "b/**")}, {"include": ("c/**", "b/d/*")}),
        ({"strip_prefix": "in/"}, {"strip_prefix": "out/"}),
        ({"include": (r"in/\*x/*",)}, {"include": ("in/?x/*",)}),
    ],
)
def test_two_routes_that_can_write_one_key_are_a_mistake_that_names_both(one, other):
    (text,) = texts(route("a", "t", **one), route("b", "t", **other))

    assert text.startswith('routes "a-t" and "b-t" can write the same keys of "t"')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"add_prefix": "x/"}, {"add_prefix": "y/"}),
        ({"include": ("in/**",)}, {"include": ("out/**",)}),
        ({"include": ("x/**",), "strip_prefix": "x/", "add_prefix": "p/"}, {"include": ("x/**",)}),
        ({"exclude": ("in/**",)}, {"include": ("in/**",)}),
        ({"strip_prefix": "in/", "include": ("out/**",)}, {}),
        ({"shared": True}, {"shared": True}),
    ],
)
def test_routes_whose_keys_begin_differently_or_that_say_shared_may_have_one_target(one, other):
    assert texts(route("a", "t", **one), route("b", "t", **other)) == []


@pytest.mark.parametrize(("one", "other"), [(True, False), (False, True)])
def test_shared_has_to_be_said_on_both(one, other):
    assert len(texts(route("a", "t", shared=one), route("b", "t", shared=other))) == 1


def test_one_place_under_two_stores_names_is_one_target():
    stores = {**STORES, "t2": Address("s3", "t", prefix="x/", endpoint="aws")}

    assert len(texts(route("a", "t", stores=stores), route("b", "t2", stores=stores), stores=stores)) == 1
    assert "names it twice" in texts(route("a", "t", "t2", stores=stores), stores=stores)[0]


# F12: cycles.


def test_routes_that_face_each_other_and_rings_may_be():
    assert texts(route("a", "b"), route("b", "a")) == []
    assert texts(route("a", "b"), route("b", "c"), route("c", "a")) == []
    assert texts(route("a", "b", add_prefix="x/"), route("b", "a", strip_prefix="x/")) == []
    ring = [route("a", "b", add_prefix="x/"), route("b", "c", add_prefix="y/"), route("c", "a", strip_prefix="y/x/")]
    assert texts(*ring) == []


def test_a_ring_through_prefixes_of_stores_may_be():
    stores = {"a": Address("s3", "p", prefix="in/", endpoint="aws"), "b": STORES["b"]}

    assert texts(route("a", "b", stores=stores), route("b", "a", stores=stores), stores=stores) == []


@pytest.mark.parametrize(
    "routes",
    [
        [route("a", "b", add_prefix="x/"), route("b", "a")],
        [route("a", "b"), route("b", "c"), route("c", "a", add_prefix="x/")],
        [route("a", "b", strip_prefix="x/"), route("b", "a", strip_prefix="x/")],
        [route("a", "b", include=("in/**",)), route("b", "a", strip_prefix="in/", add_prefix="in/new/")],
    ],
)
def test_a_cycle_that_renames_keys_is_a_mistake_that_names_its_routes(routes):
    (text,) = texts(*routes)

    assert all(route.name in text for route in routes)
    assert "comes back with" in text


def test_a_cycle_that_the_filters_end_is_none():
    forth, back = route("a", "b", include=("in/**",)), route("b", "a", add_prefix="out/")

    assert texts(forth, back) == []


def test_a_renaming_ring_inside_of_a_larger_graph_is_found():
    routes = [route(a, b, shared=True) for a, b in itertools.permutations("abc", 2)]
    routes[0] = route("a", "b", add_prefix="x/", shared=True)

    assert any("comes back with" in text for text in texts(*routes))
    assert texts(*(route(a, b, shared=True) for a, b in itertools.permutations("abcd", 2))) == []


# The proof: small worlds, every key followed through every route.

NAMES = st.sampled_from(["", "x/", "y/", "x/y/"])
FILTERS = st.sampled_from([(), ("x/**",), ("y/**",), ("x/*",), ("*",), ("**/a",), ("x/y/**", "a")])
RULES = st.fixed_dictionaries(
    {
        "include": FILTERS,
        "exclude": st.sampled_from([(), ("x/**",), ("y/*",)]),
        "strip_prefix": NAMES,
        "add_prefix": NAMES,
    }
)
ENDS = st.permutations("abc").map(lambda names: names[:2])
KEYS = ["".join(parts) + "a" for n in range(4) for parts in itertools.product(("x/", "y/"), repeat=n)]
PREFIXES = st.tuples(*[st.sampled_from(["", "x/"])] * 3)


def written(key, bucket, known):
    """Which keys of which buckets the routes write for one key, each with its origin."""
    return [
        (task.target, known[task.target].prefix + task.target_key)
        for task in plan(ObjectEvent("s3", bucket, key, Change.CREATED), known["routes"])
    ]


def followed(routes, stores):
    """What each original key becomes, through however many routes: at most a few steps, as in life."""
    known = {**stores, "routes": routes}
    for bucket in stores:
        for key in KEYS:
            seen = {(bucket, key)}
            todo = list(seen)
            for _ in range(4):
                todo = [end for at, name in todo for end in _written(name, at, known) if end not in seen]
                seen.update(todo)
            yield (bucket, key), seen


def taken(route, key):
    return key.startswith(route.source.prefix) and route.takes(key[len(route.source.prefix) :])


def _written(key, bucket, known):
    sources = [route for route in known["routes"] if route.source.bucket == bucket]
    return written(key, bucket, {**known, "routes": sources}) if sources else []


@given(st.lists(st.tuples(ENDS, RULES), min_size=1, max_size=3), PREFIXES)
def test_where_no_mistake_is_found_no_key_is_written_by_two_and_none_comes_back_under_another_name(drawn, prefixes):
    stores = {n: Address("s3", n, prefix=p, endpoint="aws") for n, p in zip("abc", prefixes, strict=True)}
    routes = [route(*ends, stores=stores, name=f"r{i}", **rule) for i, (ends, rule) in enumerate(drawn)]
    assume(meetings(routes, stores) == [])

    for (bucket, key), seen in followed(routes, stores):
        others = {name for at, name in seen if at == bucket} - {key}
        for each in (each for each in routes if each.source.bucket == bucket and taken(each, key)):
            assert not any(taken(each, name) for name in others)
    writers = {}
    for each in routes:
        for key in KEYS:
            for end in written(key, each.source.bucket, {**stores, "routes": [each]}):
                assert writers.setdefault(end, (each.name, key)) == (each.name, key), end


@given(ENDS, RULES.map(lambda rule: {**rule, "include": (), "exclude": ()}))
def test_where_there_are_no_filters_nothing_but_what_is_one_is_found(ends, rule):
    forth, back = route(*ends, **rule), route(*ends[::-1], name="back", strip_prefix=rule["add_prefix"])
    opposite = Route(**{**_fields(back), "add_prefix": rule["strip_prefix"]})

    assert texts(forth, opposite) == []


def _fields(route):
    return {one.name: getattr(route, one.name) for one in fields(route) if one.init}


@given(st.sampled_from(["x/**", "**", "a?b", "{a,b}c", r"a\*b", "a[bc]", "x/y", "x/"]), st.text("axyb/*c", max_size=5))
def test_what_a_pattern_matches_begins_with_its_fixed_beginning(pattern, key):
    assert not glob(pattern).matches(key) or key.startswith(beginning(pattern))


def test_the_fixed_beginning_of_a_pattern():
    found = [beginning(pattern) for pattern in ("in/**/*.jpg", r"a\*b?", "{a,b}", "x[yz]", "x/", "**/x", "all")]

    assert found == ["in/", "a*b", "", "x", "x/", "", "all"]


# F8, F18: which buckets are one.

OCI = Address("oci", "photos", "ns", endpoint="us-ashburn-1")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (OCI, Address("oci", "photos", "ns", endpoint="eu-frankfurt-1"), False),
        (OCI, Address("oci", "photos", "ns"), True),  # which region that is nobody has said
        (OCI, Address("oci", "photos", "other", endpoint="us-ashburn-1"), False),
        (OCI, Address("oci", "photos", "ns", endpoint="127.0.0.1:1"), False),
        (Address("s3", "p", endpoint="aws"), Address("s3", "p", endpoint="aws-cn"), False),
        (Address("s3", "p", endpoint="aws"), Address("s3", "p"), True),
        (Address("s3", "p"), Address("s3", "p", endpoint="minio:9000"), False),
        (Address("s3", "p", endpoint="minio:9000/a"), Address("s3", "p", endpoint="minio:9000/b"), False),
        (Address("s3", "p", endpoint="huawei"), Address("obs", "p", endpoint="huawei"), True),
        (Address("s3", "p", endpoint="h:1"), Address("obs", "p", endpoint="h:1"), True),
        (Address("obs", "p", endpoint="huawei"), Address("obs", "p", endpoint="obs.eu-de.otc.t-systems.com"), False),
        (Address("s3", "p"), Address("obs", "p"), False),
        (Address("file", "/d"), Address("file", "/d/e"), True),
    ],
)
def test_a_bucket_is_told_apart_by_partition_region_namespace_and_server(one, other, same):
    assert same_bucket(one, other) is same
    assert same_bucket(other, one) is same


def test_one_object_has_one_identity_however_its_bucket_is_written():
    assert identity(Address("s3", "p", endpoint="huawei"), "k") == identity(Address("obs", "p", endpoint="huawei"), "k")
    assert identity(Address("s3", "p", endpoint="h:1"), "k") == identity(Address("obs", "p", endpoint="h:1"), "k")
    assert identity(Address("s3", "p", endpoint="aws"), "k") == identity(Address("s3", "p"), "k")


def test_equal_names_in_two_regions_partitions_and_clouds_are_two_identities():
    places = [
        OCI,
        Address("oci", "photos", "ns", endpoint="eu-frankfurt-1"),
        *(Address("s3", "photos", endpoint=realm) for realm in ("aws", "aws-cn", "h:1", "h:1/a", "huawei")),
        Address("obs", "photos", endpoint="huawei-eu"),
    ]

    assert len({identity(place, "k") for place in places}) == len(places)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (OCI, Address("oci", "photos", "ns")),
        (Address("s3", "p", endpoint="aws-cn"), Address("s3", "p")),
        (Address("s3", "p", endpoint="h:1/path"), Address("s3", "p", endpoint="h:1")),
        (Address("obs", "p", endpoint="127.0.0.1:1"), Address("obs", "p")),
    ],
)
def test_what_stamps_called_an_object_before_is_still_known(now, before):
    place = f"{before.scheme}://{before.endpoint}/{before.namespace}/{before.bucket}/k"

    assert names(now, "k")[1] == (sha256(place.encode()).hexdigest()[:12],)


@pytest.mark.parametrize("place", [Address("s3", "p", endpoint="aws"), Address("s3", "p", endpoint="h:1")])
def test_what_is_called_as_before_has_no_former_name(place):
    assert names(place, "k")[1] == ()
    assert names(Address("obs", "p", endpoint="huawei"), "k")[1] == ()


# In the file.


def world(*routes, stores=("a", "b", "c", "t")):
    lines = ['log = "log"', '[stores.log]\nurl = "s3://lists"']
    lines += [f'[stores.{name}]\nurl = "s3://{name}"' for name in stores]
    for source, target, extra in routes:
        lines += [f'[[routes]]\nname = "{source}-{target}"\nsource = "{source}"\ntargets = ["{target}"]\n{extra}']
    return "\n".join(lines)


def mistakes(text):
    with pytest.raises(ConfigError) as refused:
        load(text, {})
    return refused.value.mistakes


def test_routes_that_meet_are_mistakes_with_their_path_in_the_file():
    (overlap,) = mistakes(world(("a", "t", ""), ("b", "t", "shared = true")))
    (cycle,) = mistakes(world(("a", "b", 'add_prefix = "x/"'), ("b", "a", "")))

    assert overlap.startswith('routes[1].targets[0]: routes "a-t" and "b-t" can write the same keys of "t"')
    assert cycle.startswith('routes[0].targets[0]: routes "a-b" and "b-a" lead back to where they began')


def test_routes_that_say_shared_are_read():
    assert [r.shared for r in load(world(("a", "t", "shared = true"), ("b", "t", "shared = true")), {}).routes] == [
        True,
        True,
    ]


def test_one_bucket_name_in_two_regions_of_oci_is_two_buckets():
    text = world(("a", "b", "")).replace('"s3://a"', '"oci://p@ns"\nregion = "us-ashburn-1"')
    text = text.replace('"s3://b"', '"oci://p@ns"\nregion = "eu-frankfurt-1"')

    assert load(text, {}).routes[0].targets == ("b",)
    assert "feed itself" in mistakes(text.replace("eu-frankfurt-1", "iad"))[0]
