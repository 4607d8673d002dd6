"""What is refused, in which words; and that a bad neighbour costs a good record nothing."""

import json

import pytest

from bucketrelay.events import parse
from payloads.event_builders import record, records, refusal, sample, sqs

CHECK = "check which service calls this function, and with what"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "the payload is empty, not JSON"),
        ("  \n", "the payload is empty, not JSON"),
        ("not json", "the payload is not JSON (Expecting value at line 1 column 1)"),
        (
            b'{"a": 1 2}',
            "the payload is not JSON (Expecting ',' delimiter at line 1 column 9)",
        ),
        (b'{"a": "\xff"}', "the payload is not UTF-8 from byte 7 on"),
        ("[" * 200_000, "the payload is JSON out of all bounds (nesting or digits)"),
        ('{"a": ' + "1" * 5000 + "}", "the payload is JSON out of all bounds (nesting or digits)"),
        (b" " * (16 * 1024 * 1024 + 1), "the payload has 16,777,217 bytes, and no platform delivers more"),
        (None, "null is no event"),
        ("null", "null is no event"),
        (5, "a number is no event"),
        ([], "a list of 0 is no event"),
        ('"secret"', "a text of 6 characters is no event"),
        ({}, "an empty object is no event that bucketrelay knows"),
        ({"a": 1, "b": 2}, "an object with the keys 'a', 'b' is no event that bucketrelay knows"),
        (object(), "a Python object is no event"),
        (records(record(key=5)), "s3.object.key is a number, not text"),
        (records(record(key=None)), "s3.object.key is missing"),
        (records(record(bucket="")), "s3.bucket.name is empty"),
        (records(record(bucket=["b"])), "s3.bucket.name is a list of 1, not text"),
        (records(record(bucket="b" * 257)), "has more than 256 bytes"),
        (records(record(part="obs", bucket={})), "obs.bucket.name is an empty object, not text"),
        (records(record(eventName=7)), "eventName is a number, not text"),
        (records({"dynamodb": {}, "eventSource": "aws:dynamodb"}), "no part s3 or obs in an object with the keys"),
        (records(None), "no part s3 or obs in null"),
        ({"Records": "x"}, "Records is a text of 1 characters, not a list"),
        ({"record": {}}, "record is an empty object, not a list"),
        ({"record": [{"smn": {}}]}, "smn.message is missing"),
        ({"record": [{"smn": {"message": '{"Records": [cut'}}]}, "the payload is not JSON"),
        (records({"EventSource": "aws:sns", "Sns": "x"}), "Sns is a text of 1 characters, not an object"),
        ({"Type": "Notification", "Message": "hello"}, "the payload is not JSON"),
        ({"source": "aws.s3"}, "detail-type is missing"),
        ({"source": "aws.s3", "detail-type": "Object Created"}, "detail.bucket.name is missing"),
        ({"source": "HC.OBS.DWR", "data": "x"}, "data.obs is missing: data is a text of 1 characters"),
        ({"invocationSchemaVersion": "1.0", "tasks": []}, "invocationId is missing"),
        ({"invocationSchemaVersion": "1.0", "invocationId": "i", "tasks": 1}, "tasks is a number, not a list"),
        ({"trigger_type": "TIMER", "user_event": "\ud800"}, "user_event has a lone surrogate"),
        ({"eventType": "com.oraclecloud.objectstorage.createobject"}, "data.additionalDetails.bucketName is missing"),
    ],
)
def test_what_is_no_event_is_refused_with_what_was_seen_and_where_to_look(payload, words):
    line = refusal(payload)

    assert words in line
    assert line.endswith(CHECK)


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", "\ufeff"])
def test_a_byte_order_mark_before_the_json_is_no_reason_to_refuse(mark):
    content = json.dumps(sample("s3-put"))

    assert len(parse(mark + (content.encode() if isinstance(mark, bytes) else content)).events) == 1


@pytest.mark.parametrize("payload", [{"request_payload": ""}, {"requestContext": {}, "requestPayload": None}])
def test_a_failure_record_without_its_event_says_how_to_repair_the_loss(payload):
    assert "run `bucketrelay reconcile`" in refusal(payload)


def test_an_event_of_another_oracle_service_says_to_narrow_the_rule():
    payload = {"eventType": "com.oraclecloud.computeapi.launchinstance.end"}

    assert refusal(payload) == (
        "another service's event: 'com.oraclecloud.computeapi.launchinstance.end' is not of Object Storage; "
        "narrow the event rule"
    )


def test_an_oci_event_without_a_namespace_is_refused():
    payload = sample("oci-createobject")
    del payload["data"]["additionalDetails"]["namespace"]

    assert "data.additionalDetails.namespace is missing" in refusal(payload)


def test_a_refusal_names_keys_but_shows_no_content():
    line = refusal({f"key {number}" + "x" * 100: "the secret" for number in range(20)})

    assert "the secret" not in line
    assert "'key 0" in line
    assert "and 12 more" in line
    assert len(line) < 600


@pytest.mark.parametrize(
    ("name", "cloud", "words"),
    [
        ("oci-createobject", "s3", "an OCI event, and this function serves s3"),
        ("oci-array", "obs", "an OCI event, and this function serves obs"),
        ("s3-eventbridge-created", "obs", "an EventBridge event of S3, and this function serves obs"),
        ("s3-sqs-two-records", "obs", "SQS messages, and this function serves obs"),
        ("s3-sns", "obs", "an SNS message, and this function serves obs"),
        ("s3-batch-operations-v2", "obs", "S3 Batch Operations, and this function serves obs"),
        ("s3-async-failure", "obs", "a Lambda failure record, and this function serves obs"),
        ("s3-schedule", "obs", "an EventBridge schedule, and this function serves obs"),
        ("s3-minio-webhook", "obs", "a record of s3 (its source says 'minio:s3'), and this function serves obs"),
        ("s3-put", "oci", "storage records, and this function serves oci"),
        ("s3-test-event", "oci", "S3's test event, and this function serves oci"),
        ("obs-records-v3", "s3", "a record of obs (its source says 'OBS'), and this function serves s3"),
        ("obs-eventgrid-created", "s3", "an EventGrid event of OBS, and this function serves s3"),
        ("obs-smn", "s3", "an SMN message, and this function serves s3"),
        ("obs-async-failure", "oci", "a FunctionGraph failure record, and this function serves oci"),
    ],
)
def test_an_event_of_another_cloud_is_refused(name, cloud, words):
    line = refusal(sample(name), cloud=cloud)

    assert line.startswith("another service's event: ") or ": another service's event: " in line
    assert words in line


def test_an_envelope_of_one_cloud_holds_no_event_of_another():
    inner = json.dumps(sample("oci-createobject"))

    assert "this function serves s3" in parse(sqs(inner)).errors[0]
    assert "this function serves obs" in refusal({"request_payload": inner})


# Bad neighbours


def test_a_bad_record_costs_its_neighbours_nothing():
    (message,) = parse(records(record("a"), record(key=None), record("b"))).messages

    assert [event.key for event in message.events] == ["a", "b"]
    assert message.error == f"record 2 of 3: s3.object.key is missing; {CHECK}"


def test_a_payload_of_bad_records_alone_is_refused_naming_each_up_to_five():
    line = refusal(records(*[record(key=None)] * 7))

    assert "record 1 of 7: " in line
    assert "record 5 of 7: " in line
    assert line.endswith("; and 2 more")


def test_a_bad_message_costs_its_neighbours_nothing():
    good = json.dumps(records(record("a")))

    first, second, third = parse(sqs("not json", good, json.dumps({"x": 1}))).messages
    assert first.error.startswith("SQS message 'm1': the payload is not JSON")
    assert (second.id, second.error, [event.key for event in second.events]) == ("m2", "", ["a"])
    assert third.error.startswith("SQS message 'm3': an object with the keys 'x' is no event")
    assert first.events == third.events == ()


def test_a_bad_record_in_a_message_fails_the_message_and_leaves_the_good_ones_to_be_run():
    (message,) = parse(sqs(json.dumps(records(record("a"), record(key=None))))).messages

    assert [event.key for event in message.events] == ["a"]
    assert "record 2 of 2: s3.object.key is missing" in message.error


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"eventSource": "aws:sqs", "body": "{}"}, "messageId is missing"),
        ({"eventSource": "aws:sqs", "messageId": 5, "body": "{}"}, "messageId is a number, not text"),
        ({"eventSource": "aws:sqs", "messageId": "m", "body": None}, "body is missing"),
        ({"eventSource": "aws:sqs", "messageId": "m", "body": {}}, "body is an empty object, not text"),
        (record("a"), "among SQS messages"),
        (None, "null among SQS messages"),
    ],
)
def test_an_sqs_record_that_is_none_is_an_error_of_its_own(bad, words):
    good = sqs(json.dumps(records(record("a"))))["Records"]

    first, second = parse(records(bad, *good)).messages
    assert words in first.error
    assert (second.error, len(second.events)) == ("", 1)


def test_a_bad_batch_task_is_answered_by_its_id():
    good = {"taskId": "t1", "s3Key": "a", "s3BucketArn": "arn:aws-cn:s3:::b"}
    bad = {"taskId": "t2", "s3Key": "a", "s3BucketArn": "arn:aws:s3:eu-west-1:123456789012:accesspoint/x"}
    worse = {"s3Key": "a", "s3Bucket": "b"}
    payload = {"invocationSchemaVersion": "1.0", "invocationId": "i", "tasks": [good, bad, worse, 5]}

    first, second, third, fourth = parse(payload).messages
    assert [(event.bucket, event.key) for event in first.events] == [("b", "a")]
    assert (second.id, second.events) == ("t2", ())
    assert "is not the ARN of a bucket" in second.error
    assert (third.id, fourth.id) == ("", "")
    assert "taskId is missing" in third.error


def test_an_id_of_any_length_is_given_back_whole():
    one = sqs(json.dumps(records(record("a"))))["Records"][0] | {"messageId": "m" * 5000}

    assert parse(records(one)).messages[0].id == "m" * 5000


@pytest.mark.parametrize("arn", ["arn:aws:s3:::b/k", "arn:aws:s3:::", "arn:aws:sqs:eu-west-1:123456789012:b"])
def test_an_arn_that_names_no_bucket_is_refused(arn):
    task = {"taskId": "t", "s3Key": "a", "s3BucketArn": arn}
    payload = {"invocationSchemaVersion": "1.0", "invocationId": "i", "tasks": [task]}

    assert f"'{arn}' is not the ARN of a bucket" in parse(payload).errors[0]
