"""Changes in the envelopes in which the platforms bring them, and what the function's answer says of each message."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

# How many messages of a form may come in one payload; the others come alone.
TOGETHER = {"sqs": 10, "sqs-bridge": 10, "sqs-sns": 10, "records": 5, "v2": 5, "array": 8}


@dataclass(eq=False)
class Message:
    """An event on its way to a function, as long as it takes."""

    storm: str
    cloud: str  # in which it happened
    form: str
    told: dict[str, Any]  # as the cloud's process told it
    kill: float | None = None
    time: float | None = None  # seconds of the first invocation; None for enough
    attempts: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def batch(self) -> str:
        """What it may come together with: messages of one queue, or records of one trigger."""
        return "sqs" if self.form.startswith("sqs") else self.form


def payload(batch: Sequence[Message]) -> Any:
    """What the function is called with."""
    first = batch[0]
    if first.batch == "sqs":
        return {"Records": [_queued(message) for message in batch]}
    if first.form in ("direct", "records", "v2"):
        name = {"direct": "records", "records": "v3", "v2": "v2"}[first.form]
        return {"Records": [record for message in batch for record in message.told[name]["Records"]]}
    if first.form == "array":
        return [message.told["event"] for message in batch]
    return _alone(first)


def _alone(message: Message) -> Any:
    if message.form == "sns":
        return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": _sns(message.told["records"])}]}
    if message.form == "bridge":
        return _bridge(message.told["records"]["Records"][0])
    if message.form == "grid":
        return message.told["eventgrid"]
    if message.form == "smn":
        said = {"message": json.dumps(message.told["v3"]), "type": "notification", "subject": "OBS", **_SMN}
        return {"record": [{"event_version": "1.0", "smn": said, "event_source": "smn", **_SUBSCRIBED}]}
    return message.told["event"]


_SMN = {
    "topic_urn": "urn:smn:cn-north-4:0123:obs-events",
    "timestamp": "2026-11-21T09:00:00Z",
    "message_attributes": None,
    "message_id": "bf94b63a5dfb475994d3ac34664e24f2",
}
_SUBSCRIBED = {"event_subscription_urn": "urn:fss:cn-north-4:0123:function:default:repl:latest"}


def _queued(message: Message) -> dict[str, Any]:
    body = message.told["records"]
    if message.form == "sqs-bridge":
        body = _bridge(body["Records"][0])
    if message.form == "sqs-sns":
        body = _sns(body)
    return {
        "messageId": message.id,
        "receiptHandle": f"handle-{message.id}-{message.attempts}",
        "body": json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(message.attempts + 1)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:replicate",
        "awsRegion": "eu-west-1",
    }


def _sns(body: Any) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:replicate",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(body),
        "Timestamp": "2026-11-21T09:00:00.000Z",
    }


def _bridge(record: dict[str, Any]) -> dict[str, Any]:
    """As EventBridge tells what an S3 notification tells; keys are not encoded there."""
    thing = dict(record["s3"]["object"])
    created = record["eventName"].startswith("ObjectCreated")
    thing["key"] = unquote_plus(thing["key"])
    if "eTag" in thing:
        thing["etag"] = thing.pop("eTag")
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created" if created else "Object Deleted",
        "source": "aws.s3",
        "account": "123456789012",
        "time": f"{record['eventTime'][:19]}Z",
        "region": "eu-west-1",
        "resources": [record["s3"]["bucket"]["arn"]],
        "detail": {
            "version": "0",
            "bucket": {"name": record["s3"]["bucket"]["name"]},
            "object": thing,
            "requester": "123456789012",
            **({"reason": "PutObject"} if created else {"deletion-type": "Permanently Deleted"}),
        },
    }


def failed(batch: Sequence[Message], answer: Any) -> list[Message]:
    """The messages that the answer asks to be brought again."""
    if batch[0].batch != "sqs":
        return []
    asked = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    unknown = asked - {message.id for message in batch}
    assert not unknown, f"the function named messages that it was not given: {unknown}"
    return [message for message in batch if message.id in asked]
