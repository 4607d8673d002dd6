"""One event of each shape, through its real runtime: right bytes, headers and metadata in three clouds, right lists."""

import json

import pytest

from bucketrelay.core.stamp import NAME
from functions.runtimes import FunctionError
from functions.three_clouds import SOURCE, TARGET, Held
from payloads.test_event_samples import EXPECTED, SAMPLES

OBJECT = Held(b"what belongs together", "image/jpeg", "max-age=60", {"owner": "ann", "note": "100% a=b"})
WITH_POISON = "s3-sqs-poison"
SILENT = {name for name, (_, messages) in EXPECTED.items() if not any(messages)} | {"oci-createbucket", "s3-tagging"}
# The keys of this capture are as they are, and Key_encode, which says so, is a setting and not in the event.
EVENTS = sorted(name for name in EXPECTED)


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def changes(name):
    """What the events of a sample say, in their order."""
    return [change for message in EXPECTED[name][1] for change in message or [] if change[0] != "ignored"]


def prepare(clouds, cloud, name):
    """The state of the world after the changes that the sample tells of: the last word on each key counts."""
    source = clouds.views[cloud]
    for _, _, key in changes(name):
        source.write(SOURCE, key, OBJECT)
    return {key: change for change, _, key in changes(name)}


def told(clouds, cloud, event):
    """The answer, or the exception in its place."""
    try:
        return clouds.invoke(cloud, event)
    except FunctionError as error:
        return error


def holds(view, key):
    found = view.read(TARGET, key)
    user = {name: value for name, value in found.user.items() if name != NAME}
    assert NAME in found.user
    return Held(found.body, found.content_type, found.cache_control, user)


def each_road():
    """Each sample; all but one of each cloud and kind are slow: once read, all of a kind go one road."""
    seen = set()
    for name in filter(changes, EVENTS):
        road = name.split("-", 1)[0], EXPECTED[name][0]
        yield pytest.param(name, marks=[pytest.mark.slow] if road in seen and name != WITH_POISON else [])
        seen.add(road)


@pytest.mark.parametrize("name", list(each_road()))
def test_an_event_of_each_shape_makes_every_target_equal_to_the_source(clouds, name):
    cloud = name.split("-", 1)[0]
    last = prepare(clouds, cloud, name)
    clouds.invoke(cloud, sample(name))  # the objects are there, whatever the event says: all targets get them
    for view in clouds.views.values():
        assert {key: holds(view, key) for key in view.keys(TARGET)} == dict.fromkeys(last, OBJECT)

    gone = {key for key, change in last.items() if change == "removed"}
    for key in gone:
        clouds.views[cloud].remove(SOURCE, key)
    answer = told(clouds, cloud, sample(name))

    for view in clouds.views.values():
        assert set(view.keys(TARGET)) == set(last) - gone
    lists = clouds.lists()
    assert lists["failed_object"] == []
    assert len(lists["success_object"]) == 2 * 3 * len(changes(name))
    assert {line["outcome"] for line in lists["success_object"]} <= {"copied", "deleted", "unchanged"}
    check_answer(name, answer)


def check_answer(name, answer):
    kind = EXPECTED[name][0]
    if name == WITH_POISON:
        assert answer == {"batchItemFailures": [{"itemIdentifier": sample(name)["Records"][0]["messageId"]}]}
    elif kind == "sqs":
        assert answer == {"batchItemFailures": []}
    elif kind == "batch":
        asked = sample(name)
        assert answer["invocationSchemaVersion"] == asked["invocationSchemaVersion"]
        assert answer["invocationId"] == asked["invocationId"]
        assert [(r["taskId"], r["resultCode"]) for r in answer["results"]] == [
            (task["taskId"], "Succeeded") for task in asked["tasks"]
        ]
    elif name.startswith("oci"):
        assert answer["status"] == 200
    elif "body" in sample(name):
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"])["tasks"] == 3 * len(changes(name))
    else:
        assert answer["tasks"] == 3 * len(changes(name))


@pytest.mark.parametrize("name", sorted(SILENT))
def test_what_asks_for_nothing_is_acknowledged_and_touches_nothing(clouds, name):
    cloud = name.split("-", 1)[0]
    clouds.views[cloud].write(SOURCE, "photos/café menu 1+1.jpg", OBJECT)
    said = sample(name)
    clouds.invoke(cloud, {**said, "user_event": ""} if "user_event" in said else said)  # a schedule without a text

    assert clouds.lists() == {"success_object": [], "failed_object": []}
    assert all(view.keys(TARGET) == [] for view in clouds.views.values())
