"""Wiring: the bucket's own settings that make its changes call a function. What is asked, what is found, what changes.

A `Wish` says which events shall go where. An adapter (`s3`, `obs`, `oci`: each the only importer of its SDK beside the
stores) turns it into a `Plan` by looking, and carries the plan out. Whatever is configured there already and is not
ours stays as it is, to the byte. Ours is what is named `bucketrelay-<route>`, and nothing else.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from bucketrelay.errors import RelayError
from bucketrelay.values import dataclass

OWN = "bucketrelay-"
PROBES = ".bucketrelay-doctor/"  # below a store's prefix: where `doctor` looks and writes
# ObjectRemoved:* does not include what lifecycle rules expire (user guide, "lifecycle-configure-notification").
CREATED, REMOVED, EXPIRED = "ObjectCreated:*", "ObjectRemoved:*", "LifecycleExpiration:*"

Kind = Literal["function", "queue", "topic", "event_bridge"]
Verb = Literal["add", "replace", "remove", "enable"]
Trouble = Literal["", "clock", "credentials", "bucket", "look"]


class Overlap(RelayError):
    """Somebody else's rule has these keys and events already, and the cloud takes no second one: change that rule."""


class Unwirable(RelayError):
    """This cloud cannot be told so: the text says what can, and what to do by hand."""


class ChangedMeanwhile(RelayError):
    """Somebody changed the bucket's notifications since they were read: nothing was written, run it again."""

    retryable = True


@dataclass(frozen=True, slots=True)
class Wish:
    """The events of a route's source shall go to a target."""

    route: str
    kind: Kind
    target: str = ""  # ARN, URN or OCID; "" for event_bridge

    @property
    def id(self) -> str:
        """What our own entry is called."""
        return own_id(self.route)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that changes. `body` is what the cloud is sent, where it takes each change by itself."""

    verb: Verb
    subject: str
    detail: str
    body: object = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to change; nothing, if `steps` is empty. Of clouds that take a whole document, before and after it."""

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()  # what to know, or still to do by hand
    before: bytes = b""
    after: bytes = b""


class Wire(Protocol):
    """A bucket whose events can be wired."""

    def plan(self, wish: Wish) -> Plan:
        """What would have to change so that *wish* holds. Reads only.

        Raises:
            Overlap: a foreign rule is in the way.
            Unwirable: this cloud knows no such target.
        """

    def plan_undo(self, route: str) -> Plan:
        """What would have to change so that nothing of ours for *route* is left. Reads only."""

    def carry_out(self, plan: Plan) -> None:
        """Do it.

        Raises:
            ChangedMeanwhile: what the plan was made from is not there any more.
        """

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the server said when it was asked for a key that does not exist. `trouble` is "" where that is all."""

    said: str
    trouble: Trouble = ""
    date: datetime | None = None  # the server's clock


@dataclass(frozen=True, slots=True)
class Wired:
    """Which events of a store's keys reach something.

    `enabled` is False where the bucket sends none at all, whatever the rules say. `whole` is False where there may be
    wiring that cannot be seen from the bucket's side.
    """

    events: frozenset[str] = frozenset()  # of CREATED, REMOVED, EXPIRED
    targets: tuple[str, ...] = ()
    enabled: bool = True
    whole: bool = True
    cannot: frozenset[str] = frozenset()  # events that this cloud does not have


@dataclass(frozen=True, slots=True)
class Need:
    """What the configuration asks of the function that runs it."""

    margin: float  # seconds kept back before the deadline
    memory: int  # bytes of objects held at once


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about the function, or about what brings it the events. `ok` is None where nobody can tell."""

    ok: bool | None
    detail: str
    remedy: str = ""


class Health(Protocol):
    """A bucket that can be asked about itself, by harmless requests. All raise RelayError where they are refused."""

    def greet(self) -> Greeting:
        """Ask for a key that does not exist."""

    def versioning(self) -> bool:
        """Whether old versions are kept."""

    def sweeps(self) -> bool:
        """Whether a lifecycle rule removes abandoned multipart uploads of all of the store's keys."""

    def wiring(self) -> Wired:
        """Where the bucket's events go."""

    def facts(self, targets: Sequence[str], need: Need) -> Sequence[Fact]:
        """What can be seen of the limits of the functions behind *targets*."""


class Cloud(Wire, Health, Protocol):
    """Both."""


def own_id(route: str) -> str:
    """What our own entry for *route* is called: the only thing that `plan` replaces and `plan_undo` removes."""
    return OWN + route
