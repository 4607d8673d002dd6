"""Small events to build cases from, and what is said when one is refused."""

import json
from pathlib import Path

import pytest

from bucketrelay.errors import BadEvent
from bucketrelay.events import parse
from bucketrelay.model import Change


def sample(name):
    return json.loads((Path(__file__).parent / "events" / f"{name}.json").read_bytes())


def record(key="k", *, part="s3", bucket="src-bucket", **fields):
    return (
        {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
        | {part: {"bucket": {"name": bucket}, "object": {"key": key}}}
        | fields
    )


def records(*some):
    return {"Records": list(some)}


def sqs(*bodies):
    return records(
        *({"eventSource": "aws:sqs", "messageId": f"m{n}", "body": body} for n, body in enumerate(bodies, start=1))
    )


def refusal(payload, **options) -> str:
    with pytest.raises(BadEvent) as caught:
        parse(payload, **options)
    return str(caught.value)


def failure(payload):
    return {"requestContext": {"requestId": "r"}, "requestPayload": payload}


def check_payload(payload):
    """Fail where it is not what the drivers rely on, whatever came in."""
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
    for deferral in payload.deferrals:
        texts += [deferral.route, deferral.key, deferral.target, deferral.source, deferral.cause]
        assert deferral.attempt >= 1
    assert all(isinstance(text, str) and text.encode() is not None for text in texts)
