"""What a function was called with, as values: the seam between the clouds' formats and `entry`."""

from datetime import datetime
from typing import Literal

from bucketrelay.model import Change, ObjectEvent
from bucketrelay.values import dataclass

Kind = Literal["direct", "tasks", "sqs", "batch", "schedule", "test"]


@dataclass(frozen=True, slots=True)
class Deferral:
    """A task that an earlier invocation could not finish, as that one told this one.

    Anybody who may call the function can say this as well, so it names nothing but what the configuration knows, and
    is planned anew (`routes.replan`). The rest is for the lists.
    """

    route: str
    key: str  # relative to the route's source store
    target: str = ""  # the target store's name; "": the route's forward
    source: str = ""  # where the route takes events of any bucket: the URL of the bucket
    change: Change = Change.CREATED
    cause: str = ""
    time: datetime | None = None
    size: int | None = None
    attempt: int = 1  # how many invocations have had it
    differs: bool = False  # the bytes of both sides were compared, and differ


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that the platform delivered and wants an answer for.

    With `error`, something in it could not be read and the message has to be reported as failed. `events` are what
    could be read all the same: run them, so that no good record waits for its neighbour.
    """

    id: str = ""  # SQS messageId, Batch Operations taskId; "": the payload as a whole (in `sqs`, `batch`: it had none)
    events: tuple[ObjectEvent, ...] = ()  # may be empty without an error: a test message
    error: str = ""  # one line
    ambiguous: bool = False  # all `events` say cloud "s3" and may as well be OBS's: the configuration has to tell
    deferrals: tuple[Deferral, ...] = ()
    again: bool = False  # the platform has delivered it before, and does not know what became of that


@dataclass(frozen=True, slots=True)
class Payload:
    """All that one call of a function brought.

    kind        | messages                                                          | the platform expects
    ------------|-------------------------------------------------------------------|--------------------------------
    direct      | one; two if only some of its records are ambiguous                | an exception, if any has failed
    tasks       | one, with the deferrals of an earlier invocation                  | an exception, if any has failed
    sqs         | one for each SQS message, in their order                          | `batchItemFailures`, by `id`
    batch       | one for each task of S3 Batch Operations                          | `results`, by `id`
    schedule    | none; `note` says what is wanted                                  | an exception, if it failed
    test        | none                                                              | nothing: acknowledge
    """

    kind: Kind
    messages: tuple[Message, ...] = ()
    note: str = ""  # schedule: the text typed in the trigger, or the event's detail
    invocation_id: str = ""  # batch: to be echoed
    schema_version: str = ""  # batch: to be echoed
    http: bool = False  # it came as an HTTP request, and the answer is to be an HTTP response

    @property
    def events(self) -> tuple[ObjectEvent, ...]:
        """The events of all messages."""
        return tuple(event for message in self.messages for event in message.events)

    @property
    def deferrals(self) -> tuple[Deferral, ...]:
        """The deferrals of all messages."""
        return tuple(deferral for message in self.messages for deferral in message.deferrals)

    @property
    def errors(self) -> tuple[str, ...]:
        """The errors of all messages."""
        return tuple(message.error for message in self.messages if message.error)

    @property
    def ambiguous(self) -> bool:
        """Whether only the configuration can tell of which cloud some of the events are."""
        return any(message.ambiguous for message in self.messages)
