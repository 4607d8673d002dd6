"""Whatever a key is made of, it comes out of an event as it went in: encoded as the cloud does, in every envelope."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bucketrelay.errors import BadEvent
from bucketrelay.events import parse

NASTY = [
    "+",
    "%",
    "%2B",
    "a+b c",
    "/",
    "//",
    "a/../b",
    "é",
    "中 文",
    "\0",
    "\n",
    '"',
    "\\",
    "\u2028",
    "😀",
    "e\u0301",
    "&=",
]
NASTY += ["%%", "%zz", "%C3", "+%20+", " ", "~!@#$^*()_-=[]{};:',.<>?`|", "x" * 1024, "é" * 512, "😀" * 256]

any_text = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=1024)
mixed = st.lists(st.sampled_from(NASTY[:23]) | any_text, min_size=1, max_size=8).map("".join)
keys = (any_text | mixed).filter(lambda key: len(key.encode()) <= 1024)


def each_nasty(test):
    for key in NASTY:
        test = example(key=key)(test)
    return test


# Dialects: how a cloud writes a key into an event


def aws_record(key):
    part = {"bucket": {"name": "b"}, "object": {"key": quote_plus(key, safe="/")}}
    return {"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": part}]}


def minio_record(key):
    part = {"bucket": {"name": "b"}, "object": {"key": quote_plus(key, safe="")}}
    record = {"eventVersion": "2.0", "eventSource": "minio:s3", "eventName": "s3:ObjectCreated:Put", "s3": part}
    return {"EventName": "s3:ObjectCreated:Put", "Key": f"b/{key}", "Records": [record]}


def eventbridge(key):
    detail = {"bucket": {"name": "b"}, "object": {"key": key}}
    return {"id": "1", "source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def batch(key):
    task = {"taskId": "t", "s3Key": quote_plus(key, safe="/"), "s3VersionId": None, "s3Bucket": "b"}
    return {"invocationSchemaVersion": "2.0", "invocationId": "i", "job": {"id": "j"}, "tasks": [task]}


def obs_v2(key):
    part = {"bucket": {"name": "b"}, "object": {"key": quote_plus(key, safe="")}}
    return {"Records": [{"eventVersion": "2.0", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": part}]}


def obs_v3(key):
    part = {"bucket": {"name": "b"}, "object": {"key": quote_plus(key, safe="")}}
    return {"Records": [{"eventVersion": "3.0", "eventSource": "OBS", "eventName": "ObjectCreated:Put", "obs": part}]}


def eventgrid(key):
    return {"source": "HC.OBS.DWR", "id": "1", "type": "OBS:DWR:ObjectCreated:PUT", "data": obs_v3(key)["Records"][0]}


def eventgrid_raw(key):
    event = eventgrid(key)
    event["data"]["obs"]["object"]["key"] = key
    return event


def oci(key):
    data = {"resourceName": key, "additionalDetails": {"bucketName": "b", "namespace": "n"}}
    return {"eventType": "com.oraclecloud.objectstorage.createobject", "eventID": "1", "data": data}


def oci_encoded(key):
    return oci(quote(key, safe=""))


# Envelopes: what a cloud puts around an event


def bare(event):
    return event


def as_text(event):
    return json.dumps(event, ensure_ascii=False)


def as_bytes(event):
    return json.dumps(event, ensure_ascii=False).encode()


def sqs(event):
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": json.dumps(event)}]}


def sns(event):
    notification = {"Type": "Notification", "MessageId": "n", "Message": json.dumps(event)}
    return {"Records": [{"EventSource": "aws:sns", "Sns": notification}]}


def sns_in_sqs(event):
    return sqs(sns(event)["Records"][0]["Sns"])


def lambda_failure(event):
    return {"requestContext": {"requestId": "r"}, "requestPayload": event, "responsePayload": None}


def lambda_failure_in_sqs(event):
    return sqs(lambda_failure(event))


def functiongraph_failure(event):
    return {"request_context": {"request_id": "r"}, "request_payload": event}


def functiongraph_failure_as_text(event):
    return functiongraph_failure(json.dumps(event))


def smn(event):
    return {"record": [{"event_source": "smn", "smn": {"message_id": "m", "message": json.dumps(event)}}]}


def smn_in_failure(event):
    return functiongraph_failure_as_text(smn(event))


def array(event):
    return [event]


AWS = [bare, as_text, as_bytes, sqs, sns, sns_in_sqs, lambda_failure, lambda_failure_in_sqs]
HUAWEI = [bare, as_text, as_bytes, functiongraph_failure, functiongraph_failure_as_text, smn, smn_in_failure]
CASES = (
    [(dialect, envelope, "s3", {}) for dialect in (aws_record, minio_record, eventbridge) for envelope in AWS]
    + [(batch, envelope, "s3", {}) for envelope in (bare, as_text)]
    + [(dialect, envelope, "obs", {}) for dialect in (obs_v2, obs_v3, eventgrid) for envelope in HUAWEI]
    + [(eventgrid_raw, envelope, "obs", {"event_keys": {("obs", "b"): "raw"}}) for envelope in HUAWEI]
    + [(oci, envelope, "oci", {}) for envelope in (bare, as_bytes, array)]
    + [(oci_encoded, envelope, "oci", {"event_keys": {("oci", "b"): "encoded"}}) for envelope in (bare, array)]
)


@pytest.mark.parametrize(
    ("dialect", "envelope", "cloud", "options"),
    CASES,
    ids=[f"{dialect.__name__}-{envelope.__name__}" for dialect, envelope, _, _ in CASES],
)
@given(key=keys)
@each_nasty
def test_a_key_comes_out_as_it_went_in(dialect, envelope, cloud, options, key):
    payload = parse(envelope(dialect(key)), cloud=cloud, **options)

    assert payload.errors == ()
    assert [(event.cloud, event.bucket, event.key) for event in payload.events] == [(cloud, "b", key)]


ENCODED = [aws_record, minio_record, obs_v3]
RAW = [eventbridge, oci]


@pytest.mark.parametrize("dialect", ENCODED + RAW, ids=lambda dialect: dialect.__name__)
@given(extra=st.integers(min_value=1, max_value=64), letter=st.sampled_from("aé中😀"))
def test_a_key_of_more_than_1024_bytes_is_refused_by_name(dialect, extra, letter):
    full = letter * (1024 // len(letter.encode()))
    key = full + "a" * (1024 - len(full.encode()) + extra)

    with pytest.raises(BadEvent, match=rf"key '{letter}+'… has 1,0\d\d bytes of UTF-8, .* more than 1,024"):
        parse(dialect(key))


@pytest.mark.parametrize("dialect", ENCODED + RAW, ids=lambda dialect: dialect.__name__)
def test_an_empty_key_is_refused(dialect):
    with pytest.raises(BadEvent, match=r"(object\.key|resourceName) is empty"):
        parse(dialect(""))


@pytest.mark.parametrize("dialect", RAW, ids=lambda dialect: dialect.__name__)
def test_half_a_surrogate_pair_is_refused(dialect):
    with pytest.raises(BadEvent, match=r"'a\\ud800' has a lone surrogate"):
        parse(json.dumps(dialect("a\ud800")))


@pytest.mark.parametrize("encoded", ["caf%E9.jpg", "a%ff", "%C3", "%ED%A0%80", "é%C3"])
@pytest.mark.parametrize("dialect", ENCODED, ids=lambda dialect: dialect.__name__)
def test_escapes_that_are_not_utf8_are_refused_and_never_replaced(dialect, encoded):
    event = dialect("x")
    record = event["Records"][0]
    (record.get("obs") or record["s3"])["object"]["key"] = encoded

    with pytest.raises(BadEvent, match="is not URL-encoded UTF-8"):
        parse(event)


@pytest.mark.parametrize("encoded", ["100%", "%zz", "a%2", "%%20"])
def test_a_bare_percent_is_refused_since_no_cloud_writes_one(encoded):
    event = aws_record("x")
    event["Records"][0]["s3"]["object"]["key"] = encoded

    with pytest.raises(BadEvent, match=r"is not URL-encoded \(it has a bare %\)"):
        parse(event)


def test_a_raw_key_from_eventgrid_is_refused_with_the_switch_to_turn():
    with pytest.raises(BadEvent, match="set Key_encode = true on the EventGrid trigger"):
        parse(eventgrid_raw("100% sure"))
