"""A function that runs out of time calls itself with the rest, until it is finished. In the real runtimes."""

import json
import threading
from contextlib import contextmanager

import pytest

from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from functions.invoke_apis import AGENCY, URN, InvokeApi
from functions.runtimes import FnRuntime, FunctionError, FunctionGraphRuntime, LambdaRuntime
from functions.test_answers import EVENTS, OBJECT, s3_event, sqs
from functions.three_clouds import ROOT, SOURCE, TARGET, toml

SLOW = {"s3": "obs", "obs": "oci", "oci": "obs"}  # the target that answers late
MARGIN = 20  # generous, for the lists and the call on a busy machine
SHORT, LONG = MARGIN + 2, MARGIN + 60  # seconds; a Fn deadline is cut to whole ones
KEYS = [f"{number} ü+%2B" for number in range(6)]


def configuration(views, cloud):
    targets = json.dumps([f"to-{scheme}" for scheme in views])
    return toml(views, cloud).replace(targets, json.dumps([f"to-{SLOW[cloud]}"])) + f"[limits]\nmargin = {MARGIN}\n"


@contextmanager
def function(clouds, cloud, api):
    """The cloud's function with a single, slow target, and *api* in the place of the cloud's own."""
    env, options = {"BUCKETRELAY_TOML": configuration(clouds.views, cloud)}, {}
    if cloud == "s3":
        runtime, folder = LambdaRuntime, "s3_notifications"
        env |= {"AWS_ACCESS_KEY_ID": "ROLEKEY", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "role-token"}
        env["AWS_ENDPOINT_URL_LAMBDA"] = api.endpoint
    elif cloud == "obs":
        runtime, folder = FunctionGraphRuntime, "obs_trigger"
        told = {"BUCKETRELAY_FUNCTION_URN": URN, "BUCKETRELAY_FUNCTIONGRAPH_ENDPOINT": api.endpoint}
        options = {"agency": AGENCY, "user_data": told}
    else:
        runtime, folder = FnRuntime, "oci_events"
        env |= clouds.views["oci"].emulator.resource_principal() | {"BUCKETRELAY_INVOKE_ENDPOINT": api.endpoint}
    with runtime(ROOT / "functions" / folder, paths=[ROOT / "shared"], env=env, **options) as running:
        yield running


@contextmanager
def held(clouds, cloud, passing):
    """Within, the slow target takes *passing* more objects and answers nobody else, until `set` is called."""
    gate = threading.Event()
    faults = clouds.views[SLOW[cloud]].emulator.faults
    faults.order(Fault(operation="PutObject", kind="delay", until=gate, times=ALWAYS, skip=passing))

    def release():
        faults.clear()
        gate.set()

    try:
        yield release
    finally:
        release()


def prepared(clouds, cloud, running):
    """A warm function, and objects that nobody has told it of."""
    clouds.views[cloud].write(SOURCE, "warm", OBJECT)
    answered(running.invoke(EVENTS[cloud]("warm"), LONG))
    for key in KEYS:
        clouds.views[cloud].write(SOURCE, key, OBJECT)


def answered(answer):
    """What the handler returned; an answer of Fn that is no 200 is an error, as it is to the other two."""
    if not hasattr(answer, "status"):
        return answer
    if answer.status != 200:
        raise FunctionError({"errorType": str(answer.status), "errorMessage": answer.body.decode()})
    return json.loads(answer.body)


def tasks(payload):
    return json.loads(payload)["bucketrelay"]["tasks"]


@pytest.mark.parametrize("cloud", EVENTS)
def test_what_one_invocation_cannot_finish_is_finished_by_those_that_it_calls(clouds, cloud):
    with InvokeApi(cloud) as api, function(clouds, cloud, api) as running:
        prepared(clouds, cloud, running)
        with held(clouds, cloud, passing=2) as release:
            first = answered(running.invoke(EVENTS[cloud](*KEYS), SHORT))
            rest = api.taken.get(timeout=5)
            second = answered(running.invoke(json.loads(rest), SHORT))
            again = api.taken.get(timeout=5)
            release()
        last = answered(running.invoke(json.loads(again), LONG))

    assert api.complaints == []
    assert api.taken.empty()
    assert first["unfinished"] == second["unfinished"] == last["tasks"] == len(tasks(rest)) >= len(KEYS) - 2
    assert {task["key"] for task in tasks(again)} == {task["key"] for task in tasks(rest)}
    assert ({task["attempt"] for task in tasks(rest)}, {task["attempt"] for task in tasks(again)}) == ({1}, {2})
    assert "unfinished" not in last
    assert "failed" not in last
    target = clouds.views[SLOW[cloud]]
    assert {key: target.read(TARGET, key).body for key in target.keys(TARGET)} == dict.fromkeys(
        [*KEYS, "warm"], OBJECT.body
    )
    lists = clouds.lists()
    assert {line["key"] for line in lists["success_object"]} == {*KEYS, "warm"}
    assert [line["outcome"] for line in lists["failed_object"]] == ["unfinished"] * 2 * len(tasks(rest))


@pytest.mark.parametrize("cloud", EVENTS)
def test_a_function_that_may_not_call_itself_tells_its_platform_and_says_which_permission_it_lacks(clouds, cloud):
    remedy = {"s3": "lambda:InvokeFunction", "obs": "functiongraph:function:invokeAsync", "oci": "use fn-invocation"}
    with InvokeApi(cloud) as api, function(clouds, cloud, api) as running:
        api.refuse = 403, b'{"message": "no", "code": "no", "error_code": "FSS.0403", "error_msg": "no"}'
        prepared(clouds, cloud, running)
        with held(clouds, cloud, passing=0), pytest.raises(FunctionError) as told:
            answered(running.invoke(EVENTS[cloud](*KEYS), SHORT))

    assert told.value.type in ("OutOfTime", "504")
    assert remedy[cloud] in str(told.value)
    lines = clouds.lists()["failed_object"]
    assert {(line["outcome"], line["retryable"]) for line in lines} == {("unfinished", True)}
    assert len(lines) == len(KEYS)


def test_sqs_need_not_bring_again_what_was_deferred_and_must_bring_what_was_not(clouds):
    with InvokeApi("s3") as api, function(clouds, "s3", api) as running:
        prepared(clouds, "s3", running)
        with held(clouds, "s3", passing=0):
            deferred = running.invoke(sqs(s3_event("warm"), s3_event(KEYS[0])), SHORT)
            payload = api.taken.get(timeout=5)
            api.refuse = 500, b"{}"
            refused = running.invoke(sqs(s3_event("warm"), s3_event(KEYS[1])), SHORT)

    assert deferred == {"batchItemFailures": []}
    assert [task["key"] for task in tasks(payload)] == [KEYS[0]]
    assert refused == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


@pytest.mark.parametrize("cloud", EVENTS)
def test_made_up_tasks_touch_nothing(clouds, cloud):
    clouds.views[cloud].write(SOURCE, "k", OBJECT)
    made_up = [{"route": "other"}, {"target": "logs"}, {"target": "source"}, {"target": "../x"}, {"route": "source"}]
    task = {"route": "all", "key": "k", "target": "to-s3", "change": "removed", "attempt": 1}
    payload = {"bucketrelay": {"version": 1, "tasks": [task | changed for changed in made_up]}}
    with pytest.raises(FunctionError):
        answered(clouds.functions[cloud].invoke(payload))

    assert all(view.keys(TARGET) == [] for view in clouds.views.values())
    lists = clouds.lists()
    assert [(line["outcome"], line["retryable"]) for line in lists["failed_object"]] == [("failed", False)] * 5
    assert lists["success_object"] == []
