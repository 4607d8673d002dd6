"""Every sample event, as the clouds send it, against what it means."""

import json
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from bucketrelay.events import Payload, parse
from bucketrelay.events.shapes import SHAPES

FOLDER = Path(__file__).parent
SAMPLES = FOLDER / "events"
FUNCTIONS = FOLDER.parents[1] / "functions"

PHOTO = "photos/café menu 1+1.jpg"
CHINESE = "TEST/中 文.jpg"
BUCKET = "src-bucket"
CREATED = [("created", BUCKET, PHOTO)]
REMOVED = [("removed", BUCKET, PHOTO)]
OCI_CREATED = [("created", BUCKET, "photos/menu.jpg")]
OCI_REMOVED = [("removed", BUCKET, "photos/menu.jpg")]

# file: (kind of payload, one list of (change, bucket, key) for each message; None: the message cannot be read)
EXPECTED = {
    "obs-async-failure": ("direct", [[("created", BUCKET, CHINESE)]]),
    "obs-eventgrid-created": ("direct", [[("created", BUCKET, "test.tar")]]),
    "obs-eventgrid-created-encoded": ("direct", [CREATED]),
    "obs-eventgrid-removed": ("direct", [REMOVED]),
    "obs-otc-test-event": ("direct", [CREATED]),
    "obs-records-v2": ("direct", [CREATED]),
    "obs-records-v2-minimal": ("direct", [[("created", BUCKET, "job.png")]]),
    "obs-records-v3": ("direct", [[("created", BUCKET, CHINESE)]]),
    "obs-records-v3-removed": ("direct", [[*REMOVED, ("removed", BUCKET, CHINESE)]]),
    "obs-smn": ("direct", [[("created", BUCKET, CHINESE)]]),
    "obs-smn-test": ("test", []),
    "obs-timer": ("schedule", []),
    "obs-unknown-name": ("direct", [CREATED]),
    "oci-array": ("direct", [OCI_CREATED + OCI_REMOVED]),
    "oci-createbucket": ("direct", [[("ignored", BUCKET, "")]]),
    "oci-createobject": ("direct", [OCI_CREATED]),
    "oci-createobject-docs": ("direct", [OCI_CREATED]),
    "oci-createobject-odd-name": ("direct", [[("created", BUCKET, "a b+%20é.txt")]]),
    "oci-createobject-v1": ("direct", [OCI_CREATED]),
    "oci-deleteobject": ("direct", [OCI_REMOVED]),
    "oci-restoreobject": ("direct", [OCI_CREATED]),
    "oci-updateobject": ("direct", [OCI_CREATED]),
    "s3-apigateway-v1-ceph": ("direct", [CREATED]),
    "s3-apigateway-v2-base64": ("direct", [CREATED]),
    "s3-async-failure": ("direct", [CREATED]),
    "s3-b2-delete": ("direct", [REMOVED]),
    "s3-b2-test": ("test", []),
    "s3-b2-upload": ("direct", [CREATED]),
    "s3-batch-operations-arn-with-region": ("batch", [CREATED]),
    "s3-batch-operations-v1": ("batch", [CREATED]),
    "s3-batch-operations-v2": ("batch", [CREATED]),
    "s3-ceph-lifecycle-expiration": ("direct", [REMOVED]),
    "s3-ceph-put": ("direct", [CREATED]),
    "s3-cloudtrail-delete": ("direct", [REMOVED]),
    "s3-cloudtrail-localstack": ("direct", [CREATED]),
    "s3-cloudtrail-put": ("direct", [CREATED]),
    "s3-delete": ("direct", [REMOVED]),
    "s3-delete-marker": ("direct", [REMOVED]),
    "s3-delete-version": ("direct", [REMOVED]),
    "s3-eventbridge-created": ("direct", [CREATED]),
    "s3-eventbridge-delete-marker": ("direct", [REMOVED]),
    "s3-eventbridge-deleted": ("direct", [REMOVED]),
    "s3-eventbridge-lifecycle": ("direct", [REMOVED]),
    "s3-eventbridge-plus-in-key": ("direct", [[("created", BUCKET, "c++ code/a%2Bb.txt")]]),
    "s3-eventbridge-restore-completed": ("direct", [CREATED]),
    "s3-function-url-minio": ("direct", [CREATED]),
    "s3-lifecycle-expiration": ("direct", [REMOVED]),
    "s3-minio-webhook": ("direct", [CREATED]),
    "s3-moto-record": ("direct", [CREATED]),
    "s3-multipart-unversioned": ("direct", [CREATED]),
    "s3-pipes-sqs": ("sqs", [CREATED]),
    "s3-put": ("direct", [CREATED]),
    "s3-put-v26": ("direct", [CREATED]),
    "s3-r2-delete": ("direct", [REMOVED]),
    "s3-r2-put": ("direct", [CREATED]),
    "s3-restore-completed": ("direct", [CREATED]),
    "s3-rustfs-put": ("direct", [CREATED]),
    "s3-scality-put": ("direct", [CREATED]),
    "s3-schedule": ("schedule", []),
    "s3-seaweedfs-create": ("direct", [CREATED]),
    "s3-seaweedfs-rename": ("direct", [[("removed", BUCKET, "in/a.jpg"), ("created", BUCKET, "out/b.jpg")]]),
    "s3-sns": ("direct", [CREATED]),
    "s3-sqs-body-two-records": ("sqs", [[*CREATED, ("removed", BUCKET, "b")]]),
    "s3-sqs-eventbridge": ("sqs", [CREATED]),
    "s3-sqs-poison": ("sqs", [None, CREATED]),
    "s3-sqs-sns": ("sqs", [CREATED]),
    "s3-sqs-sns-raw": ("sqs", [CREATED]),
    "s3-sqs-test-event": ("sqs", [[]]),
    "s3-sqs-two-records": ("sqs", [CREATED, REMOVED]),
    "s3-storagegrid-put": ("direct", [CREATED]),
    "s3-tagging": ("direct", [[("ignored", BUCKET, PHOTO)]]),
    "s3-test-event": ("test", []),
    "s3-unknown-name": ("direct", [CREATED]),
    "s3-versitygw-array": ("direct", [CREATED]),
}
AMBIGUOUS = {"obs-records-v2", "obs-records-v2-minimal"}


def said(payload: Payload):
    read = [
        None if message.error else [(event.change.value, event.bucket, event.key) for event in message.events]
        for message in payload.messages
    ]
    return payload.kind, read


def raw(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def only(name: str, **options):
    (event,) = parse(raw(name), **options).events
    return event


def test_every_sample_is_in_the_table():
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(EXPECTED)


def shapes_in(value):
    """The names of the shapes that *value*, or what it carries, is recognised by."""
    if isinstance(value, str):  # an envelope's message, or any other text
        with suppress(ValueError):
            value = json.loads(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    yield from (name for each in inside for name in shapes_in(each))
    if isinstance(value, dict):
        yield from [shape.name for shape in SHAPES if shape.fits(value)][:1]


def test_every_shape_has_a_sample():
    recognised = {name for sample in EXPECTED for name in shapes_in(json.loads(raw(sample)))}
    recognised.add("tasks of an earlier invocation")  # ours, and no cloud's: test_deferred_tasks
    assert [shape.name for shape in SHAPES if shape.name not in recognised] == []


@pytest.mark.parametrize("form", [bytes, bytearray, str, dict], ids=lambda form: form.__name__)
@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_means_what_the_table_says_in_every_form_it_is_handed_over(name, form):
    content = raw(name)
    payload = {bytes: content, bytearray: bytearray(content), str: content.decode(), dict: json.loads(content)}[form]
    cloud = name.split("-", 1)[0]

    assert said(parse(payload, cloud=cloud)) == EXPECTED[name]
    assert {event.cloud for event in parse(payload, cloud=cloud).events} <= {cloud}
    assert not parse(payload, cloud=cloud).ambiguous


@pytest.mark.parametrize("name", EXPECTED)
def test_without_a_cloud_only_records_of_version_2_0_are_in_doubt(name):
    payload = parse(raw(name))

    assert said(payload) == EXPECTED[name]
    assert payload.ambiguous == (name in AMBIGUOUS)
    if not payload.ambiguous:
        assert {event.cloud for event in payload.events} <= {name.split("-", 1)[0]}


def test_a_message_is_named_by_the_id_that_its_platform_wants_back():
    assert [message.id for message in parse(raw("s3-sqs-poison")).messages] == [
        "059f36b4-87a3-44ab-83d2-661975970000",
        "059f36b4-87a3-44ab-83d2-661975970001",
    ]
    assert [message.id for message in parse(raw("s3-batch-operations-v2")).messages] == ["dGFza2lkZ29lc2hlcmUK"]
    assert [message.id for message in parse(raw("s3-put")).messages] == [""]


@pytest.mark.parametrize(("name", "version"), [("s3-batch-operations-v1", "1.0"), ("s3-batch-operations-v2", "2.0")])
def test_what_batch_operations_wants_echoed_is_kept(name, version):
    payload = parse(raw(name))

    assert payload.schema_version == version
    assert payload.invocation_id == "YXNkbGZqYWRmaiBhc2RmdW9hZHNmZGpmaGFzbGtkaGZza2RmaAo"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("s3-put", "5NV30C3NV8BJERFV"),
        ("s3-sqs-two-records", "5NV30C3NV8BJERFV"),  # and not the message's, which a second delivery may change
        ("s3-eventbridge-created", "06867d52-424c-a01f-902e-12988b843c28"),
        ("s3-batch-operations-v1", "dGFza2lkZ29lc2hlcmUK"),
        ("s3-moto-record", ""),
        ("obs-records-v2", "4e788bb2744a49a1ab04148b47bf51dc"),
        ("obs-records-v3", "0000017332EXAMPLE"),
        ("obs-eventgrid-created", "b27e6cbff1f6865c83111f130a982f56"),
        ("oci-createobject", "cd5c629a-de5e-defa-c88c-993a237aa86e"),
    ],
)
def test_the_cause_is_the_id_that_the_cloud_gave_to_the_event(name, cause):
    assert parse(raw(name)).events[0].cause == cause


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("s3-put", datetime(2026, 3, 12, 2, 7, 57, 123000, timezone.utc)),
        ("s3-eventbridge-created", datetime(2026, 3, 12, 2, 7, 57, tzinfo=timezone.utc)),
        ("obs-eventgrid-created", datetime(2026, 9, 30, 3, 24, 43, 167931, timezone.utc)),  # not data.eventTime
        ("oci-createobject", datetime(2023, 7, 25, 19, 58, 33, tzinfo=timezone.utc)),
        ("oci-createobject-docs", datetime(2019, 7, 10, 13, 37, 11, 114000, timezone.utc)),
        ("s3-batch-operations-v1", None),
    ],
)
def test_the_time_is_the_events_in_utc(name, time):
    found = only(name).time

    assert found == time
    assert found is None or found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("s3-put", 1024),
        ("s3-delete", None),
        ("s3-eventbridge-created", 1024),
        ("s3-batch-operations-v1", None),
        ("obs-eventgrid-created", 112),
        ("obs-records-v3", 1),
        ("oci-createobject", None),
    ],
)
def test_the_size_is_known_where_the_event_says_it(name, size):
    assert only(name).size == size


def test_an_oci_event_names_the_namespace():
    assert only("oci-createobject").namespace == "mytenancy"
    assert only("oci-createbucket").namespace == "mytenancy"


def test_an_oci_name_is_percent_decoded_only_where_that_is_switched_on():
    assert only("oci-createobject-odd-name", event_keys={("oci", "src-bucket"): "encoded"}).key == "a b+ é.txt"


def test_an_eventgrid_key_is_taken_as_it_is_where_the_trigger_does_not_encode():
    assert (
        only("obs-eventgrid-created-encoded", event_keys={("obs", "*"): "raw"}).key
        == "photos%2Fcaf%C3%A9+menu+1%2B1.jpg"
    )


def test_that_option_leaves_records_alone_which_are_always_encoded():
    assert only("obs-records-v3", event_keys={("obs", "*"): "raw"}).key == CHINESE


def test_a_schedule_carries_what_was_typed_in_its_trigger():
    assert parse(raw("obs-timer")).note == "reconcile photos"
    assert parse(raw("s3-schedule")).note == ""


@pytest.mark.parametrize(
    ("function", "cloud"), [("obs_trigger", "obs"), ("oci_events", "oci"), ("s3_notifications", "s3")]
)
def test_the_event_to_try_a_function_with_is_one_of_its_cloud(function, cloud):
    (event,) = parse((FUNCTIONS / function / "event.json").read_bytes(), cloud=cloud).events

    assert (event.cloud, event.change.value, event.bucket) == (cloud, "created", BUCKET)
