"""What is delivered to: the real core."""

from bucketrelay.core.budget import Budget
from bucketrelay.core.converge import Converge
from bucketrelay.core.fuse import Fuse
from bucketrelay.deadline import Deadline
from bucketrelay.model import Result, Task
from faults.stepping import Deliver
from faults.world import EPOCH


def converge(part_size: int = 8) -> Deliver:
    """The core as it runs, new for each task: two tasks share nothing but the stores."""

    def deliver(task: Task, stores) -> Result:
        budget = Budget(1 << 20, threads=1)
        core = Converge(stores, budget, part_size, Fuse(lambda: 0.0), lambda: EPOCH)
        with budget.thread():  # as `Runner` does; with no other thread left, parts go one after another
            return core(task, Deadline(now=lambda: 0.0))

    return deliver
