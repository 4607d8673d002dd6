"""What Huawei Cloud puts around storage records: EventGrid, SMN."""

from functools import partial
from typing import Any

from bucketrelay.errors import BadEvent
from bucketrelay.events import record
from bucketrelay.events.fields import CHECK, at, describe, hint, moment, text
from bucketrelay.events.keys import decode_form, raw
from bucketrelay.events.reading import Reading
from bucketrelay.model import ObjectEvent
from bucketrelay.values import replace

_KEY_ENCODE = 'set Key_encode = true on the EventGrid trigger, or say event_keys = "raw" in the store'


def eventgrid(event: dict[str, Any], reading: Reading) -> ObjectEvent:
    """The event in an EventGrid CloudEvent of source `HC.OBS.DWR`.

    The time is the envelope's: `data.eventTime` was local time marked Z (captured in cn-east-3, 2026-09). Whether keys
    are encoded is the trigger's `Key_encode`, which the event does not reveal: the store's `event_keys` does.
    """
    inner = at(event, "data")
    if not isinstance(inner, dict) or at(inner, "obs") is None:
        raise BadEvent(f"data.obs is missing: data is {describe(inner)}; {CHECK}")
    name = at(inner, "eventName") or hint(event, "type").removeprefix("OBS:DWR:")
    encoded = reading.keys("obs", hint(inner, "obs", "bucket", "name"), "encoded") == "encoded"
    decode = partial(decode_form, remedy=_KEY_ENCODE) if encoded else raw
    payload = record.read({**inner, "eventName": name}, "obs", reading, decode=decode)
    return replace(payload, time=moment(event, "time"), cause=hint(event, "id") or payload.cause)


def smn_message(envelope: object) -> str | None:
    """The event's JSON text in one SMN record; None if it is the plain text of a test.

    OBS sends a test when a notification rule is made (obs_04_0039). What begins like an object was meant as one: if it
    was cut on the way, that is an error and no test.
    """
    message = text(envelope, "smn", "message")
    return message if message.lstrip().startswith(("{", "[{")) else None
