"""The real core, as something to deliver tasks to."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bucketrelay.abilities import Upload
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import Checkpoint, LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.core.verify import Verify
from bucketrelay.core.writes import SLOW, Writes
from bucketrelay.deadline import Deadline
from bucketrelay.model import Result, Task
from bucketrelay.routes import Route
from bucketrelay.store import Store
from faults.house import HOUSE, keep, of
from faults.world import EPOCH

Stores = Callable[[str], Store]


class Nowhere:
    """Checkpoints that nobody keeps: an interrupted upload is begun anew."""

    def load(self, name: str) -> Checkpoint | None:
        del name

    def save(self, name: str, checkpoint: Checkpoint) -> None:
        del name, checkpoint

    def drop(self, name: str, upload: Upload) -> None:
        del name, upload


class Clock:
    """A clock on which every write that is slow is slow enough to be noted."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def wait(self) -> None:
        """Until all that is under way is slow."""
        self._now += SLOW


def converge(
    part_size: int = 8,
    *,
    checkpoints: bool = False,
    fuse_asks: bool = False,
    following: Callable[[Task], Sequence[Task]] = lambda task: (),
    routes: Sequence[Route] = (),
) -> Callable[[Task, Stores], Result]:
    """The core as it runs, new for each task: two tasks share nothing but the stores.

    The store `table` is the log store: it keeps what is to be verified and, with *checkpoints*, those. The task HOUSE
    is the housekeeping for *routes*. With *fuse_asks*, the delete fuse asks it before each delete.
    """

    def deliver(task: Task, stores: Stores) -> Result:
        budget = Budget(1 << 20, threads=1)
        kept = LogCheckpoints(lambda: stores("table")) if checkpoints else Nowhere()
        clock = Clock()
        writes = Writes(Verify(lambda: stores("table"), stores, lambda: EPOCH), clock, nonce=lambda: "")

        def wait() -> None:
            clock.wait()
            writes.note_slow(Deadline(now=lambda: 0.0))

        def grant(_route: str, _most: int, wanted: int) -> int:
            if fuse_asks:
                stores("table").look("fuse")
            return wanted

        core = Converge(
            lambda name: replace(stores(name), slow=wait),
            Resources(part_size, budget, kept, pause=lambda seconds: None, writes=writes),
            Fuse(grant),
            Results(lambda task: ("", ""), lambda: EPOCH),
            following,
        )

        def run(tasks: Sequence[Task], deadline: Deadline) -> list[Result]:
            """As `Runner` does, in this thread: no other is left, so parts go one after another."""
            ended = [core.one(each, deadline) for each in tasks]
            return [writes.note(each, result, deadline) for each, result in zip(tasks, ended, strict=True)]

        with budget.places(1):
            if task.route == HOUSE:
                return keep(routes or (of(task),), run, stores)
            return run([task], Deadline(now=lambda: 0.0))[0]

    return deliver
