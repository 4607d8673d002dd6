"""The real core, as something to deliver tasks to."""

from collections.abc import Callable, Sequence

from bucketrelay.abilities import Upload
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import Checkpoint, LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline
from bucketrelay.model import Result, Task
from bucketrelay.store import Store
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


def converge(
    part_size: int = 8,
    *,
    checkpoints: bool = False,
    fuse_asks: bool = False,
    following: Callable[[Task], Sequence[Task]] = lambda task: (),
) -> Callable[[Task, Stores], Result]:
    """The core as it runs, new for each task: two tasks share nothing but the stores.

    With *checkpoints*, the store `table` is the log store that keeps them; with *fuse_asks*, the delete fuse asks it
    before each delete.
    """

    def deliver(task: Task, stores: Stores) -> Result:
        budget = Budget(1 << 20, threads=1)
        kept = LogCheckpoints(lambda: stores("table")) if checkpoints else Nowhere()
        resources = Resources(part_size, budget, kept, pause=lambda seconds: None)

        def grant(_route: str, _most: int, wanted: int) -> int:
            if fuse_asks:
                stores("table").look("fuse")
            return wanted

        core = Converge(
            stores,
            resources,
            Fuse(grant),
            Results(lambda task: ("", ""), lambda: EPOCH),
            following,
        )
        with budget.places(1):  # as `Runner` does; no other thread is left, so parts go one after another
            return core.one(task, Deadline(now=lambda: 0.0))

    return deliver
