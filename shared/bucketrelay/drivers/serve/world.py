"""What `serve` needs of the world."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bucketrelay.jobs.queue import Intake, JobQueue
from bucketrelay.model import Address, Result
from bucketrelay.system import System
from bucketrelay.values import dataclass, field

LONGEST = 16 * 1024 * 1024  # bytes of a body


class Sync(Protocol):
    """Puts jobs into the queue that bring the inventory of a store up to date."""

    def store(self, name: str, prefix: str = "", *, depth: str = "", recursive: bool = True) -> Intake:
        """One job for each key that the store or the inventory has, below *prefix*; only directly below it if told."""

    def key(self, name: str, key: str, *, depth: str = "") -> Intake:
        """One job for one key."""

    def stores(self) -> frozenset[str]:
        """The stores that have been taken stock of."""

    def place(self, number: str) -> tuple[str, str] | None:
        """The store and the key of an object by the id that it has in the inventory, which is its `coms-id`."""


@dataclass(frozen=True, slots=True)
class Guarding:
    """Who may do what. Texts are secrets, and empty where there is none."""

    token: str = field(default="", repr=False)
    read_token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def open(self) -> bool:
        """Whether anybody may do anything: then only loopback is served."""
        return not (self.token or self.read_token or self.user)


@dataclass(frozen=True, slots=True)
class Serving:
    """The world.

    Args:
        record: writes results into the lists: of events that are refused.
        sync: the inventory's jobs.
        stores: the names of all configured stores.
        addresses: where each is: an event of a store that is taken stock of keeps its inventory right.
        coms: the name of a store by the id that COMS's clients know its bucket by.
        coms_default: the store that they mean when they name none.
    """

    system: System
    queue: JobQueue
    record: Callable[[Sequence[Result]], None]
    sync: Sync
    stores: Sequence[str]
    addresses: Mapping[str, Address] = field(default_factory=dict)
    guarding: Guarding = field(default_factory=Guarding)
    coms: Mapping[str, str] = field(default_factory=dict)
    coms_default: str = ""
