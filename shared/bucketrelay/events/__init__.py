"""Events of three clouds, in all their envelopes, become `ObjectEvent`s. Pure: JSON in, values out."""

from bucketrelay.events.payload import Deferral, Kind, Message, Payload
from bucketrelay.events.shapes import Reading, opened
from bucketrelay.model import Cloud

__all__ = ["Deferral", "Kind", "Message", "Payload", "parse"]


def parse(
    payload: object, *, cloud: Cloud | None = None, obs_key_encoded: bool = True, oci_key_encoded: bool = False
) -> Payload:
    """What *payload* brings, recognised by its shape.

    Args:
        payload: the JSON value that FunctionGraph and Lambda hand over, or JSON text or bytes.
        cloud: for whom the entrypoint speaks. An OBS record may call itself `aws:s3`, so with None such records come
            back as `ambiguous`, under the name of S3.
        obs_key_encoded: the `Key_encode` of the EventGrid trigger; its events do not reveal it. Records always are.
        oci_key_encoded: whether OCI's `resourceName` is percent-encoded; Oracle does not say.

    An event's `cause` is the id that the cloud gave to it: `x-amz-request-id` or `x-obs-request-id` of a record, the
    id of an EventBridge, EventGrid or OCI event, the task id of Batch Operations. It stays the same when a cloud
    delivers the event twice in two messages. An event without one has the id of the innermost message around it: of
    SNS, SQS, SMN, or the request id in a failure record.

    Raises:
        BadEvent: not an event, or of another cloud than *cloud*, or nothing in it could be read. What can be told
            apart does not raise: a bad SQS message, Batch task or record among good ones is a `Message.error`.
    """
    reading = Reading(cloud=cloud, obs_key_encoded=obs_key_encoded, oci_key_encoded=oci_key_encoded)
    return opened(payload, reading)
