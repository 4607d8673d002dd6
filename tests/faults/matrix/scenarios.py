"""What is done: tasks whose requests the faults meet, and the faults."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bucketrelay_emulators.engine.faults import Fault, Request

PART = 1024  # bytes: more than an error document has, so that one could pass for a small object
OLD, NEW = b"older", b"newer"
LARGE, LARGER = bytes(range(250)) * 10, bytes(range(250, 0, -1)) * 10  # three parts


@dataclass(frozen=True)
class Scenario:
    """What source and target hold before the task that is watched."""

    name: str
    first: bytes | None  # replicated before, undisturbed
    then: bytes | None  # what the source holds now
    begun: bytes | None = None  # and what a task had begun to send before that


CREATED = Scenario("created", None, NEW)
PARTS = Scenario("in parts", None, LARGE)
OVERWRITTEN = Scenario("overwritten", OLD, NEW)
OVER_PARTS = Scenario("overwritten in parts", OLD, LARGE)
DELETED = Scenario("deleted", OLD, None)
RESUMED = Scenario("resumed", OLD, LARGE, begun=LARGE)
ANEW = Scenario("begun anew", OLD, LARGER, begun=LARGE)
GONE = Scenario("on neither side", None, None)


@dataclass(frozen=True)
class Operation:
    """One of the requests that a task makes, in the words of all clouds."""

    name: str
    side: str  # which store is the cloud's: "source" or "target"; the other is in memory
    requests: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    skip: int = 0  # earlier requests of the same kind

    def meets(self, request: Request) -> bool:
        return request.operation in self.requests

    def believes(self, row: "Row") -> bool:
        """Whether the fault is a lie that must be believed. What answers a HEAD says no words, and is none."""
        return row.lies and self.requests != ("HeadObject",)


OPERATIONS = (
    Operation("look at the target", "target", ("HeadObject",), (CREATED, OVERWRITTEN, PARTS, DELETED)),
    Operation("fetch the source", "source", ("GetObject",), (CREATED, OVERWRITTEN, PARTS, DELETED)),
    Operation("read a part", "source", ("GetObject",), (PARTS, OVER_PARTS), skip=1),
    Operation("look at the source again", "source", ("HeadObject",), (CREATED, OVERWRITTEN, PARTS, DELETED)),
    Operation("put", "target", ("PutObject",), (CREATED, OVERWRITTEN)),
    Operation("begin an upload", "target", ("CreateMultipartUpload",), (PARTS, OVER_PARTS)),
    Operation("put a part", "target", ("UploadPart",), (PARTS, OVER_PARTS)),
    Operation("commit", "target", ("CompleteMultipartUpload", "CommitMultipartUpload"), (PARTS, OVER_PARTS)),
    Operation("list parts", "target", ("ListParts", "ListMultipartUploadParts"), (RESUMED,)),
    Operation("abandon an upload", "target", ("AbortMultipartUpload",), (ANEW,)),
    Operation("delete", "target", ("DeleteObject",), (DELETED,)),
    Operation("make sure that a target is there", "target", ("HeadObject", "GetObject"), (GONE,), skip=1),
)


@dataclass(frozen=True)
class Row:
    """A fault. `gate` holds what is delayed, and is opened when the task has ended."""

    name: str
    fault: Callable[[threading.Event], dict]
    lies: bool = False  # the store says in so many words what is not so

    def order(self, operation: Operation, gate: threading.Event, times: int) -> Fault:
        return Fault(match=operation.meets, skip=operation.skip, times=times, **self.fault(gate))

    @property
    def kind(self) -> str:
        return self.fault(threading.Event()).get("kind", "refuse")


def _status(status: int, code: str = "", name: str = "", *, lies: bool = False) -> Row:
    return Row(name or f"answers {status}", lambda _: {"status": status, "code": code}, lies)


ROWS: Sequence[Row] = (
    _status(401),
    _status(403),
    _status(404, "GatewayNotFound", "answers 404 of something else"),
    _status(404, "NoSuchBucket", "answers 404 no such bucket"),
    _status(404, "", "answers 404 no such key or upload", lies=True),
    _status(409),
    _status(412),
    _status(429),
    _status(500),
    _status(502, "", "answers 502, as a gateway"),
    _status(503),
    Row("hangs, and acts later", lambda gate: {"kind": "delay", "until": gate}),
    Row("hangs up before it acts", lambda _: {"kind": "reset_before"}),
    Row("hangs up after it has acted", lambda _: {"kind": "reset_after"}),
    Row("cuts the answer", lambda _: {"kind": "cut", "after_bytes": 3}),
    Row("changes a byte of the answer", lambda _: {"kind": "corrupt", "after_bytes": 3}),
    Row("changes a byte of the request", lambda _: {"kind": "corrupt_sent", "after_bytes": 3}),
    Row("answers 200 with an error inside", lambda _: {"kind": "error_in_200", "status": 500}),
    Row("sends the request twice", lambda _: {"kind": "duplicate"}),
)
