"""The product's own housekeeping, as one more task of an explored world: what verifies is what runs in production."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bucketrelay.core.verify import AFTER, FOLDER
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.housekeeping import keep_house
from bucketrelay.model import Address, Meta, ObjectInfo, Outcome, Result, Task
from bucketrelay.routes import Route
from bucketrelay.store import Body, Expect, Written
from bucketrelay.system import System
from faults.asking import AskingStore
from faults.world import EPOCH, Bucket

HOUSE = "housekeeping"  # the route of the task that stands for it
# A schedule comes once no request is on its way: what was noted before it is due by then (`due`), and what is noted
# while it is at work is due at the next one, as in the product, where half an hour lies between the two.
LATER = EPOCH + AFTER / 2
_NEW, _OLD = (f"{FOLDER}{when:%Y%m%dT%H%M%SZ}/" for when in (EPOCH + AFTER, EPOCH))
Run = Callable[[Sequence[Task], Deadline], list[Result]]


def marked(table: Bucket) -> bool:
    """Whether the log store *table* has a key to be verified."""
    return any(name.startswith(FOLDER) for name, _ in table.objects)


def due(table: Bucket) -> Bucket:
    """The log store *table* when a schedule comes: half an hour and more has gone by since all its markers were put."""
    aged = {name.replace(_NEW, _OLD): held for name, held in table.objects}
    return table._replace(objects=tuple(sorted(aged.items())))


def route(task: Task) -> Route:
    """The route of which *task* is one."""
    meets = frozenset({task.target}) if task.meets else frozenset()
    place = Address("s3", task.source)
    return Route(task.route, place, task.source, (task.target,), deletes=task.deletes, shared=task.shared, meets=meets)


@dataclass(frozen=True)
class _Log(AskingStore):
    """The log store, of which only the markers are of interest."""

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        if prefix == FOLDER:
            yield from super().list(prefix, after)

    def put(self, key: str, body: Body, meta: Meta, *, expect: Expect = None) -> Written:
        return super().put(key, body, meta, expect=expect) if key.startswith(FOLDER) else Written("")


@dataclass(frozen=True)
class _Runner:
    run: Run


def keep(routes: Sequence[Route], run: Run, stores: Callable[[str], AskingStore]) -> Result:
    """A schedule's housekeeping by the product. What it could not do is due the next time."""
    table = stores("table")
    log = _Log(table.name, table.ask, table.rules)
    system = System(tuple(routes), _Runner(run), lambda: log, stores, 1.0, lambda: LATER, lambda line: None)
    keep_house(system, Deadline(now=lambda: 0.0), "timer")
    return Result(HOUSE, "", "created", "", "", "", Outcome.UNCHANGED, EPOCH)


def wanted(task: Task) -> Task:
    """The housekeeping of a world whose only route *task* is of."""
    return Task(HOUSE, task.source, "", task.target, deletes=task.deletes)


def of(house: Task) -> Route:
    """The route that `wanted` was told of."""
    return route(Task("route", house.source, "", house.target, deletes=house.deletes))
