"""Events of three clouds, in all their envelopes, become `ObjectEvent`s. Pure: JSON in, values out."""

from types import MappingProxyType

from bucketrelay.events.payload import Deferral, Kind, Message, Payload
from bucketrelay.events.reading import Reading
from bucketrelay.events.senders import EventKeys, KeyForm
from bucketrelay.events.shapes import open_payload
from bucketrelay.model import Cloud

__all__ = ["Deferral", "EventKeys", "KeyForm", "Kind", "Message", "Payload", "parse"]
_AS_SENT: EventKeys = MappingProxyType({})


def parse(payload: object, *, cloud: Cloud | None = None, event_keys: EventKeys = _AS_SENT) -> Payload:
    """What *payload* brings, recognised by its shape.

    Args:
        payload: the JSON value that FunctionGraph and Lambda hand over, or JSON text or bytes.
        cloud: for whom the entrypoint speaks. An OBS record may call itself `aws:s3`, so with None such records come
            back as `ambiguous`, under the name of S3.
        event_keys: how keys are written in the events of a bucket, where its store says so; otherwise the table of
            senders (`events.senders`) tells. What only the sender's own form can be is read as that form is: records
            of OBS are encoded, EventBridge's keys are not, whatever a store says.

    An event's `cause` is the id that the cloud gave to it: `x-amz-request-id` or `x-obs-request-id` of a record, the
    id of an EventBridge, EventGrid or OCI event, the task id of Batch Operations. It stays the same when a cloud
    delivers the event twice in two messages. An event without one has the id of the innermost message around it: of
    SNS, SQS, SMN, or the request id in a failure record.

    Raises:
        BadEvent: not an event, or of another cloud than *cloud*, or nothing in it could be read. What can be told
            apart does not raise: a bad SQS message, Batch task or record among good ones is a `Message.error`.
    """
    return open_payload(payload, Reading(cloud, event_keys))
