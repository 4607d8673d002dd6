"""Oracle Cloud: the events of Object Storage, as the Events service sends them.

Reference: Oracle "Services that produce events", Object Storage. There is no size and no sequencer; whole seconds
since 2020, milliseconds before; `resourceId` was empty in 2019 and is not used.
"""

from typing import Any

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import hint, moment, quote, text
from bucketrelay.events.keys import decode_percent, place, raw
from bucketrelay.events.reading import Reading
from bucketrelay.model import Change, ObjectEvent

PREFIX = "com.oraclecloud."
_SERVICE = PREFIX + "objectstorage."
_CHANGES = {
    "createobject": Change.CREATED,
    "updateobject": Change.CREATED,  # an overwrite, or metadata alone
    "deleteobject": Change.REMOVED,
}
_DETAILS = ("data", "additionalDetails")


def event(payload: dict[str, Any], reading: Reading) -> ObjectEvent:
    """One event. Unknown types about an object are a reason to look, others are ignored; other services' are refused.

    Whether `resourceName` is percent-encoded, Oracle does not say; public functions take it as it is, and so do we
    unless the store says `event_keys = "encoded"`.
    """
    kind = text(payload, "eventType")
    if not kind.startswith(_SERVICE):
        raise BadEvent(f"another service's event: {quote(kind)} is not of Object Storage; narrow the event rule")
    what = kind.removeprefix(_SERVICE)
    about_object = what.endswith(("object", "objects")) and bool(hint(payload, "data", "resourceName"))
    change = _CHANGES.get(what, Change.CREATED if about_object else Change.IGNORED)
    encoded = reading.keys("oci", hint(payload, *_DETAILS, "bucketName"), "raw") == "encoded"
    decode = decode_percent if encoded else raw
    bucket, key = place(payload, (*_DETAILS, "bucketName"), ("data", "resourceName"), decode=decode, change=change)
    namespace = (hint if change is Change.IGNORED else text)(payload, *_DETAILS, "namespace")
    return ObjectEvent(
        cloud="oci",
        bucket=bucket,
        key="" if what.endswith("bucket") else key,
        change=change,
        namespace=namespace,
        time=moment(payload, "eventTime"),
        cause=hint(payload, "eventID"),
        name=what,
    )
