"""OCI: the bucket's events and the rules of its compartment, by the SDK, on an emulator that checks signatures."""

import json

import pytest

from bucketrelay.clouds.bucket import CREATED, EXPIRED, REMOVED, Need, Overlap, Unwirable, Wish
from bucketrelay.clouds.oracle.bucket import OciCloud
from bucketrelay.clouds.oracle.credentials import access_of
from bucketrelay.clouds.oracle.rules import brings
from bucketrelay.model import Address
from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.oci.events import COMPARTMENT

FUNCTION = "ocid1.fnfunc.oc1.phx.relay"
PLACE = Address("oci", "src", "mytenancy", "in/")
ALL = [f"com.oraclecloud.objectstorage.{what}object" for what in ("create", "update", "delete")]


@pytest.fixture
def cloud(oci):
    made = make(oci)
    yield made
    made.close()


def make(oci, address=PLACE, **changed):
    fields = dict.fromkeys(
        ("region", "auth", "profile", "user", "tenancy", "fingerprint", "key_file", "ca_file", "compartment"), ""
    )
    fields |= {"endpoint": oci.endpoint, "config_file": oci.config_file, "timeout": 10.0, **changed}
    compartment = fields.pop("compartment")
    return OciCloud(address, access_of(fields), compartment)


def wire(cloud, wish):
    plan = cloud.plan(wish)
    cloud.carry_out(plan)
    return plan


def rule(name="theirs", *, events=ALL, data=None, target=FUNCTION, **more):
    condition = {
        "eventType": events,
        "data": data if data is not None else {"additionalDetails": {"bucketName": "src"}},
    }
    action = {"actionType": "FAAS", "isEnabled": True, "functionId": target}
    made = {"displayName": name, "isEnabled": True, "condition": json.dumps(condition), "compartmentId": COMPARTMENT}
    return {**made, "actions": {"actions": [action]}, **more}


def test_events_are_switched_on_and_a_rule_is_made_beside_the_others_once(cloud, oci):
    oci.rules.add(rule(target="ocid1.fnfunc.oc1.phx.theirs"))
    theirs = oci.rules.all()
    assert [step.verb for step in wire(cloud, Wish("r", "function", FUNCTION)).steps] == ["enable", "add"]
    ours = [known for known in oci.rules.all() if known not in theirs]

    assert [known["displayName"] for known in ours] == ["bucketrelay-r"]
    condition = json.loads(ours[0]["condition"])
    assert condition["eventType"] == ALL
    assert condition["data"] == {"additionalDetails": {"bucketName": ["src"]}, "resourceName": "in/*"}
    assert wire(cloud, Wish("r", "function", FUNCTION)).steps == ()
    assert [step.verb for step in wire(cloud, Wish("r", "topic", "ocid1.onstopic.oc1.phx.t")).steps] == ["replace"]
    assert set(cloud.wiring().targets) == {"ocid1.onstopic.oc1.phx.t", "ocid1.fnfunc.oc1.phx.theirs"}
    cloud.carry_out(cloud.plan_undo("r"))
    assert oci.rules.all() == theirs
    assert cloud.plan_undo("r").steps == ()


def test_a_plan_alone_writes_nothing(cloud, oci):
    cloud.plan(Wish("r", "function", FUNCTION))
    cloud.plan_undo("r")

    assert oci.rules.all() == []
    assert not oci.client().get_bucket("mytenancy", "src").data.object_events_enabled


def test_a_foreign_rule_of_our_name_is_left_alone(cloud, oci):
    oci.rules.add(rule("bucketrelay-r"))
    for ask in (lambda: cloud.plan(Wish("r", "function", FUNCTION)), lambda: cloud.plan_undo("r")):
        with pytest.raises(Overlap, match="not ours"):
            ask()
    assert len(oci.rules.all()) == 1


def test_a_rule_that_already_calls_the_function_is_enough(cloud, oci):
    oci.rules.add(rule())
    plan = cloud.plan(Wish("r", "function", FUNCTION))

    assert [step.verb for step in plan.steps] == ["enable"]
    assert "already, by the rule theirs" in plan.notes[0]


def test_rules_are_found_on_every_page(cloud, oci):
    for number in range(55):
        oci.rules.add(rule(f"other-{number}", data={"additionalDetails": {"bucketName": "elsewhere"}}))
    wire(cloud, Wish("r", "function", FUNCTION))

    assert wire(cloud, Wish("r", "function", FUNCTION)).steps == ()
    assert oci.requests.count("GetRule") <= 4  # not of the 55


def test_two_rules_of_ours_become_one_again(cloud, oci):
    wire(cloud, Wish("r", "function", FUNCTION))
    oci.rules.add({name: value for name, value in oci.rules.all()[0].items() if name != "id"})
    assert [step.verb for step in wire(cloud, Wish("r", "function", FUNCTION)).steps] == ["remove"]

    assert len(oci.rules.all()) == 1


@pytest.mark.parametrize(
    ("changed", "whole"),
    [
        ({}, True),
        ({"data": {}}, True),
        ({"data": {"resourceName": "in/*"}}, True),
        ({"data": {"resourceName": "*"}}, True),
        ({"data": {"resourceName": ["x", "i*"]}}, True),
        ({"data": {"additionalDetails": {"bucketName": ["s*"], "namespace": "mytenancy"}}}, True),
        ({"events": ["com.oraclecloud.objectstorage.*"]}, True),
        ({"data": {"resourceName": "in/deep/*"}}, False),
        ({"data": {"resourceName": "in/*.jpg"}}, False),
        ({"data": {"compartmentName": "x"}}, False),
        ({"data": {"additionalDetails": {"bucketName": "other"}}}, False),
        ({"data": {"additionalDetails": {"bucketName": "src", "archivalState": "Available"}}}, False),
        ({"events": ALL[:2]}, False),
        ({"isEnabled": False}, False),
        ({"condition": "not json"}, False),
        ({"condition": "[]"}, False),
    ],
)
def test_whether_a_rule_brings_everything_is_read_from_its_condition(changed, whole):
    assert brings(rule(**changed), PLACE) is whole


def test_what_no_rule_can_call_is_said(cloud):
    for wish in (Wish("r", "queue", "arn:aws:sqs:x"), Wish("r", "function", "arn:aws:lambda:x"), Wish("r", "function")):
        with pytest.raises(Unwirable):
            cloud.plan(wish)


def test_what_is_wired_is_seen(cloud, oci):
    assert (cloud.wiring().enabled, cloud.wiring().targets) == (False, ())
    wire(cloud, Wish("r", "function", FUNCTION))
    wired = cloud.wiring()

    assert (wired.enabled, wired.events, wired.targets) == (True, {CREATED, REMOVED}, (FUNCTION,))
    assert wired.cannot == {EXPIRED}


def test_the_functions_limits_are_asked_for(cloud, oci):
    need = Need(5.0, 128 << 20)
    assert [fact.ok for fact in cloud.facts([FUNCTION], need)] == [None]
    oci.rules.functions[FUNCTION] = {"timeoutInSeconds": 300, "memoryInMBs": 512}
    assert [fact.ok for fact in cloud.facts([FUNCTION], need)] == [True, True]
    oci.rules.functions[FUNCTION] = {"timeoutInSeconds": 30, "memoryInMBs": 128}
    assert [fact.ok for fact in cloud.facts([FUNCTION, "ocid1.onstopic.x"], need)] == [None, False, None]


def test_versioning_and_the_rule_for_abandoned_uploads_are_read(cloud, oci):
    from oci.object_storage.models import ObjectLifecycleRule, PutObjectLifecyclePolicyDetails, UpdateBucketDetails

    client = oci.client()
    assert (cloud.versioning(), cloud.sweeps()) == (False, False)
    client.update_bucket("mytenancy", "src", UpdateBucketDetails(versioning="Enabled"))
    assert cloud.versioning()
    fields = {"name": "s", "action": "ABORT", "time_amount": 7, "time_unit": "DAYS", "is_enabled": True}
    for target, sweeps in (("objects", False), ("multipart-uploads", True)):
        policy = PutObjectLifecyclePolicyDetails(items=[ObjectLifecycleRule(target=target, **fields)])
        client.put_object_lifecycle_policy("mytenancy", "src", policy)
        assert cloud.sweeps() is sweeps


def test_a_greeting_tells_what_is_wrong(cloud, oci):
    assert cloud.greet().trouble == ""
    assert cloud.greet().date is not None
    missing = make(oci, Address("oci", "no-such-bucket", "mytenancy"))
    unkeyed = make(oci, config_file="/nowhere")
    assert (missing.greet().trouble, unkeyed.greet().trouble) == ("bucket", "credentials")
    missing.close()
    unkeyed.close()
    for status, code, trouble in ((401, "NotAuthenticated", "credentials"), (403, "NotAllowed", "look")):
        oci.faults.order(Fault(operation="GetObject", status=status, code=code))
        assert cloud.greet().trouble == trouble
    oci.faults.order(
        Fault(operation="GetObject", status=401, code="NotAuthenticated", message="The clock skew is 400 s")
    )
    assert cloud.greet().trouble == "clock"
