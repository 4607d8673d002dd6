"""What events travel in, whose they are, and what their fields mean."""

import json

import pytest

from bucketrelay.events import parse
from bucketrelay.events.reading import MAX_DEPTH
from bucketrelay.model import Change
from payloads.event_builders import failure, record, records, refusal, sample, sqs

# Whose is it?


@pytest.mark.parametrize(
    ("fields", "ambiguous"),
    [
        ({"eventVersion": "2.1"}, False),
        ({"eventVersion": "2.6"}, False),
        ({"eventVersion": "3.0"}, False),
        ({"eventVersion": "2.0"}, True),
        ({"eventVersion": None}, True),
        ({"eventVersion": "latest"}, True),
        ({"eventVersion": "2.1", "eventSource": None}, True),
        ({"eventVersion": "2.0", "eventSource": "minio:s3"}, False),
        ({"eventVersion": "2.2", "eventSource": "ceph:s3"}, False),
    ],
)
def test_a_record_that_says_aws_s3_may_be_of_obs_up_to_version_2_0(fields, ambiguous):
    payload = parse(records(record(**fields)))

    assert payload.ambiguous is ambiguous
    assert payload.events[0].cloud == "s3"


@pytest.mark.parametrize("cloud", ["s3", "obs"])
@pytest.mark.parametrize("version", ["2.0", "2.1", "9.9"])
def test_the_entrypoint_settles_it(version, cloud):
    payload = parse(records(record(eventVersion=version)), cloud=cloud)

    assert not payload.ambiguous
    assert payload.events[0].cloud == cloud


@pytest.mark.parametrize("wrap", [lambda e: sqs(json.dumps(e)), lambda e: {"request_payload": e}])
def test_so_does_an_envelope_that_only_one_cloud_has(wrap):
    assert not parse(wrap(records(record(eventVersion="2.0")))).ambiguous


def test_in_a_mixed_payload_only_what_is_in_doubt_is_marked():
    payload = parse(records(record("a", eventVersion="2.0"), record("b"), record("c", part="obs"), record("d%zz")))

    certain, doubtful = payload.messages
    assert [(event.cloud, event.key) for event in certain.events] == [("s3", "b"), ("obs", "c")]
    assert "record 4 of 4" in certain.error
    assert [event.key for event in doubtful.events] == ["a"]
    assert (certain.ambiguous, doubtful.ambiguous) == (False, True)


def test_a_bad_record_next_to_a_doubtful_one_is_not_forgotten():
    certain, doubtful = parse(records(record("a", eventVersion="2.0"), record("d%zz"))).messages

    assert "record 2 of 2" in certain.error
    assert [event.key for event in doubtful.events] == ["a"]


# Envelopes


def nested(payload, times):
    for _ in range(times):
        payload = failure(payload)
    return payload


def test_envelopes_may_be_nested_but_not_for_ever():
    assert parse(nested(records(record("a")), MAX_DEPTH)).events[0].key == "a"
    assert f"more than {MAX_DEPTH} envelopes" in refusal(nested(records(record("a")), MAX_DEPTH + 1))
    assert f"more than {MAX_DEPTH} envelopes" in refusal(nested(records(record("a")), 100_000))


def test_the_messages_of_a_failed_batch_are_answered_as_one_since_nobody_waits_for_their_ids():
    payload = parse(failure(sqs(json.dumps(records(record("a"))), "not json", json.dumps(records(record("b"))))))

    (message,) = payload.messages
    assert (payload.kind, message.id) == ("direct", "")
    assert [event.key for event in message.events] == ["a", "b"]
    assert "SQS message 'm2'" in message.error


def test_a_failed_schedule_is_a_schedule_again():
    assert parse({"request_payload": json.dumps(sample("obs-timer"))}).note == "reconcile photos"


@pytest.mark.parametrize(
    ("payload", "note"),
    [
        ({"trigger_type": "TIMER", "user_event": "x"}, "x"),
        ({"trigger_type": "TIMER"}, ""),
        ({"trigger_type": "TIMER", "user_event": {"route": "photos"}}, '{"route":"photos"}'),
        ({"source": "aws.events", "detail": {}}, ""),
        ({"source": "aws.scheduler", "detail": "{}"}, ""),
        ({"source": "aws.events", "detail": {"route": "photos"}}, '{"route":"photos"}'),
    ],
)
def test_a_schedule_says_what_is_wanted(payload, note):
    found = parse(payload)

    assert (found.kind, found.note, found.messages) == ("schedule", note, ())


@pytest.mark.parametrize("cloud", ["s3", "obs", "oci"])
def test_a_timer_is_understood_by_every_function(cloud):
    assert parse({"trigger_type": "TIMER", "user_event": "x"}, cloud=cloud).kind == "schedule"


def test_a_schedule_in_a_queue_is_an_error_and_not_forgotten():
    (message,) = parse(sqs(json.dumps(sample("s3-schedule")))).messages

    assert "point the schedule at the function itself" in message.error


def test_a_schedule_among_records_is_an_error_and_not_forgotten():
    (message,) = parse([sample("obs-timer"), sample("oci-createobject")], cloud="oci").messages

    assert len(message.events) == 1
    assert "point the schedule at the function itself" in message.error


def test_a_test_message_by_sns_is_a_test():
    notification = {"Type": "Notification", "Message": json.dumps(sample("s3-test-event"))}

    assert parse(records({"EventSource": "aws:sns", "Sns": notification})).kind == "test"


def test_records_that_are_none_are_nothing_to_do():
    assert parse({"Records": []}).events == ()


@pytest.mark.parametrize(
    ("wrap", "cause"),
    [
        (lambda e: e, ""),
        (lambda e: sqs(json.dumps(e)), "m1"),
        (lambda e: {"Type": "Notification", "MessageId": "n", "Message": json.dumps(e)}, "n"),
        (lambda e: sqs(json.dumps({"Type": "Notification", "MessageId": "n", "Message": json.dumps(e)})), "n"),
        (failure, "r"),
        (lambda e: {"request_context": {"request_id": "q"}, "request_payload": e}, "q"),
        (lambda e: {"record": [{"smn": {"message_id": "s", "message": json.dumps(e)}}]}, "s"),
    ],
)
def test_an_event_without_an_id_is_known_by_the_innermost_message_around_it(wrap, cause):
    assert parse(wrap(records(record()))).events[0].cause == cause


@pytest.mark.parametrize("request_id", ["\ud800", 5, None, "x" * 1025])
def test_an_id_that_no_list_could_hold_is_passed_over(request_id):
    one = record(responseElements={"x-amz-request-id": request_id})

    assert parse(sqs(json.dumps(records(one)))).events[0].cause == "m1"


# Names and times


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ObjectCreated:Put", Change.CREATED),
        ("ObjectCreated:PUT", Change.CREATED),
        ("ObjectCreated:PutObject", Change.CREATED),
        ("s3:ObjectCreated:CompleteMultipartUpload", Change.CREATED),
        ("ObjectRemoved:Delete", Change.REMOVED),
        ("s3:ObjectRemoved:DeleteMarkerCreated", Change.REMOVED),
        ("LifecycleExpiration:Delete", Change.REMOVED),
        ("LifecycleExpiration:DeleteMarkerCreated", Change.REMOVED),
        ("ObjectRestore:Completed", Change.CREATED),
        ("Replication:OperationFailedReplication", Change.IGNORED),
        ("LifecycleTransition", Change.IGNORED),
        ("IntelligentTiering", Change.IGNORED),
        ("ObjectAcl:Put", Change.IGNORED),
        ("ObjectTagging:Delete", Change.IGNORED),
        ("ObjectRestore:Post", Change.IGNORED),
        ("ObjectLifecycle:Expiration:Current", Change.REMOVED),
        ("s3:ObjectAccessed:Get", Change.IGNORED),
        ("SomethingNew:Of2031", Change.CREATED),
        (None, Change.CREATED),  # every field but bucket and key is optional; to look is always right
    ],
)
def test_an_event_name_says_what_to_look_for(name, change):
    assert parse(records(record(eventName=name))).events[0].change is change


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Object Created", Change.CREATED),
        ("Object Deleted", Change.REMOVED),
        ("Object Restore Completed", Change.CREATED),
        ("Object Restore Initiated", Change.IGNORED),
        ("Object Tags Added", Change.IGNORED),
        ("Object Of2031", Change.CREATED),
        ("AWS API Call via CloudTrail", Change.IGNORED),  # of no call that we know
    ],
)
def test_a_detail_type_says_what_to_look_for(kind, change):
    payload = sample("s3-eventbridge-created") | {"detail-type": kind}

    assert parse(payload).events[0].change is change


@pytest.mark.parametrize("kind", ["restoreobject", "createpreauthenticatedrequest", "createbucket"])
def test_an_unknown_event_of_oci_that_names_no_object_is_ignored(kind):
    (event,) = parse({"eventType": f"com.oraclecloud.objectstorage.{kind}"}).events

    assert event.change is Change.IGNORED


def test_an_eventgrid_event_without_a_name_goes_by_its_type():
    payload = sample("obs-eventgrid-removed")
    del payload["data"]["eventName"]

    assert parse(payload).events[0].change is Change.REMOVED


def test_what_asks_for_nothing_is_not_refused_for_its_key():
    (event,) = parse(records(record("%zz", eventName="ObjectTagging:Put"))).events

    assert (event.change, event.key) == (Change.IGNORED, "")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-03-12T02:07:57Z", "2026-03-12T02:07:57+00:00"),
        ("2026-03-12T02:07:57.1Z", "2026-03-12T02:07:57.100000+00:00"),
        ("2026-03-12T02:07:57.123456789Z", "2026-03-12T02:07:57.123456+00:00"),
        ("2026-03-12T10:07:57.123+08:00", "2026-03-12T02:07:57.123000+00:00"),
        ("2026-03-11T22:07:57-0400", "2026-03-12T02:07:57+00:00"),
    ],
)
def test_a_time_is_read_with_any_decimals_and_zone(text, iso):
    assert parse(records(record(eventTime=text))).events[0].time.isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30T00:00:00Z",
        "2026-03-12T02:07:60Z",
        "2026-03-12T02:07:57",  # no zone: a guess would make a wrong lag
        "2026-03-12T02:07:57+99:00",
        "２026-03-12T02:07:57Z",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-08:00",
        1773281278,
        None,
    ],
)
def test_a_time_that_cannot_be_read_is_unknown_and_no_reason_to_refuse(text):
    (event,) = parse(records(record(eventTime=text))).events

    assert (event.time, event.key) == (None, "k")


@pytest.mark.parametrize("size", [-1, 1.5, True, "12", None, 2**63, []])
def test_a_size_that_is_none_is_unknown(size):
    one = record()
    one["s3"]["object"]["size"] = size

    assert parse(records(one)).events[0].size is None


@pytest.mark.parametrize(("count", "again"), [("1", False), ("2", True), ("17", True), (None, False), (2, False)])
def test_a_message_that_sqs_has_delivered_before_says_so(count, again):
    payload = sqs(json.dumps(records(record("a"))))
    payload["Records"][0]["attributes"] = {"ApproximateReceiveCount": count}
    (message,) = parse(payload).messages

    assert message.again is again
