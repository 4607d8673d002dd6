"""What a driver needs of the world, as one value that is passed in."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from types import MappingProxyType

from bucketrelay.core.delete_claims import Claims
from bucketrelay.core.pauses import Pauses, Why
from bucketrelay.core.run import Runner
from bucketrelay.core.verify import Verify
from bucketrelay.deadline import Deadline
from bucketrelay.events import EventKeys
from bucketrelay.routes import Route
from bucketrelay.store import Store
from bucketrelay.values import dataclass, field

Trace = Callable[["System", str], "AbstractContextManager[System]"]
Defer = Callable[[bytes], None]  # calls this function again with a payload, asynchronously, or raises a RelayError


@dataclass(frozen=True, slots=True)
class System:
    """What an invocation needs of the world; made by `bucketrelay.wiring`, once a process."""

    routes: tuple[Route, ...]
    runner: Runner
    log: Callable[[], Store]  # the store that receives the lists
    store: Callable[[str], Store]  # a configured store by its name; raises ConfigError where there is none
    margin: float  # seconds kept back before the platform's deadline
    now: Callable[[], datetime]
    emit: Callable[[str], None]  # takes a log line
    metrics: bool = False  # log lines that CloudWatch reads metrics from
    event_keys: EventKeys = field(default_factory=lambda: MappingProxyType({}))  # what stores say of their events' keys
    clock: Callable[[], float] = time.monotonic  # what is left of an invocation is told by it
    sleep: Callable[[float], None] = time.sleep  # waits for so many seconds
    defer: Defer | None = None  # None: what is unfinished comes again by the platform alone
    connect: Callable[[Iterable[str]], None] = lambda _: None  # begins to connect to stores that are about to be asked
    close: Callable[[], None] = lambda: None  # closes the connections of the stores: for who ends before the process
    reconcile: Callable[[str, Deadline, str], None] | None = None  # a route, for an invocation; what a schedule may ask
    rests: Why = lambda _: ""  # why nothing of a route is to be done now
    alarms: Callable[[], object] = lambda: None  # tells those that have changed; raises RelayError
    # Traces what is done with the system that it gives, under the platform's id of the invocation.
    traced: Trace = lambda system, _: nullcontext(system)
    # Abandons uploads that nobody goes on with: how many, and what could not be; done when a schedule calls.
    sweep: Callable[[], tuple[int, list[str]]] | None = None

    @property
    def verify(self) -> Verify:
        """The keys that have to be looked at once more."""
        return Verify(self.log, self.store, self.now)

    @property
    def fuses(self) -> Claims:
        """The routes' delete fuses, as all processes share them."""
        return Claims(self.log, self.now)

    @property
    def pauses(self) -> Pauses:
        """The marks of routes that somebody has paused."""
        return Pauses(self.log)
