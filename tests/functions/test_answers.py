"""What must come again is said as each platform wants it; odd keys; events in any order. In the real runtimes."""

import json
from urllib.parse import quote_plus

import pytest

from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from functions.runtimes import FnRuntime, FunctionError, FunctionGraphRuntime, LambdaRuntime
from functions.three_clouds import NAMESPACE, ROOT, SOURCE, TARGET, Held, toml

OBJECT = Held(b"body", "text/plain", "", {})
ODD = [
    "with blanks and + plus",
    "100%",
    "%2F is no slash",
    "a//b",
    "/leading",
    "what?#fragment&more=1",
    'it\'s "quoted" `so`',
    "smile 😀/ünïcödé/中文",
    "ends in a slash/",
    "tab\tand\x01control",
    "line\nbreak\r",
    "<xml>&amp;</xml>",
    "../up/./and//down",
    "é" * 512,
]


def s3_event(*keys, name="ObjectCreated:Put", bucket=SOURCE):
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": name,
                "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}},
            }
            for key in keys
        ]
    }


def obs_event(*keys, name="ObjectCreated:Put", bucket=SOURCE):
    return {
        "Records": [
            {
                "eventVersion": "3.0",
                "eventSource": "OBS",
                "eventName": name,
                "obs": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="")}},
            }
            for key in keys
        ]
    }


def oci_event(*keys, name="createobject", bucket=SOURCE):
    return [
        {
            "eventType": f"com.oraclecloud.objectstorage.{name}",
            "eventID": "e-1",
            "data": {"resourceName": key, "additionalDetails": {"bucketName": bucket, "namespace": NAMESPACE}},
        }
        for key in keys
    ]


def sqs(*events):
    return {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": f"m{number}", "body": json.dumps(event)}
            for number, event in enumerate(events)
        ]
    }


EVENTS = {"s3": s3_event, "obs": obs_event, "oci": oci_event}


def invoke(clouds, cloud, event):
    """What the platform sees: (came to an end, what was said)."""
    try:
        answer = clouds.invoke(cloud, event)
    except FunctionError as error:
        return False, json.dumps(error.payload)
    return (answer["status"] == 200, str(answer["body"])) if cloud == "oci" else (True, json.dumps(answer))


def taken_by(cloud, key):
    """Whether a key with a line break can be there: OCI refuses it, moto's server cannot see it."""
    return cloud == "obs" or not set(key) & set("\n\r")


@pytest.mark.parametrize("cloud", EVENTS)
def test_odd_keys_arrive_under_their_own_names(clouds, cloud):
    keys = [key for key in ODD if taken_by(cloud, key)]
    for key in keys:
        clouds.views[cloud].write(SOURCE, key, OBJECT)
    invoke(clouds, cloud, EVENTS[cloud](*keys))

    for scheme, view in clouds.views.items():
        assert view.keys(TARGET) == sorted(key for key in keys if taken_by(scheme, key))
        assert {view.read(TARGET, key).body for key in view.keys(TARGET)} == {b"body"}
    named = {line["key"] for lines in clouds.lists().values() for line in lines}
    assert named == set(keys)


@pytest.mark.parametrize("cloud", EVENTS)
def test_a_key_too_long_to_exist_is_refused_and_touches_nothing(clouds, cloud):
    good, said = invoke(clouds, cloud, EVENTS[cloud]("é" * 513))

    assert not good
    assert "1,024" in said or "1024" in said
    assert all(view.keys(TARGET) == [] for view in clouds.views.values())


@pytest.mark.parametrize("cloud", EVENTS)
def test_an_event_of_a_bucket_that_nobody_configured_copies_nothing_and_the_platform_is_told(clouds, cloud):
    good, said = invoke(clouds, cloud, EVENTS[cloud]("k", bucket="somebody-elses"))

    assert not good
    assert "somebody-elses" in said
    assert "add a route" in said
    (line,) = clouds.lists()["failed_object"]
    assert (line["outcome"], line["key"], line["retryable"]) == ("failed", "k", False)
    assert all(view.keys(TARGET) == [] for view in clouds.views.values())


@pytest.mark.parametrize("cloud", EVENTS)
@pytest.mark.parametrize("payload", [{}, {"hello": "world"}, [1, 2], "text", {"Records": [{"s3": {}}]}, None])
def test_a_payload_that_is_no_event_is_refused_visibly(clouds, cloud, payload):
    good, said = invoke(clouds, cloud, payload)

    assert not good
    assert "check" in said  # the remedy
    assert clouds.lists() == {"success_object": [], "failed_object": []}


@pytest.mark.parametrize("cloud", EVENTS)
def test_one_target_down_leaves_the_others_their_object_and_is_made_good_when_the_event_comes_again(clouds, cloud):
    clouds.views[cloud].write(SOURCE, "k", OBJECT)
    target = "oci" if cloud == "obs" else "obs"
    faults = clouds.views[target].emulator.faults
    faults.order(Fault(operation="PutObject", kind="refuse", status=500, code="InternalError", times=ALWAYS))
    try:
        good, said = invoke(clouds, cloud, EVENTS[cloud]("k"))
    finally:
        faults.clear()

    assert not good
    assert f"{target}://target-bucket" in said
    assert {scheme for scheme, view in clouds.views.items() if view.keys(TARGET)} == set(EVENTS) - {target}
    (line,) = clouds.lists()["failed_object"]
    assert (line["target"].split(":")[0], line["retryable"]) == (target, True)
    assert len(clouds.lists()["success_object"]) == 2

    assert invoke(clouds, cloud, EVENTS[cloud]("k"))[0]
    assert all(view.read(TARGET, "k").body == b"body" for view in clouds.views.values())


def test_sqs_is_told_of_the_messages_that_failed_and_of_no_others(clouds):
    clouds.views["s3"].write(SOURCE, "good", OBJECT)
    answer = clouds.invoke("s3", sqs(s3_event("good"), s3_event("k", bucket="foreign"), "not json", s3_event("good")))

    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["m1", "m2"]
    assert clouds.views["obs"].keys(TARGET) == ["good"]


def test_batch_operations_are_told_what_to_try_again(clouds):
    def task(number, bucket):
        return {"taskId": number, "s3Key": "k", "s3BucketArn": f"arn:aws:s3:::{bucket}", "s3VersionId": None}

    clouds.views["s3"].write(SOURCE, "k", OBJECT)
    clouds.views["obs"].emulator.faults.order(Fault(operation="PutObject", status=500, code="InternalError"))
    asked = {"invocationSchemaVersion": "1.0", "invocationId": "i-1", "job": {"id": "j"}}
    answer = clouds.invoke("s3", {**asked, "tasks": [task("t1", SOURCE), task("t2", "foreign")]})

    codes = {result["taskId"]: result["resultCode"] for result in answer["results"]}
    assert codes == {"t1": "TemporaryFailure", "t2": "PermanentFailure"}


@pytest.mark.parametrize("cloud", EVENTS)
def test_events_late_doubled_and_in_the_wrong_order_end_with_the_target_equal_to_the_source(clouds, cloud):
    view, created, removed = (
        clouds.views[cloud],
        EVENTS[cloud],
        "deleteobject" if cloud == "oci" else "ObjectRemoved:Delete",
    )

    def equal():
        return all(
            {key: other.read(TARGET, key).body for key in other.keys(TARGET)}
            == {key: view.read(SOURCE, key).body for key in view.keys(SOURCE)}
            for other in clouds.views.values()
        )

    def tell(*events):
        for event in events:
            invoke(clouds, cloud, event)
        assert equal()

    view.write(SOURCE, "twice", Held(b"1", "a/b", "", {}))
    view.write(SOURCE, "twice", Held(b"2", "a/b", "", {}))
    tell(created("twice"), created("twice"), created("twice", "twice"))

    view.write(SOURCE, "late create", OBJECT)
    tell(created("late create"))
    view.remove(SOURCE, "late create")
    tell(created("late create"), removed_event(created, removed, "late create"))

    view.write(SOURCE, "late delete", OBJECT)
    tell(removed_event(created, removed, "late delete"))


def removed_event(make, name, key):
    return make(key, name=name)


@pytest.mark.parametrize("cloud", ["obs", "oci"])  # moto grants everything; S3's 403 is in tests/unit/stores
def test_a_403_from_the_source_deletes_nothing(clouds, cloud):
    view = clouds.views[cloud]
    view.write(SOURCE, "k", OBJECT)
    invoke(clouds, cloud, EVENTS[cloud]("k"))
    view.remove(SOURCE, "k")
    fault = Fault(operation="GetObject", kind="refuse", status=403, code="AccessDenied", times=ALWAYS)
    view.emulator.faults.order(fault)
    try:
        name = "deleteobject" if cloud == "oci" else "ObjectRemoved:Delete"
        good, said = invoke(clouds, cloud, EVENTS[cloud]("k", name=name))
    finally:
        view.emulator.faults.clear()

    assert not good
    assert "403" in said or "AccessDenied" in said
    assert all(other.keys(TARGET) == ["k"] for other in clouds.views.values())


def test_lists_that_cannot_be_written_fail_the_invocation(clouds):
    text = toml(clouds.views, "obs").replace('url = "s3://log-bucket"', 'url = "s3://no-such-bucket"')
    clouds.views["obs"].write(SOURCE, "k", OBJECT)
    with (
        FunctionGraphRuntime(
            ROOT / "functions/obs_trigger", paths=[ROOT / "shared"], env={"BUCKETRELAY_TOML": text}
        ) as function,
        pytest.raises(FunctionError, match="no-such-bucket"),
    ):
        function.invoke(obs_event("k"))


def test_an_oci_function_that_runs_out_of_time_says_504(clouds):
    clouds.views["oci"].write(SOURCE, "k", OBJECT)
    answer = clouds.functions["oci"].invoke(oci_event("k"), deadline=3)  # less than the margin of 5 seconds

    assert answer.status == 504
    assert {line["outcome"] for line in clouds.lists()["failed_object"]} == {"unfinished"}
    assert all(view.keys(TARGET) == [] for view in clouds.views.values())


@pytest.mark.parametrize(
    ("runtime", "folder"),
    [(LambdaRuntime, "s3_notifications"), (FnRuntime, "oci_events"), (FunctionGraphRuntime, "obs_trigger")],
)
def test_a_function_without_a_configuration_says_where_it_looked(runtime, folder):
    event = {"LambdaRuntime": s3_event("k"), "FnRuntime": oci_event("k"), "FunctionGraphRuntime": obs_event("k")}
    with runtime(ROOT / "functions" / folder, paths=[ROOT / "shared"]) as function:
        if runtime is FnRuntime:
            answer = function.invoke(event["FnRuntime"])
            status, said = answer.status, str(answer.body)
            assert status == 502
        else:
            with pytest.raises(FunctionError) as error:
                function.invoke(event[runtime.__name__])
            said = str(error.value)
    assert "BUCKETRELAY_TOML" in said
    assert "relay.toml" in said


def test_functiongraph_may_keep_values_in_its_user_data_and_use_its_agency(clouds):
    obs = clouds.views["obs"]
    text = toml(clouds.views, "obs").replace(obs.options["secret_key"], "${SECRET}")
    clouds.views["obs"].write(SOURCE, "k", OBJECT)
    data = {"BUCKETRELAY_TOML": text, "SECRET": obs.options["secret_key"]}
    with FunctionGraphRuntime(ROOT / "functions/obs_trigger", paths=[ROOT / "shared"], user_data=data) as function:
        assert function.invoke(obs_event("k"))["copied"] == 3
