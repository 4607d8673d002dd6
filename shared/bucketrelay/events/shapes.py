"""Recognising a payload by its shape, and opening the envelopes that events travel in."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bucketrelay.errors import BadEvent
from bucketrelay.events import aws, deferral, huawei, oracle, record
from bucketrelay.events.fields import CHECK, at, bounded, decoded, described, hint, is_unicode, items, shown, text
from bucketrelay.events.payload import Message, Payload
from bucketrelay.model import Cloud, ObjectEvent

# The deepest that services build is four: a failure record of an SNS delivery, sent to SQS by way of SNS.
MAX_DEPTH = 8
_ERRORS_SHOWN = 5
_ERROR_LENGTH = 600
_SCHEDULE = "a schedule among other messages: point the schedule at the function itself"
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known on the way in, envelope by envelope."""

    cloud: Cloud | None
    obs_key_encoded: bool
    oci_key_encoded: bool
    cause: str = ""  # the id of the innermost envelope that has one
    depth: int = 0

    def inside(self, cloud: Cloud, cause: str) -> "Reading":
        """The same, one envelope further in; an envelope of one cloud holds events of that cloud."""
        if self.depth == MAX_DEPTH:
            raise BadEvent(f"more than {MAX_DEPTH} envelopes inside each other; {CHECK}")
        return replace(self, cloud=cloud, cause=cause or self.cause, depth=self.depth + 1)


@dataclass(frozen=True, slots=True)
class Shape:
    """A format, how to tell it, who sends it."""

    name: str
    clouds: tuple[Cloud, ...]
    fits: Callable[[Event], bool]
    read: Callable[[Event, Reading], Payload]


def opened(value: object, reading: Reading) -> Payload:
    """The payload in JSON text or a JSON value. Raises BadEvent if it holds no event that could be read."""
    event = decoded(value)
    if isinstance(event, list) and event:
        return _each(bounded(event), reading, _array_item)
    if not isinstance(event, dict):
        raise BadEvent(f"{described(event)} is no event; {CHECK}")
    for shape in SHAPES:
        if shape.fits(event):
            _ours(shape.name, reading, shape.clouds)
            return shape.read(event, reading)
    raise BadEvent(f"{described(event)} is no event that bucketrelay knows; {CHECK}")


def _ours(name: str, reading: Reading, clouds: tuple[Cloud, ...]) -> None:
    if reading.cloud not in (None, *clouds):
        raise BadEvent(f"another service's event: {name}, and this function serves {reading.cloud}; {CHECK}")


def _array_item(item: object, reading: Reading) -> Payload:
    # Connector Hub batches OCI events in an array of objects; text in it would be something else.
    if not isinstance(item, dict):
        raise BadEvent(f"{described(item)} is no event; {CHECK}")
    return opened(item, reading)


# Envelopes


def _lambda_failure(event: Event, reading: Reading) -> Payload:
    cause = hint(event, "requestContext", "requestId")
    return _failed(event["requestPayload"], reading.inside("s3", cause))


def _functiongraph_failure(event: Event, reading: Reading) -> Payload:
    cause = hint(event, "request_context", "request_id")
    return _failed(event["request_payload"], reading.inside("obs", cause))


def _failed(payload: object, reading: Reading) -> Payload:
    if payload is None or payload == "":
        raise BadEvent("a failure record without the event that failed; run `bucketrelay reconcile` for its route")
    found = opened(payload, reading)
    # The answer goes to whoever delivered the failure record, which knows none of the message ids in it.
    return _joined([found]) if found.kind in ("sqs", "batch") else found


def _smn(event: Event, reading: Reading) -> Payload:
    def one(envelope: object, reading: Reading) -> Payload:
        message = huawei.smn_message(envelope)
        if message is None:
            return Payload("test")
        return opened(message, reading.inside("obs", hint(envelope, "smn", "message_id")))

    return _each(items(event, "record"), reading, one)


def _sns(envelope: Event, reading: Reading) -> Payload:
    return opened(text(envelope, "Message"), reading.inside("s3", hint(envelope, "MessageId")))


def _records(event: Event, reading: Reading) -> Payload:
    records = items(event, "Records")
    if any(_is_sqs(one) for one in records):
        _ours("SQS messages", reading, ("s3",))
        return Payload("sqs", tuple(_sqs_message(one, reading) for one in records))
    return _each(records, reading, _record)


def _record(one: object, reading: Reading) -> Payload:
    if at(one, "EventSource") == "aws:sns":
        _ours("an SNS message", reading, ("s3",))
        notification = at(one, "Sns")
        if not isinstance(notification, dict):
            raise BadEvent(f"Sns is {described(notification)}, not an object; {CHECK}")
        return _sns(notification, reading)
    cloud, ambiguous = record.cloud_of(one, reading.cloud)
    return _direct(record.read(one, cloud, cause=reading.cause), ambiguous=ambiguous)


def _is_sqs(one: object) -> bool:
    return at(one, "eventSource") == "aws:sqs"


def _sqs_message(one: object, reading: Reading) -> Message:
    message_id = ""
    try:
        message_id = _sqs_id(one)
        found = _sqs_body(one, reading.inside("s3", message_id))
    except BadEvent as error:
        return Message(message_id, error=f"SQS message {shown(message_id)}: {error}")
    return Message(message_id, found.events, _listed(found.errors), deferrals=found.deferrals)


def _sqs_id(one: object) -> str:
    if not _is_sqs(one):
        raise BadEvent(f"{described(one)} among SQS messages; {CHECK}")
    return text(one, "messageId")


def _sqs_body(one: object, reading: Reading) -> Payload:
    found = _joined([opened(text(one, "body"), reading)])
    if found.kind == "schedule":
        raise BadEvent(_SCHEDULE)
    return found


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
    return _direct(oracle.event(event, encoded=reading.oci_key_encoded))


def _eventbridge(event: Event, _: Reading) -> Payload:
    return _direct(aws.eventbridge(event))


def _eventgrid(event: Event, reading: Reading) -> Payload:
    return _direct(huawei.eventgrid(event, encoded=reading.obs_key_encoded))


def _tasks(event: Event, reading: Reading) -> Payload:
    def one(task: object, _: Reading) -> Payload:
        return Payload("direct", (Message(deferrals=(deferral.read(task),)),))

    return replace(_each(deferral.tasks(event), reading, one), kind="tasks")


# Putting together


def _each(parts: Sequence[object], reading: Reading, read: Callable[[object, Reading], Payload]) -> Payload:
    """Every part on its own, so that a bad one costs its neighbours nothing."""

    def one(number: int, part: object) -> Payload:
        try:
            return read(part, reading)
        except BadEvent as error:
            where = f"record {number} of {len(parts)}: " if len(parts) > 1 else ""
            return Payload("direct", (Message(error=f"{where}{error}"),))

    return _joined([one(number, part) for number, part in enumerate(parts, start=1)])


def _joined(found: Sequence[Payload]) -> Payload:
    """What several parts of one delivery hold, as one payload that is answered as a whole.

    Raises:
        BadEvent: nothing in it could be read.
    """
    if found and all(one.kind == "test" for one in found):
        return Payload("test")
    if len(found) == 1 and found[0].kind == "schedule":
        return found[0]
    messages = [message for one in found for message in one.messages]
    errors = [message.error for message in messages if message.error]
    errors += [_SCHEDULE for one in found if one.kind == "schedule"]
    certain = [event for message in messages if not message.ambiguous for event in message.events]
    doubtful = [event for message in messages if message.ambiguous for event in message.events]
    deferrals = tuple(each for message in messages for each in message.deferrals)
    if errors and not certain and not doubtful and not deferrals:
        raise BadEvent(_listed(errors))
    rest = Message(events=tuple(certain), error=_listed(errors), deferrals=deferrals)
    guess = Message(events=tuple(doubtful), ambiguous=True)
    if not doubtful:
        return Payload("direct", (rest,))
    return Payload("direct", (rest, guess) if certain or errors or deferrals else (guess,))


def _direct(*events: ObjectEvent, ambiguous: bool = False) -> Payload:
    return Payload("direct", (Message(events=events, ambiguous=ambiguous),))


def _listed(errors: Sequence[str]) -> str:
    more = f"; and {len(errors) - _ERRORS_SHOWN} more" if len(errors) > _ERRORS_SHOWN else ""
    # Cut, since an error may itself list those of an inner envelope.
    return "; ".join(error[:_ERROR_LENGTH] for error in errors[:_ERRORS_SHOWN]) + more


_EVERYONE: tuple[Cloud, ...] = ("s3", "obs", "oci")
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
    Shape("storage records", ("s3", "obs"), lambda e: "Records" in e, _records),
)
