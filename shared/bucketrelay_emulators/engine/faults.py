"""Faults to order, and a record of what was asked: shared by the emulators of OBS and OCI and by the proxy.

server.faults.order(Fault(operation="PutObject", kind="reset_after"))      # written, but the answer is lost
server.faults.order(Fault(key="in/*", kind="refuse", status=403, code="AccessDenied", times=ALWAYS))
server.faults.order(Fault(operation="GetObject", kind="cut", after_bytes=10))
server.faults.order(Fault(operation="GetObject", kind="act", act=lambda: bucket.put("a", b"newer")))
assert server.requests.count("PutObject") == 1
"""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

FaultKind = Literal[
    "refuse",
    "throttle",
    "delay",
    "cut",
    "corrupt",
    "corrupt_sent",
    "error_in_200",
    "reset_before",
    "reset_after",
    "duplicate",
    "act",
]
ALWAYS = 1 << 62


@dataclass(frozen=True, slots=True)
class Request:
    """One request that arrived, and how it was answered."""

    method: str
    path: str  # as sent: percent-encoded, without the query
    query: Mapping[str, str]
    operation: str  # in the words of the cloud: PutObject, ListObjects …
    bucket: str
    key: str  # decoded; "" where the request is not about an object
    status: int  # 0: the connection was broken instead of an answer
    headers: Mapping[str, str] = field(repr=False)  # lower case; without the signature
    received: int = 0  # bytes of the request's body
    sent: int = 0  # bytes of the answer's body


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """What is to go wrong, for which requests, and how often.

    Kinds: `refuse` answers *status* and *code*, and does nothing; `throttle` does so to what exceeds *rate* requests in
    any second. `delay` waits *seconds*, or until the event *until* is set, and goes on. `cut` does it, and breaks the
    connection after *after_bytes* of the answer's body, if it has one. `corrupt` turns over one byte of the answer's
    body, at *after_bytes*; `corrupt_sent` one of the request's, before it is done. `error_in_200` does nothing and says
    so in a body under status 200. `reset_before` breaks the connection and does nothing, `reset_after` does it and
    breaks the connection. `duplicate` does it twice, as a proxy that lost the first answer, and gives the second
    answer. `act` calls *act* (somebody else's deed, just before), and goes on.
    """

    kind: FaultKind = "refuse"
    method: str = "*"
    operation: str = "*"  # a glob
    key: str = "*"  # a glob on the decoded key
    match: Callable[[Request], bool] | None = None  # anything else; the request's status is 0 here
    times: int = 1
    skip: int = 0  # let so many matching requests pass first
    status: int = 503
    code: str = ""  # the service's word; "" for the usual one
    message: str = "ordered by a test"
    after_bytes: int = 0
    seconds: float = 0.0
    rate: float = 0.0  # requests a second
    until: threading.Event | None = None
    act: Callable[[], object] | None = None

    def meets(self, request: Request) -> bool:
        """Whether it is for this request."""
        return (
            fnmatchcase(request.method, self.method)
            and fnmatchcase(request.operation, self.operation)
            and fnmatchcase(request.key, self.key)
            and (self.match is None or self.match(request))
        )


class Faults:
    """The orders that are still open; the first that meets a request is taken.

    Args:
        now: a monotonic clock, in seconds, that a `throttle` counts by.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._passed: defaultdict[Fault, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._open: list[Fault] = []
        self._seen: Counter[Fault] = Counter()
        self._closed = threading.Event()

    def order(self, fault: Fault) -> Fault:
        """Order a fault; it holds for the next requests that it meets."""
        with self._lock:
            self._open.append(fault)
        return fault

    def clear(self) -> None:
        """Take all orders back."""
        with self._lock:
            self._open.clear()
            self._seen.clear()
            self._passed.clear()

    @property
    def pending(self) -> int:
        """Orders that have not been used up: 0 proves that a test met its faults."""
        with self._lock:
            return len(self._open)

    def take(self, request: Request) -> Fault | None:
        """The fault for this request, counted as used."""
        with self._lock:
            for fault in self._open:
                if not fault.meets(request) or (fault.kind == "throttle" and self._passes(fault)):
                    continue
                self._seen[fault] += 1
                if self._seen[fault] <= fault.skip:
                    continue
                if self._seen[fault] >= fault.skip + fault.times:
                    self._open.remove(fault)
                return fault
        return None

    def _passes(self, fault: Fault) -> bool:
        """Whether one more request is within the rate; counts it if so."""
        passed, now = self._passed[fault], self._now()
        while passed and passed[0] <= now - 1.0:
            passed.popleft()
        if within := len(passed) < fault.rate:
            passed.append(now)
        return within

    def hold(self, fault: Fault) -> None:
        """Wait as a `delay` orders, but never longer than the server lives."""
        if fault.until is None:
            self._closed.wait(fault.seconds)
            return
        while not (fault.until.wait(0.05) or self._closed.is_set()):
            pass

    def close(self) -> None:
        """Let go whatever is held: the server stops."""
        self._closed.set()


class Requests:
    """The requests so far, in the order in which they were answered."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._all: list[Request] = []

    def add(self, request: Request) -> None:
        """Record one."""
        with self._lock:
            self._all.append(request)
            self._lock.notify_all()

    def wait(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until *count* requests were answered in all, at most *timeout* seconds; whether they were."""
        with self._lock:
            return self._lock.wait_for(lambda: len(self._all) >= count, timeout)

    def count(self, operation: str = "*") -> int:
        """How many there were of the operations that this glob names."""
        return sum(fnmatchcase(request.operation, operation) for request in self)

    def operations(self) -> list[str]:
        """The operations, in order."""
        return [request.operation for request in self]

    def clear(self) -> None:
        """Forget them: what follows is counted from zero."""
        with self._lock:
            self._all.clear()

    def __iter__(self) -> Iterator[Request]:
        with self._lock:
            return iter(tuple(self._all))

    def __len__(self) -> int:
        with self._lock:
            return len(self._all)

    def __getitem__(self, index: int) -> Request:
        with self._lock:
            return self._all[index]
