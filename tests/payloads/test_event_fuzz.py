"""Whatever arrives, it is read or refused by BadEvent, in one line that can be logged."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketrelay.errors import BadEvent
from bucketrelay.events import Payload, parse
from bucketrelay.model import Change

SAMPLES = {path.stem: json.loads(path.read_bytes()) for path in sorted((Path(__file__).parent / "events").iterdir())}
clouds = st.sampled_from([None, "s3", "obs", "oci"])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
WORDS = ["Records", "record", "request_payload", "requestPayload", "requestContext", "tasks", "body", "smn", "Sns"]
WORDS += [
    "Message",
    "message",
    "messageId",
    "eventSource",
    "EventSource",
    "s3",
    "obs",
    "bucket",
    "object",
    "name",
    "key",
]
WORDS += ["eventType", "source", "data", "detail", "Type", "trigger_type", "user_event", "invocationSchemaVersion"]
WORDS += [
    "invocationId",
    "detail-type",
    "Event",
    "taskId",
    "s3Key",
    "s3Bucket",
    "s3BucketArn",
    "eventName",
    "eventTime",
]
VALUES = ["aws:sqs", "aws:sns", "aws.s3", "aws.events", "HC.OBS.DWR", "TIMER", "Notification", "s3:TestEvent", "OBS"]
VALUES += ["com.oraclecloud.objectstorage.createobject", "ObjectCreated:Put", "Object Created", "a%zz", "%ff", "\ud800"]
VALUES += [
    "2026-02-30T25:61:61Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-01-01T00:00:00+99:99",
]
VALUES += ["{", "[]", "{}", '{"Records": 1}', "null", "arn:aws:s3:::", "minio:s3"]
words = st.sampled_from(WORDS) | st.text(st.characters(), max_size=5)
json_values = st.recursive(
    scalars | st.sampled_from(VALUES),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=6) | inner.map(json.dumps)
    ),  # JSON text in JSON, as envelopes have it
    max_leaves=25,
)


def holds(payload: Payload) -> bool:
    """What `entry` relies on, whatever came in."""
    texts = [payload.note, payload.invocation_id, payload.schema_version]
    for message in payload.messages:
        texts += [message.id, message.error]
        assert "\n" not in message.error
    for event in payload.events:
        texts += [event.bucket, event.key, event.namespace, event.cause]
        assert event.cloud in ("s3", "obs", "oci")
        assert event.change is Change.IGNORED or (event.bucket and 1 <= len(event.key.encode()) <= 1024)
        assert event.time is None or event.time.utcoffset().total_seconds() == 0
        assert event.size is None or event.size >= 0
    return all(isinstance(text, str) and text.encode() is not None for text in texts)


def read_or_refused(payload, **options) -> None:
    try:
        assert holds(parse(payload, **options))
    except BadEvent as error:
        line = str(error)
        assert line
        assert "\n" not in line
        assert line.encode()
        assert len(line) < 5000


@given(payload=json_values, cloud=clouds, encoded=st.booleans())
def test_any_json_is_read_or_refused(payload, cloud, encoded):
    read_or_refused(payload, cloud=cloud, obs_key_encoded=encoded, oci_key_encoded=encoded)


@given(payload=st.dictionaries(words, json_values, min_size=1, max_size=6), cloud=clouds)
def test_any_object_with_familiar_words_is_read_or_refused(payload, cloud):
    read_or_refused(payload, cloud=cloud)
    read_or_refused(json.dumps(payload), cloud=cloud)


@given(payload=st.binary(max_size=200) | st.text(st.characters(), max_size=200), cloud=clouds)
def test_any_bytes_and_any_text_are_read_or_refused(payload, cloud):
    read_or_refused(payload, cloud=cloud)


def nodes(value, path=()):
    """The paths of everything in *value*, through JSON text in JSON."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from nodes(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from nodes(inner, (*path, index))
    elif isinstance(value, str) and value.startswith("{"):
        try:
            inner = json.loads(value)
        except ValueError:
            return
        yield from nodes(inner, (*path, None))


DROP = object()


def changed(value, path, new):
    """A copy of *value* with what is at *path* replaced, or dropped."""
    if not path:
        return new
    step, *rest = path
    if step is None:
        return json.dumps(changed(json.loads(value), rest, {} if new is DROP and not rest else new))
    value = copy.copy(value)
    if new is DROP and not rest:
        del value[step]
    else:
        value[step] = changed(value[step], rest, new)
    return value


REPLACEMENTS = [
    DROP,
    None,
    0,
    -1,
    1e999,
    True,
    "",
    "x",
    "\ud800",
    "%ff",
    "{",
    [],
    {},
    [None],
    [{}],
    {"s3": {}},
    10**400,
]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_with_any_node_dropped_or_replaced_is_read_or_refused(name):
    sample = SAMPLES[name]
    for path in list(nodes(sample))[1:]:
        for new in REPLACEMENTS:
            mutant = changed(sample, path, new)
            for cloud in (None, name.split("-", 1)[0]):
                read_or_refused(mutant, cloud=cloud)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=25)  # for each of the samples
@given(data=st.data())
def test_a_sample_with_several_odd_nodes_is_read_or_refused(name, data):
    mutant = SAMPLES[name]
    for _ in range(data.draw(st.integers(1, 3))):
        paths = list(nodes(mutant))[1:]
        if paths:
            new = data.draw(json_values)
            mutant = changed(mutant, data.draw(st.sampled_from(paths)), new)
    read_or_refused(mutant, cloud=data.draw(clouds))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_cut_anywhere_is_refused_or_read(name):
    content = json.dumps(SAMPLES[name]).encode()
    for end in range(0, len(content), 7):
        with pytest.raises(BadEvent):
            parse(content[:end])
