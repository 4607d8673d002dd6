"""What passes between a broker and the rest: frozen values and two Protocols. Standard library only."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol

from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came."""

    body: bytes
    id: str = ""  # as its sender gave it, or its broker
    correlation: str = ""
    offset: int | None = None  # its place in a stream


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to be sent."""

    body: bytes
    key: str  # the routing key; of the default exchange ("") the queue's name
    exchange: str = ""
    correlation: str = ""
    id: str = ""


First = Literal["first", "next"] | datetime  # where a stream is begun that was never read before
Handle = Callable[
    [Delivery], None
]  # returns when its effect is durable; what it raises keeps the message unacknowledged


class Stop(Protocol):
    """Whether, and when, somebody wants us to end; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether it is time to end."""

    def wait(self, timeout: float) -> bool:
        """Wait for it, *timeout* seconds at most. Returns whether it has come."""


class Reader(Protocol):
    """A queue that is read from."""

    def run(self, handle: Handle, stop: Stop) -> None:
        """Hand each message over, and acknowledge it once *handle* has returned, until *stop*.

        Connects again for as long as it takes, whatever the broker does; what was not acknowledged comes again.

        Raises:
            StoreRefused: the broker refuses us from the start: somebody must change something first.
        """


class Sender(Protocol):
    """Where messages are sent."""

    def send(self, letter: Letter) -> None:
        """Returns once the broker has confirmed that it keeps the message.

        Raises:
            StoreUnavailable: it did not; the same message may be sent again.
            StoreRefused: it will not, until somebody changes something.
        """

    def close(self) -> None:
        """Close the connection; `send` opens another."""
