"""One fault at one request of one task, and what must be true afterwards."""

import itertools
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from bucketrelay.abilities import PartStore
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError
from bucketrelay.model import Address, Deletes, Meta, Outcome, Result, Task
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore
from bucketrelay_emulators.engine.faults import ALWAYS, Fault, Request
from faults.matrix.clouds import SECRET, Cloud
from faults.matrix.known import WRONG
from faults.matrix.scenarios import PART, Operation, Row, Scenario

_numbers = itertools.count(1)
NOTHING = "—"


class Wrong(AssertionError):
    """What must never happen has happened."""


@dataclass
class World:
    """A cloud's store on one side, memory on the other, the real core between them."""

    cloud: Cloud
    side: str
    impatient: "PartStore | None" = None  # instead of the patient one

    def __post_init__(self):
        self.key = f"in/object {next(_numbers)}.bin"
        self.memory = MemoryStore(Address("s3", "memory"), abilities=Abilities(min_part=1))
        self.log = MemoryStore(Address("s3", "log"))
        resources = Resources(PART, Budget(1 << 20, 1), LogCheckpoints(lambda: self.log), pause=lambda seconds: None)
        results = Results(self._urls, lambda: datetime.now(timezone.utc))
        self.converge = Converge(self._store, resources, Fuse(lambda route, most, wanted: wanted), results).one
        self.task = Task("route", "source", self.key, "target", self.key, deletes=Deletes.FOLLOW)

    def _store(self, name: str) -> PartStore:
        if name != self.side:
            return self.memory
        return self.impatient or self.cloud.through

    def _urls(self, task: Task) -> tuple[str, str]:
        source, target = self._store(task.source).address, self._store(task.target).address
        return source.of(task.key), target.of(task.target_key)

    def run(self) -> Result:
        try:
            return self.converge(self.task, Deadline())
        except Exception as error:  # a result is promised, whatever happens
            raise Wrong(f"no result, but {error!r}") from error

    def write(self, body: bytes | None) -> None:
        """The user of the source writes or deletes, past the proxy."""
        if self.side == "target":
            self.memory.remove(self.key) if body is None else self.memory.write(self.key, body)
        elif body is None:
            self.cloud.direct.delete(self.key)
        else:
            self.cloud.direct.put(self.key, body, Meta())

    @property
    def held(self) -> bytes | None:
        """What the target holds under the key; nothing else may be there."""
        if self.side == "source":
            keys, body = self.memory.keys(), self.memory.body(self.key)
        else:
            keys, body = [info.key for info in self.cloud.direct.list()], self._fetched()
        if keys != ([] if body is None else [self.key]):
            raise Wrong(f"the target holds {keys}")
        return body

    def _fetched(self) -> bytes | None:
        try:
            found = self.cloud.direct.fetch(self.key, 1 << 20)
        except RelayError as error:
            raise Wrong(f"the target holds what cannot be read: {error}") from error
        return bytes(found.body) if found else None

    @property
    def uploads(self) -> int:
        """How many uploads are open at the target."""
        return len(list(self.memory.uploads())) if self.side == "source" else len(self.cloud.uploads())

    def tidy(self) -> None:
        self.cloud.proxy.faults.clear()
        for upload in self.cloud.uploads():
            self.cloud.direct.abandon(upload)
        self.cloud.direct.delete(self.key)
        self.cloud.proxy.requests.clear()


def cell(cloud: Cloud, row: Row, operation: Operation) -> str:
    """What comes of the fault, in a few words.

    Raises:
        Wrong: a promise is broken, and not said in `known.py` to be so; or it is said and kept.
    """
    known = WRONG.get((operation.name, row.name), {}).get(cloud.name)
    try:
        words = _all(cloud, row, operation)
    except Wrong as wrong:
        if known is None or known.says not in str(wrong):
            raise
        return f"**{known.words}**"
    if known is not None:
        raise Wrong(f"{cloud.title}, {operation.name}, {row.name}: this goes right now ({words}): tell known.py")
    return words


def _all(cloud: Cloud, row: Row, operation: Operation) -> str:
    said: dict[str, list[str]] = {}
    for scenario in operation.scenarios:
        words = _lasting_and_once(cloud, row, operation, scenario)
        said.setdefault(words, []).append(scenario.name)
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in said.items())


def _lasting_and_once(cloud: Cloud, row: Row, operation: Operation, scenario: Scenario) -> str:
    if row.kind == "delay":
        tries = (_watched(cloud, row, operation, scenario, ALWAYS, store) for store in cloud.impatient)
        return next((words for words in tries if words != NOTHING), NOTHING)
    lasting = _watched(cloud, row, operation, scenario, ALWAYS)
    if lasting == NOTHING:
        return lasting
    once = _watched(cloud, row, operation, scenario, 1)
    return lasting if once == lasting else f"{lasting} (once: {once})"


def _watched(
    cloud: Cloud, row: Row, operation: Operation, scenario: Scenario, times: int, impatient: PartStore | None = None
) -> str:
    world = World(cloud, operation.side)
    try:
        before = _prepared(world, scenario)
        result, met = _disturbed(world, row, operation, times, impatient)
        if met.those <= operation.skip or not _matters(cloud, row, operation):
            return NOTHING
        return _judged(world, operation.believes(row), scenario, result, before)
    except Wrong as wrong:
        how = "once" if times == 1 else "as long as it lasts"
        raise Wrong(f"{cloud.title}, {operation.name} ({scenario.name}), {row.name}, {how}: {wrong}") from wrong
    finally:
        world.tidy()


def _disturbed(
    world: World, row: Row, operation: Operation, times: int, impatient: PartStore | None
) -> "tuple[Result, Met]":
    """Run the task, the fault ordered; what is delayed takes effect after the task has ended."""
    proxy, gate, met = world.cloud.proxy, threading.Event(), Met(operation)
    proxy.requests.clear()
    proxy.faults.order(replace(row.order(operation, gate, times), match=met))
    world.impatient = impatient
    try:
        result = world.run()
    finally:
        world.impatient = None
        proxy.faults.clear()
        gate.set()
    if row.kind == "delay" and not proxy.requests.wait(met.all):
        raise Wrong("what was held was never answered")
    return result, met


class Met:
    """Counts the requests that a fault might be for, and those that it is for."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self.all = self.those = 0

    def __call__(self, request: Request) -> bool:  # under the lock of the faults
        meets = self._operation.meets(request)
        self.all += 1
        self.those += meets
        return meets


def _prepared(world: World, scenario: Scenario) -> bytes | None:
    """What the target holds before the task that is watched."""
    if scenario.first is not None:
        world.write(scenario.first)
        if not world.run().ok or world.held != scenario.first:
            raise Wrong("could not be prepared")
    if scenario.begun is not None:
        world.write(scenario.begun)
        world.cloud.proxy.faults.order(Fault(operation="UploadPart", times=ALWAYS, skip=1))
        if world.run().ok or world.uploads != 1:
            raise Wrong("could not be prepared")
        world.cloud.proxy.faults.clear()
    if scenario.begun is None or scenario.then != scenario.begun:  # the same again would be another version
        world.write(scenario.then)
    return scenario.first


def _matters(cloud: Cloud, row: Row, operation: Operation) -> bool:
    """Whether there were any bytes to spoil."""
    those = [request for request in cloud.proxy.requests if operation.meets(request)][operation.skip :]
    if row.kind in ("cut", "corrupt"):
        return any(request.sent for request in those)
    return row.kind != "corrupt_sent" or any(request.received for request in those)


def _judged(world: World, believed: bool, scenario: Scenario, result: Result, before: bytes | None) -> str:
    """Hold what came of it against the promises; then the same task once more, undisturbed."""
    after, wanted = world.held, scenario.then
    if after not in (before, wanted) and not (believed and after is None):
        raise Wrong(f"the target holds {after!r}; {result}")
    if result.ok and after != wanted and not believed:
        raise Wrong(f"the target holds {after!r}, and the task said it was done: {result}")
    if not result.ok:
        _check_error(world, result)
    again = world.run()
    if not again.ok or world.held != wanted:
        raise Wrong(f"when the fault had ended, the target held {world.held!r}: {again}")
    return _words(result, before, after, wanted, world.uploads)


def _check_error(world: World, result: Result) -> None:
    if result.outcome is not Outcome.FAILED or not result.error:
        raise Wrong(f"no definite result: {result}")
    if result.source not in result.error and result.target not in result.error:
        raise Wrong(f"the error does not name the object: {result}")
    if SECRET in result.error:
        raise Wrong(f"the error tells a secret: {result}")


def _words(result: Result, before: bytes | None, after: bytes | None, wanted: bytes | None, uploads: int) -> str:
    if result.ok:
        words = _DONE[result.outcome] if after == wanted else "believed, and the target deleted"
        if after == before != wanted:
            words = "believed, and nothing done"
    else:
        comes = "comes again" if result.retryable else "to be mended"
        words = f"fails, {comes}, {'target untouched' if after == before else 'yet it is done'}"
    return f"{words}, an upload left open" if uploads else words


_DONE = {Outcome.COPIED: "copied", Outcome.DELETED: "deleted", Outcome.UNCHANGED: "found done"}
