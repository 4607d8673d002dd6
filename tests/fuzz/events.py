"""What calls a function: the payloads of three clouds, and the tasks that an invocation hands to the next."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bucketrelay.errors import BadEvent
from bucketrelay.events import Deferral, parse
from bucketrelay.events.deferral import payloads
from bucketrelay.model import Change
from fuzz import made
from fuzz.target import Target, nested, one_line
from payloads.event_builders import check_payload

_FOLDER = Path(__file__).resolve().parents[1] / "payloads" / "events"
_CLOUDS = (None, "s3", "obs", "oci")
_SAID = ({}, {(c, "*"): "raw" for c in _CLOUDS[1:]}, {(c, "*"): "encoded" for c in _CLOUDS[1:]})
WORDS = (
    *(
        "Records",
        "record",
        "request_payload",
        "requestPayload",
        "requestContext",
        "tasks",
        "body",
        "smn",
        "Sns",
        "Message",
    ),
    *(
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
        "eventType",
    ),
    *("source", "data", "detail", "Type", "trigger_type", "user_event", "invocationSchemaVersion", "invocationId"),
    *("detail-type", "Event", "taskId", "s3Key", "s3Bucket", "s3BucketArn", "eventName", "eventTime", "bucketrelay"),
    *("version", "route", "target", "change", "attempt", "size", "additionalDetails", "resourceName", "bucketName"),
    *("aws:sqs", "aws:sns", "aws.s3", "aws.events", "HC.OBS.DWR", "TIMER", "Notification", "s3:TestEvent", "OBS"),
    *("com.oraclecloud.objectstorage.createobject", "ObjectCreated:Put", "Object Created", "arn:aws:s3:::", "minio:s3"),
    *("created", "removed"),
)


def samples() -> list[Any]:
    """The captured events, and what a function hands on to itself."""
    deferrals = [
        Deferral("photos", "in/a b.jpg", "mirror", change=Change.CREATED, cause="id", size=7, attempt=3),
        Deferral("all", "é", source="obs://b", change=Change.REMOVED),
    ]
    ours = [json.loads(payload) for _, payload in payloads(deferrals)]
    return [json.loads(path.read_bytes()) for path in sorted(_FOLDER.iterdir())] + ours


def _read(payload: Any) -> None:
    """As each of the entrypoints reads it, and both ways of keys."""
    for number, cloud in enumerate(_CLOUDS):
        try:
            check_payload(parse(payload, cloud=cloud, event_keys=_SAID[number % 3]))
        except BadEvent as error:
            one_line(error)


def _hostile(size: int) -> list[Any]:
    record = samples()[-1]
    inner = '{"Records":[{"eventSource":"aws:sqs","messageId":"m","body":"%s"}]}'
    said = "x" * (size // 40)
    for _ in range(5):
        said = inner % said.replace("\\", "\\\\").replace('"', '\\"')
    return [
        *nested("[", "]", size),
        *nested('{"a":', "}", size, "1"),
        '{"Records":[' + ",".join(["{}"] * (size // 3)) + "]}",
        '{"bucketrelay":{"version":1,"tasks":[' + ",".join(["1"] * (size // 2)) + "]}}",
        '{"bucketrelay":{"version":' + "9" * size + "}}",
        json.dumps(record).replace("photos", "%41" * (size // 3)),
        '{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"' + "%C3" * (size // 3) + '"}}}]}',
        said,
    ]


TARGETS = (
    Target(
        "events",
        _read,
        samples,
        lambda: (
            made.json_values(WORDS)
            | st.dictionaries(st.sampled_from(WORDS), made.json_values(WORDS), min_size=1, max_size=6)
        ),
        (BadEvent,),
        WORDS,
        typed=False,
        hostile=_hostile,
        memory=120,  # json.loads makes a dict of 64 bytes of `{}`
        quick=600,
    ),
    Target(
        "event text",
        _read,
        lambda: [json.dumps(sample).encode() for sample in samples()],
        lambda: st.binary(max_size=200) | made.any_text | made.json_values(WORDS).map(json.dumps),
        (BadEvent,),
        WORDS,
        quick=500,
    ),
)
