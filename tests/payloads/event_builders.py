"""Small events to build cases from, and what is said when one is refused."""

import json
from pathlib import Path

import pytest

from bucketrelay.errors import BadEvent
from bucketrelay.events import parse


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
