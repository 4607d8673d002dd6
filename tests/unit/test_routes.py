"""What an event is turned into, and which keys a filter means."""

from datetime import datetime, timezone

import pytest

from bucketrelay.model import Address, Change, Deletes, ObjectEvent, Task
from bucketrelay.routes import (
    ANY_BUCKET,
    NotASource,
    Route,
    UnclearCloud,
    is_in_log_folders,
    plan,
    reasons_against,
    resolve,
)
from bucketrelay.routes.log_folders import FOLDERS, log_folders

SOURCE = Address("s3", "photos-eu")
NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


def event(key="in/a b.jpg", **changed):
    given = {"cloud": "s3", "bucket": "photos-eu", "key": key, "change": Change.CREATED}
    return ObjectEvent(**{**given, **changed})


def route(**changed):
    given = {"name": "photos", "source": SOURCE, "source_store": "photos", "targets": ("mirror",)}
    return Route(**{**given, **changed})


def test_one_event_is_one_task_for_each_target_of_each_route_in_order():
    routes = [route(name="a", targets=("x", "y")), route(name="b", targets=("z",))]

    assert [(t.route, t.target) for t in plan(event(), routes)] == [("a", "x"), ("a", "y"), ("b", "z")]


def test_a_task_carries_all_that_the_event_and_the_route_say():
    given = event(change=Change.REMOVED, time=NOON, cause="evt-1", size=7)
    rule = route(add_prefix="2026/", strip_prefix="in/", deletes=Deletes.FOLLOW, max_deletes=5, strict=True)

    assert plan(given, [rule]) == (
        Task(
            route="photos",
            source="photos",
            key="in/a b.jpg",
            target="mirror",
            target_key="2026/a b.jpg",
            change=Change.REMOVED,
            deletes=Deletes.FOLLOW,
            strict=True,
            max_deletes=5,
            cause="evt-1",
            time=NOON,
            size=7,
        ),
    )


def test_a_forward_is_one_task_without_a_target():
    (task,) = plan(event(), [route(targets=(), forward="oms")])

    assert (task.forward, task.target, task.target_key, task.key) == ("oms", "", "", "in/a b.jpg")


@pytest.mark.parametrize("deletes", Deletes)
def test_a_removal_is_a_task_of_a_forward_that_keeps_too_which_then_says_so(deletes):
    (task,) = plan(event(change=Change.REMOVED), [route(targets=(), forward="hook", deletes=deletes)])

    assert (task.change, task.deletes) == (Change.REMOVED, deletes)


def test_a_removal_is_looked_into_for_a_target_even_where_deletes_are_kept():
    assert len(plan(event(change=Change.REMOVED), [route()])) == 1


def test_a_bucket_that_no_route_has_as_its_source_is_refused_with_its_name_and_the_remedy():
    with pytest.raises(NotASource, match=r"bucket s3://strangers as its source: add a route, or remove the event rule"):
        plan(event(bucket="strangers"), [route()])


def test_a_bucket_that_is_only_a_target_is_refused_like_any_other():
    with pytest.raises(NotASource, match="oci://mirror@ns"):
        plan(event(cloud="oci", bucket="mirror", namespace="ns"), [route(targets=("mirror",))])


def test_a_refusal_does_not_ask_to_be_tried_again():
    assert not NotASource.retryable


def test_the_same_bucket_name_in_another_cloud_is_another_bucket():
    with pytest.raises(NotASource, match="obs://photos-eu"):
        plan(event(cloud="obs"), [route()])


@pytest.mark.parametrize(
    ("configured", "said", "same"),
    [("ns", "ns", True), ("ns", "other", False), ("", "ns", True), ("ns", "", True), ("ns", "NS", False)],
)
def test_a_namespace_is_compared_where_both_sides_name_one(configured, said, same):
    routes = [route(source=Address("oci", "b", configured))]
    given = event(cloud="oci", bucket="b", namespace=said)

    if same:
        assert len(plan(given, routes)) == 1
    else:
        with pytest.raises(NotASource):
            plan(given, routes)


def test_bucket_names_are_compared_exactly():
    with pytest.raises(NotASource):
        plan(event(cloud="oci", bucket="photos"), [route(source=Address("oci", "Photos"))])


@pytest.mark.parametrize("key", ["out/x", "from-aw", "from-aws", "from-aws/", "FROM-AWS/x"])
def test_a_key_outside_of_the_store_is_nobodys_business(key):
    assert plan(event(key), [route(source=Address("s3", "photos-eu", prefix="from-aws/"))]) == ()


def test_keys_are_relative_to_the_store_for_filters_and_mapping():
    rule = route(
        source=Address("s3", "photos-eu", prefix="from-aws/"), include=("in/*",), strip_prefix="in/", add_prefix="n/"
    )

    (task,) = plan(event("from-aws/in/x"), [rule])

    assert (task.key, task.target_key) == ("in/x", "n/x")


def test_a_change_that_is_none_asks_for_nothing():
    assert plan(event(change=Change.IGNORED), [route()]) == ()


def test_exclude_wins_over_include():
    rule = route(include=("in/**",), exclude=("**/*.tmp",))

    assert [bool(plan(event(key), [rule])) for key in ("in/a", "in/a.tmp", "x/a")] == [True, False, False]


def test_without_filters_every_key_is_taken():
    assert plan(event("a/../b?+%20ü\n"), [route()])[0].target_key == "a/../b?+%20ü\n"


@pytest.mark.parametrize(
    ("strip", "add", "key", "mapped"),
    [
        ("in/", "", "in/in/x", "in/x"),
        ("", "new/", "in/x", "new/in/x"),
        ("in/x", "", "in/x", ""),
    ],
)
def test_a_prefix_is_stripped_once_where_it_is_there_then_the_other_is_added(strip, add, key, mapped):
    assert route(strip_prefix=strip, add_prefix=add).target_key(key) == mapped


def test_a_key_that_no_store_can_hold_is_still_a_task_so_that_it_fails_aloud():
    (task,) = plan(event(), [route(add_prefix="x" * 1024)])

    assert task.key == "in/a b.jpg"
    assert task.target_key == "x" * 1024 + "in/a b.jpg"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("a", "it does not begin with strip_prefix 'in/'"),
        ("in/", "it is strip_prefix 'in/' and nothing else"),
        ("in/x.tmp", "exclude has '**/*.tmp'"),
        ("in/x.gif", "include has no pattern for it: '**/*.jpg', '**/*.tmp'"),
    ],
)
def test_a_key_that_is_not_a_routes_is_no_task_and_the_reason_is_told(key, why):
    rules = [route(strip_prefix="in/", include=("**/*.jpg", "**/*.tmp"), exclude=("**/*.tmp",))]
    rules[0] = rules[0] if key.endswith(("tmp", "gif")) else route(strip_prefix="in/")

    assert plan(event(key), rules) == ()
    assert reasons_against(event(key), rules) == [f"route photos: {why}"]


def test_no_two_keys_of_a_route_have_one_name_at_its_target():
    rule = route(strip_prefix="in/")
    tasks = [task for key in ("in/a", "a", "in/in/a", "in/") for task in plan(event(key), [rule])]

    assert [(task.key, task.target_key) for task in tasks] == [("in/a", "a"), ("in/in/a", "in/a")]


def test_a_key_outside_of_the_source_is_left_out_with_that_reason():
    rule = route(source=Address("s3", "photos-eu", prefix="from-aws/"))

    assert reasons_against(event("elsewhere"), [rule]) == [
        "route photos: it lies outside of the source, s3://photos-eu/from-aws"
    ]
    assert reasons_against(event("from-aws/k"), [rule]) == []


LOG = Address("s3", "ops-logs", prefix="lists/", endpoint="aws")


def logged(**changed):
    return route(ignores=log_folders(LOG), **changed)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("cloud", ["s3", "obs"])
def test_the_log_stores_own_folders_are_nobodys_business_whoever_delivers_their_events(folder, cloud):
    given = event(f"lists/{folder}2026/x.jsonl", bucket="ops-logs", cloud=cloud)

    assert plan(given, [logged()]) == ()
    assert is_in_log_folders(given, [logged()])
    assert reasons_against(given, [logged()]) == ["the log store's own folders are nobody's business"]


def test_what_lies_beside_the_own_folders_is_an_event_like_any_other():
    for key in ("lists/other", "success_object/x", "lists/success_objectx"):
        with pytest.raises(NotASource):
            plan(event(key, bucket="ops-logs"), [logged()])


def test_an_event_that_does_not_say_its_cloud_may_be_about_the_log_store_in_any():
    given = event("lists/verify/x", bucket="ops-logs", cloud="oci")

    assert is_in_log_folders(given, [logged()], any_cloud=True)
    assert not is_in_log_folders(given, [logged()])


def test_the_own_folders_inside_of_a_source_are_not_its_keys():
    rule = logged(source=LOG)

    assert [rule.takes(key) for key in ("success_object/x", "marks/x", "photos/x")] == [False, False, True]


def test_nothing_is_written_into_the_own_folders_of_a_log_store_at_a_target():
    rule = route(targets=("mirror", "other"), shut=(("mirror", "success_object/"),))

    assert [task.target for task in plan(event("success_object/x"), [rule])] == ["other"]
    assert [task.target for task in plan(event("x"), [rule])] == ["mirror", "other"]
    assert reasons_against(event("success_object/x"), [rule]) == ["route photos: at mirror it would be among the lists"]


def any_bucket(**changed):
    log = Address("obs", "ops-logs", prefix="oms_source_record/")
    return route(source=Address("obs", ANY_BUCKET), targets=(), forward="oms", ignores=(log,), **changed)


def test_where_any_bucket_is_the_source_the_task_says_which_it_was():
    (task,) = plan(event(cloud="obs", bucket="whichever"), [any_bucket()])

    assert task.source == "obs://whichever"


def test_where_any_bucket_is_the_source_it_is_still_of_that_cloud_alone():
    with pytest.raises(NotASource):
        plan(event(cloud="s3"), [any_bucket()])


def test_where_any_bucket_is_the_source_the_lists_do_not_call_the_function_again():
    key = "oms_source_record/success_object/2026/11/21/x.jsonl"

    assert plan(event(key, cloud="obs", bucket="ops-logs"), [any_bucket()]) == ()
    assert len(plan(event("other", cloud="obs", bucket="ops-logs"), [any_bucket()])) == 1
    assert len(plan(event(key, cloud="obs", bucket="photos"), [any_bucket()])) == 1


def test_the_only_source_with_the_bucket_tells_the_cloud():
    routes = [route(), route(source=Address("obs", "photos-cn")), route(source=Address("oci", "photos-us", "ns"))]

    assert resolve(event(bucket="photos-cn"), routes) == "obs"
    assert resolve(event(bucket="photos-eu"), routes) == "s3"


def test_two_routes_from_the_same_bucket_leave_no_doubt():
    assert resolve(event(), [route(name="a"), route(name="b")]) == "s3"


def test_the_same_bucket_in_two_clouds_is_doubt_and_doubt_is_an_error():
    with pytest.raises(UnclearCloud, match=r"s3://photos-eu and obs://photos-eu .*--as s3\|obs"):
        resolve(event(), [route(), route(source=Address("obs", "photos-eu"))])


def test_a_bucket_that_no_source_has_leaves_the_cloud_open():
    with pytest.raises(NotASource, match=r"bucket strangers .*--as s3\|obs\|oci"):
        resolve(event(bucket="strangers"), [route()])


def test_a_directory_of_the_same_name_is_no_cloud():
    with pytest.raises(NotASource):
        resolve(event(), [route(source=Address("file", "photos-eu"))])
