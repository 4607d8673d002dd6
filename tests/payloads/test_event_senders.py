"""How a key is written depends on who sent it; and what each server, envelope and call of an API looks like."""

import base64
import json
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bucketrelay.errors import BadEvent
from bucketrelay.events import parse
from bucketrelay.events.senders import RECORDS
from bucketrelay.model import Change
from payloads.event_builders import record, records, refusal, sample, sqs
from payloads.test_event_keys import array, as_bytes, bare, keys, lambda_failure

WRITTEN = {"raw": lambda key: key, "encoded": quote_plus}


def sent_by(source, key):
    return records(record(key, eventSource=source, eventVersion="2.2"))


def r2(key, action="PutObject"):
    return {
        "account": "a",
        "action": action,
        "bucket": "b",
        "object": {"key": key},
        "eventTime": "2026-01-01T00:00:00Z",
    }


def b2(key, kind="b2:ObjectCreated:Upload"):
    return {"events": [{"eventType": kind, "bucketName": "b", "objectName": key, "eventId": "e", "eventTimestamp": 1}]}


def seaweedfs(key, kind="create"):
    return {"key": f"/buckets/b/{key}", "event_type": kind, "message_data": {"new_entry": {"name": "x"}}}


def cloudtrail(key, call="PutObject", **more):
    detail = {"eventName": call, "requestParameters": {"bucketName": "b", "key": key}, **more}
    return {"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": detail}


def function_url(event):
    return {"requestContext": {"http": {"method": "POST"}, "requestId": "r"}, "body": json.dumps(event)}


def gateway(event):
    body = base64.b64encode(json.dumps(event).encode()).decode()
    return {"httpMethod": "POST", "requestContext": {}, "body": body, "isBase64Encoded": True}


@pytest.mark.parametrize("sender", RECORDS, ids=lambda sender: sender.known_by)
@pytest.mark.parametrize("envelope", [bare, as_bytes, array, function_url, gateway])
@settings(max_examples=15)  # for each of many pairs; test_event_keys goes deep
@given(key=keys)
@example(key="in/a+b.txt")
@example(key="in/100% done.txt")
@example(key="a%2Bb")
def test_a_key_is_read_as_its_sender_writes_it(sender, envelope, key):
    cloud = "obs" if sender.known_by == "obs" else "s3"
    payload = parse(envelope(sent_by(sender.known_by, WRITTEN[sender.keys](key))), cloud=cloud)

    assert [(event.cloud, event.key) for event in payload.events] == [(cloud, key)]


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("source", ["aws:s3", "ceph:s3", "garage:s3", "somebody:new"])
@settings(max_examples=15)  # for each of many pairs; test_event_keys goes deep
@given(key=keys)
def test_what_a_store_says_of_its_events_settles_how_keys_are_written(source, form, key):
    event = sent_by(source, WRITTEN[form](key))

    (found,) = parse(event, cloud="s3", event_keys={("s3", "src-bucket"): form}).events
    assert found.key == key


def test_what_one_store_says_is_nothing_to_another_bucket():
    (event,) = parse(sent_by("aws:s3", "a+b"), event_keys={("s3", "another"): "raw", ("obs", "*"): "raw"}).events

    assert event.key == "a b"


def test_a_key_that_cannot_be_encoded_is_refused_with_the_option_that_reads_it():
    assert 'say event_keys = "raw" in its store' in refusal(sent_by("somebody:new", "100% done"))


@pytest.mark.parametrize("form", [r2, b2, seaweedfs, cloudtrail])
@pytest.mark.parametrize("envelope", [bare, as_bytes, array, function_url, gateway, lambda_failure])
@settings(max_examples=15)  # for each of many pairs; test_event_keys goes deep
@given(key=keys)
def test_the_forms_of_other_servers_send_keys_as_they_are(form, envelope, key):
    key = key.lstrip("/.") or "k"  # a path of SeaweedFS's filer has no empty names, nor the folder .uploads

    (event,) = parse(envelope(form(key)), cloud="s3").events
    assert (event.bucket, event.key, event.change) == ("b", key, Change.CREATED)


@pytest.mark.parametrize("source", ["OBS", "obs", "Obs"])
def test_obs_is_obs_however_it_writes_its_name(source):
    (event,) = parse(sent_by(source, "a+b")).events

    assert (event.cloud, event.key) == ("obs", "a b")


@pytest.mark.parametrize("source", ["ceph:s3", "scality:s3", "sgws:s3", "rustfs:s3"])
def test_a_server_with_a_name_of_its_own_is_not_taken_for_obs(source):
    assert "this function serves obs" in refusal(sent_by(source, "k"), cloud="obs")
    assert not parse(sent_by(source, "k")).ambiguous


@pytest.mark.parametrize(
    ("event", "change"),
    [
        (r2("k", "DeleteObject"), Change.REMOVED),
        (r2("k", "LifecycleDeletion"), Change.REMOVED),
        (r2("k", "SomethingNew"), Change.CREATED),
        (b2("k", "b2:ObjectDeleted:LifecycleRule"), Change.REMOVED),
        (b2("k", "b2:ObjectCreated:Hide"), Change.REMOVED),
        (b2("k", "b2:HideMarkerCreated:Hide"), Change.REMOVED),
        (b2("k", "b2:SomethingNew"), Change.CREATED),
        (seaweedfs("k", "delete"), Change.REMOVED),
        (seaweedfs("k", "update"), Change.CREATED),
        (seaweedfs(".uploads/8f3/0001.part"), Change.IGNORED),
        (seaweedfs("k") | {"key": "/topics/x/y"}, Change.IGNORED),
        (seaweedfs("k") | {"key": "/buckets/b"}, Change.IGNORED),
        (seaweedfs("k") | {"message_data": {"new_entry": {"is_directory": True}}}, Change.IGNORED),
        (seaweedfs("k") | {"message_data": {"newEntry": {"isDirectory": True}}}, Change.IGNORED),
        (cloudtrail("k", "CompleteMultipartUpload"), Change.CREATED),
        (cloudtrail("k", "DeleteObject"), Change.REMOVED),
        (cloudtrail("k", "GetObject"), Change.IGNORED),
        (cloudtrail("k", "PutObjectTagging"), Change.IGNORED),
        (cloudtrail("k", "UploadPart"), Change.IGNORED),
        (cloudtrail("k", "PutObject", errorCode="AccessDenied"), Change.IGNORED),
        (cloudtrail(None, "DeleteObjects"), Change.IGNORED),
        (cloudtrail("k", "SomethingNew"), Change.CREATED),
    ],
)
def test_what_another_servers_event_says(event, change):
    (found,) = parse(event, cloud="s3").events

    assert found.change is change


def test_an_event_says_what_its_sender_calls_it():
    assert parse(records(record(eventName="ObjectTagging:Put"))).events[0].name == "ObjectTagging:Put"
    assert parse(cloudtrail("k")).events[0].name == "PutObject"
    assert parse(sample("oci-createbucket")).events[0].name == "createbucket"


def test_seaweedfs_does_not_say_where_to_in_a_rename_without_its_new_name():
    assert "a rename without the new name" in refusal(seaweedfs("k", "rename") | {"message_data": {}})


def test_a_time_in_milliseconds_is_a_time_and_an_absurd_one_is_none():
    assert parse(sample("s3-b2-upload")).events[0].time.isoformat() == "2024-07-22T23:46:04.421000+00:00"
    assert parse(b2("k") | {"events": [b2("k")["events"][0] | {"eventTimestamp": 10**18}]}).events[0].time is None


def test_an_http_request_is_to_be_answered_as_one():
    assert parse(sample("s3-function-url-minio")).http
    assert parse(sample("s3-apigateway-v1-ceph")).http
    assert not parse(sample("s3-minio-webhook")).http


@pytest.mark.parametrize(
    ("body", "encoded", "words"),
    [
        ("", False, "body is empty"),
        (None, False, "body is missing"),
        ("hello", False, "the payload is not JSON"),
        ("not base64!", True, "says that it is base64, and is not"),
        (base64.b64encode(b"\xff\xff").decode(), True, "says that it is base64, and is not"),
    ],
)
def test_an_http_request_without_an_event_is_refused(body, encoded, words):
    request = {"httpMethod": "POST", "requestContext": {}, "body": body, "isBase64Encoded": encoded}

    assert words in refusal(request)


def test_pipes_batch_costs_a_good_message_nothing_for_a_bad_neighbour():
    good = sqs(json.dumps(records(record("a"))))["Records"]
    bad = {"eventSource": "aws:sqs", "messageId": "m9", "body": "no event"}

    payload = parse([*good, bad], cloud="s3")
    assert payload.kind == "sqs"
    assert [message.id for message in payload.messages] == ["m1", "m9"]
    assert payload.messages[0].error == ""
    assert "not JSON" in payload.messages[1].error


@pytest.mark.parametrize("arn", ["arn:aws:s3:::b", "arn:aws-cn:s3:::b", "arn:aws:s3:us-east-1:0123456788:b"])
def test_a_bucket_is_read_from_its_arn_as_the_documentation_writes_it(arn):
    task = {"taskId": "t", "s3Key": "a", "s3BucketArn": arn}

    (event,) = parse({"invocationSchemaVersion": "1.0", "invocationId": "i", "tasks": [task]}).events
    assert event.bucket == "b"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "key",
                        "event_type",
                        "message_data",
                        "new_entry",
                        "name",
                        "events",
                        "eventType",
                        "account",
                        "action",
                        "bucket",
                        "object",
                        "body",
                        "requestContext",
                        "httpMethod",
                        "detail",
                        "requestParameters",
                        "s3",
                        "eventName",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
@example({"key": "/buckets/b/k", "event_type": ["create"]})
@example({"events": [{"eventType": "b2:x"}, 5]})
def test_whatever_looks_like_one_of_these_forms_is_read_or_refused_in_one_line(event):
    try:
        parse(event)
        said = ""
    except BadEvent as error:
        said = str(error)

    assert "\n" not in said
