"""What is known on the way into a payload, and putting together what its parts held."""

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import CHECK
from bucketrelay.events.payload import Message, Payload
from bucketrelay.events.senders import EventKeys, KeyForm, form_from_config
from bucketrelay.model import Cloud, ObjectEvent
from bucketrelay.values import dataclass, field

# The deepest that services build is four: a failure record of an SNS delivery, sent to SQS by way of SNS.
MAX_DEPTH = 8
SCHEDULE = "a schedule among other messages: point the schedule at the function itself"
_ERRORS_SHOWN = 5
_ERROR_LENGTH = 600
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known on the way in, envelope by envelope."""

    cloud: Cloud | None
    event_keys: EventKeys = field(default_factory=lambda: MappingProxyType({}))
    cause: str = ""  # the id of the innermost envelope that has one
    depth: int = 0

    def inside(self, cloud: Cloud | None, cause: str) -> "Reading":
        """The same, one envelope further in; an envelope of one cloud holds events of that cloud."""
        if self.depth == MAX_DEPTH:
            raise BadEvent(f"more than {MAX_DEPTH} envelopes inside each other; {CHECK}")
        return Reading(cloud, self.event_keys, cause or self.cause, self.depth + 1)

    def keys(self, scheme: Cloud, bucket: str, usual: KeyForm) -> KeyForm:
        """How the keys of *bucket* are written: as its store says, else as is *usual* for who sends them."""
        return form_from_config(self.event_keys, scheme, bucket) or usual


def each(parts: Sequence[object], reading: Reading, read: Callable[[object, Reading], Payload]) -> Payload:
    """Every part on its own, so that a bad one costs its neighbours nothing."""

    def one(number: int, part: object) -> Payload:
        try:
            return read(part, reading)
        except BadEvent as error:
            where = f"record {number} of {len(parts)}: " if len(parts) > 1 else ""
            return Payload("direct", (Message(error=f"{where}{error}"),))

    return join([one(number, part) for number, part in enumerate(parts, start=1)])


def join(payloads: Sequence[Payload]) -> Payload:
    """What several parts of one delivery hold, as one payload that is answered as a whole.

    Raises:
        BadEvent: nothing in it could be read.
    """
    if len(payloads) == 1 and (payloads[0].kind in ("schedule", "test") or _plain(payloads[0])):
        return payloads[0]
    if payloads and all(one.kind == "test" for one in payloads):
        return Payload("test")
    messages = [message for one in payloads for message in one.messages]
    errors = [message.error for message in messages if message.error]
    errors += [SCHEDULE for one in payloads if one.kind == "schedule"]
    certain = [event for message in messages if not message.ambiguous for event in message.events]
    doubtful = [event for message in messages if message.ambiguous for event in message.events]
    deferrals = tuple(each for message in messages for each in message.deferrals)
    if errors and not certain and not doubtful and not deferrals:
        raise BadEvent(on_one_line(errors))
    rest = Message(events=tuple(certain), error=on_one_line(errors), deferrals=deferrals)
    guess = Message(events=tuple(doubtful), ambiguous=True)
    if not doubtful:
        return Payload("direct", (rest,))
    return Payload("direct", (rest, guess) if certain or errors or deferrals else (guess,))


def _plain(one: Payload) -> bool:
    """Whether it is as `direct` made it, and without a doubt or an error: nothing has to be put together."""
    if one.kind != "direct" or len(one.messages) != 1:
        return False
    message = one.messages[0]
    return not (message.id or message.error or message.ambiguous or one.http)


def direct(*events: ObjectEvent, ambiguous: bool = False) -> Payload:
    """A payload of one message with these events."""
    return Payload("direct", (Message(events=events, ambiguous=ambiguous),))


def on_one_line(errors: Sequence[str]) -> str:
    """Several errors on one line, the first few of them."""
    more = f"; and {len(errors) - _ERRORS_SHOWN} more" if len(errors) > _ERRORS_SHOWN else ""
    # Cut, since an error may itself list those of an inner envelope.
    return "; ".join(error[:_ERROR_LENGTH] for error in errors[:_ERRORS_SHOWN]) + more
