"""Recognising a payload by its shape, and opening the envelopes that events travel in."""

import base64
import binascii
import json
from collections.abc import Callable

from bucketrelay.errors import BadEvent
from bucketrelay.events import aws, deferral, huawei, oracle, record, servers
from bucketrelay.events.fields import (
    CHECK,
    at,
    check_length,
    decode_json,
    describe,
    hint,
    is_unicode,
    items,
    quote,
    text,
)
from bucketrelay.events.payload import Message, Payload
from bucketrelay.events.reading import SCHEDULE, Event, Reading, direct, each, join, on_one_line
from bucketrelay.model import Cloud
from bucketrelay.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Shape:
    """A format, how to tell it, who sends it."""

    name: str
    clouds: tuple[Cloud, ...]
    fits: Callable[[Event], bool]
    read: Callable[[Event, Reading], Payload]


def open_payload(value: object, reading: Reading) -> Payload:
    """The payload in JSON text or a JSON value. Raises BadEvent if it holds no event that could be read."""
    event = decode_json(value)
    if isinstance(event, list) and event:
        return _items(check_length(event), reading)
    if not isinstance(event, dict):
        raise BadEvent(f"{describe(event)} is no event; {CHECK}")
    # What has no other member than `Records`, as most events, can be nothing else: that spares to ask each shape.
    shape = _RECORDS if "Records" in event and len(event) == 1 else _shape_of(event)
    if shape is not None:
        _ours(shape.name, reading, shape.clouds)
        return shape.read(event, reading)
    raise BadEvent(f"{describe(event)} is no event that bucketrelay knows; {CHECK}")


def _shape_of(event: Event) -> Shape | None:
    return next((shape for shape in SHAPES if shape.fits(event)), None)


def _ours(name: str, reading: Reading, clouds: tuple[Cloud, ...]) -> None:
    if reading.cloud not in (None, *clouds):
        raise BadEvent(f"another service's event: {name}, and this function serves {reading.cloud}; {CHECK}")


def _array_item(item: object, reading: Reading) -> Payload:
    # Connector Hub batches OCI events in an array of objects, Versity's gateway sends its record in one; text in it
    # would be something else.
    if not isinstance(item, dict):
        raise BadEvent(f"{describe(item)} is no event; {CHECK}")
    return open_payload(item, reading)


# Envelopes


def _lambda_failure(event: Event, reading: Reading) -> Payload:
    cause = hint(event, "requestContext", "requestId")
    return _unwrap(event["requestPayload"], reading.inside("s3", cause))


def _functiongraph_failure(event: Event, reading: Reading) -> Payload:
    cause = hint(event, "request_context", "request_id")
    return _unwrap(event["request_payload"], reading.inside("obs", cause))


def _unwrap(payload: object, reading: Reading) -> Payload:
    if payload is None or payload == "":
        raise BadEvent("a failure record without the event that failed; run `bucketrelay reconcile` for its route")
    payload_inside = open_payload(payload, reading)
    # The answer goes to whoever delivered the failure record, which knows none of the message ids in it.
    return join([payload_inside]) if payload_inside.kind in ("sqs", "batch") else payload_inside


def _smn(event: Event, reading: Reading) -> Payload:
    def one(envelope: object, reading: Reading) -> Payload:
        message = huawei.smn_message(envelope)
        if message is None:
            return Payload("test")
        return open_payload(message, reading.inside("obs", hint(envelope, "smn", "message_id")))

    return each(items(event, "record"), reading, one)


def _sns(envelope: Event, reading: Reading) -> Payload:
    return open_payload(text(envelope, "Message"), reading.inside("s3", hint(envelope, "MessageId")))


def _http(event: Event, reading: Reading) -> Payload:
    """A webhook's call, as API Gateway, a function URL or FunctionGraph's APIG trigger hand it over."""
    body = text(event, "body")
    if event.get("isBase64Encoded") is True:
        try:
            body = base64.b64decode(body, validate=True).decode()
        except (binascii.Error, ValueError) as error:  # UnicodeDecodeError is a ValueError
            raise BadEvent(f"the body of an HTTP request says that it is base64, and is not; {CHECK}") from error
    cause = hint(event, "requestContext", "requestId")
    return replace(join([open_payload(body, reading.inside(reading.cloud, cause))]), http=True)


def _records(event: Event, reading: Reading) -> Payload:
    return _items(items(event, "Records"), reading, _record)


def _items(
    records: list[object], reading: Reading, read: Callable[[object, Reading], Payload] | None = None
) -> Payload:
    """Records, or an array of events. With SQS messages among them it is a batch; EventBridge Pipes sends it bare."""
    if any(_is_sqs(one) for one in records):
        _ours("SQS messages", reading, ("s3",))
        return Payload("sqs", tuple(_sqs_message(one, reading) for one in records))
    return each(records, reading, read or _array_item)


def _record(one: object, reading: Reading) -> Payload:
    if at(one, "EventSource") == "aws:sns":
        _ours("an SNS message", reading, ("s3",))
        notification = at(one, "Sns")
        if not isinstance(notification, dict):
            raise BadEvent(f"Sns is {describe(notification)}, not an object; {CHECK}")
        return _sns(notification, reading)
    cloud, ambiguous = record.cloud_of(one, reading.cloud)
    return direct(record.read(one, cloud, reading), ambiguous=ambiguous)


def _is_sqs(one: object) -> bool:
    return at(one, "eventSource") == "aws:sqs"


def _sqs_message(one: object, reading: Reading) -> Message:
    message_id = ""
    try:
        message_id = _sqs_id(one)
        inside = _sqs_body(one, reading.inside("s3", message_id))
    except BadEvent as error:
        return Message(message_id, error=f"SQS message {quote(message_id)}: {error}")
    again = hint(one, "attributes", "ApproximateReceiveCount") not in ("", "1")
    return Message(message_id, inside.events, on_one_line(inside.errors), deferrals=inside.deferrals, again=again)


def _sqs_id(one: object) -> str:
    if not _is_sqs(one):
        raise BadEvent(f"{describe(one)} among SQS messages; {CHECK}")
    return text(one, "messageId")


def _sqs_body(one: object, reading: Reading) -> Payload:
    inside = join([open_payload(text(one, "body"), reading)])
    if inside.kind == "schedule":
        raise BadEvent(SCHEDULE)
    return inside


# Single events


def _batch(event: Event, _: Reading) -> Payload:
    return Payload(
        "batch",
        tuple(aws.batch_task(task) for task in items(event, "tasks")),
        invocation_id=text(event, "invocationId"),
        schema_version=text(event, "invocationSchemaVersion"),
    )


def _schedule(note: str) -> Callable[[Event, Reading], Payload]:
    def read(event: Event, _: Reading) -> Payload:
        wanted = at(event, note)
        if not isinstance(wanted, str):
            # Oracle's Resource Scheduler and EventBridge's input take any JSON.
            wanted = _compact(wanted) if wanted else ""
        if not is_unicode(wanted):
            raise BadEvent(f"{note} has a lone surrogate, which no UTF-8 can say; {CHECK}")
        return Payload("schedule", note="" if wanted == "{}" else wanted)

    return read


def _compact(value: object) -> str:
    try:
        return json.dumps(value, separators=(",", ":"))
    except (RecursionError, TypeError, ValueError) as error:
        raise BadEvent(f"the schedule's note is no plain JSON ({type(error).__name__}); {CHECK}") from error


def _oci(event: Event, reading: Reading) -> Payload:
    return direct(oracle.event(event, reading))


def _eventbridge(event: Event, _: Reading) -> Payload:
    return direct(aws.eventbridge(event))


def _eventgrid(event: Event, reading: Reading) -> Payload:
    return direct(huawei.eventgrid(event, reading))


def _r2(event: Event, _: Reading) -> Payload:
    return direct(servers.r2(event))


def _b2(event: Event, reading: Reading) -> Payload:
    def one(part: object, reading: Reading) -> Payload:
        read = servers.b2(part, cause=reading.cause)
        return direct(read) if read else Payload("test")

    return each(items(event, "events"), reading, one)


def _seaweedfs(event: Event, _: Reading) -> Payload:
    return direct(*servers.seaweedfs(event))


def _tasks(event: Event, reading: Reading) -> Payload:
    def one(task: object, _: Reading) -> Payload:
        return Payload("direct", (Message(deferrals=(deferral.read(task),)),))

    return replace(each(deferral.tasks(event), reading, one), kind="tasks")


def _is_http(event: Event) -> bool:
    # API Gateway 1.0, load balancers and APIG say httpMethod; API Gateway 2.0 and function URLs requestContext.http
    return (
        "body" in event
        and "requestContext" in event
        and ("httpMethod" in event or bool(at(event, "requestContext", "http")))
    )


def _is_record(event: Event) -> bool:
    return "eventName" in event and (isinstance(event.get("s3"), dict) or isinstance(event.get("obs"), dict))


def _is_b2(event: Event) -> bool:
    inside = event.get("events")
    return isinstance(inside, list) and bool(inside) and hint(inside[0], "eventType").startswith("b2:")


_EVERYONE: tuple[Cloud, ...] = ("s3", "obs", "oci")
_RECORDS = Shape("storage records", ("s3", "obs"), lambda e: "Records" in e, _records)
# The first that fits is taken: a failure record may carry any of the others.
SHAPES = (
    Shape("a FunctionGraph failure record", ("obs",), lambda e: "request_payload" in e, _functiongraph_failure),
    Shape(
        "a Lambda failure record",
        ("s3",),
        lambda e: "requestContext" in e and "requestPayload" in e,
        _lambda_failure,
    ),
    Shape("tasks of an earlier invocation", _EVERYONE, lambda e: deferral.NAME in e, _tasks),
    Shape("S3 Batch Operations", ("s3",), lambda e: "invocationSchemaVersion" in e and "tasks" in e, _batch),
    # OBS may send it as well where it speaks S3's format; nothing is done for it either way.
    Shape("S3's test event", ("s3", "obs"), lambda e: e.get("Event") == "s3:TestEvent", lambda _e, _r: Payload("test")),
    # Oracle's Resource Scheduler sends whatever its body parameter says: this shape, if it follows our templates.
    Shape("a timer", _EVERYONE, lambda e: e.get("trigger_type") == "TIMER", _schedule("user_event")),
    Shape(
        "an EventBridge schedule",
        ("s3",),
        lambda e: e.get("source") in ("aws.events", "aws.scheduler"),
        _schedule("detail"),
    ),
    Shape("an OCI event", ("oci",), lambda e: hint(e, "eventType").startswith(oracle.PREFIX), _oci),
    Shape("an EventBridge event of S3", ("s3",), lambda e: e.get("source") == "aws.s3", _eventbridge),
    Shape("an EventGrid event of OBS", ("obs",), lambda e: e.get("source") == "HC.OBS.DWR", _eventgrid),
    Shape("an SMN message", ("obs",), lambda e: "record" in e, _smn),
    Shape("an SNS message", ("s3",), lambda e: e.get("Type") == "Notification" and "Message" in e, _sns),
    Shape("an HTTP request", _EVERYONE, _is_http, _http),
    _RECORDS,
    Shape("a storage record", ("s3", "obs"), _is_record, _record),
    Shape("a message of Cloudflare R2", ("s3",), lambda e: {"account", "action", "bucket", "object"} <= e.keys(), _r2),
    Shape("events of Backblaze B2", ("s3",), _is_b2, _b2),
    Shape("an event of SeaweedFS", ("s3",), lambda e: "event_type" in e and "key" in e, _seaweedfs),
)
