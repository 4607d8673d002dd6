"""The inventory's jobs: put into the queue, and done."""

from collections.abc import Callable, Sequence

from bucketrelay.deadline import Deadline, under
from bucketrelay.drivers.inventory.one import Keeper, StoreFacts
from bucketrelay.drivers.inventory.whole import sync_store
from bucketrelay.errors import OutOfTime
from bucketrelay.jobs.inventory import DEPTHS, KIND, STORE_KIND, USUAL, key_job, store_job
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Dead, Done, Ending, Enqueuer, Intake, Job, NewJob, Priority, Release

Facts = Callable[[str], StoreFacts]  # a configured store by its name
_AT_ONCE = 1000
_PATIENCE = 20.0  # seconds that who asks for a whole store is kept waiting; most proxies give up after 30 or 60


class InventorySync:
    """Enqueues a job for each key that the store or the inventory has, as COMS does; each of them once.

    Args:
        patience: gives the time for that. What is not enqueued by then becomes one job, which works through all.
    """

    def __init__(
        self,
        keeper: Keeper,
        facts: Facts,
        queue: Enqueuer,
        patience: Callable[[], Deadline] = lambda: Deadline(_PATIENCE),
    ) -> None:
        self._keeper, self._facts, self._queue, self._patience = keeper, facts, queue, patience

    def store(self, name: str, prefix: str = "", *, depth: str = "", recursive: bool = True) -> Intake:
        """The keys below *prefix*; only those directly below it if not *recursive*."""
        facts, gathered = self._facts(name), _Gathered(self._queue)

        def hand_on(key: str) -> None:
            if recursive or "/" not in key[len(prefix) :]:
                gathered.add(key_job(name, key, depth or USUAL, Priority.ORDER))

        # At `full` no key is passed over: what is asked for by hand is looked at.
        try:
            with under(deadline := self._patience()):
                sync_store(self._keeper, facts, prefix, "full", deadline=deadline, hand_on=hand_on)
        except OutOfTime:
            gathered.add(store_job(name, prefix, depth, Priority.ORDER))
        return gathered.end()

    def key(self, name: str, key: str, *, depth: str = "") -> Intake:
        """One key."""
        self._keeper.tables.ask(name)
        return self._queue.enqueue([key_job(name, key, depth or USUAL, Priority.ORDER)])

    def place(self, number: str) -> tuple[str, str] | None:
        """The store and key of an object."""
        return self._keeper.tables.place(number.lower())

    def stores(self) -> frozenset[str]:
        """The stores that have been taken stock of."""
        return self._keeper.tables.stores()


class _Gathered:
    """Jobs on their way into the queue, some at a time."""

    def __init__(self, queue: Enqueuer) -> None:
        self._queue, self._jobs, self._new, self._already = queue, list[NewJob](), 0, 0

    def add(self, job: NewJob) -> None:
        self._jobs.append(job)
        if len(self._jobs) >= _AT_ONCE:
            self.end()

    def end(self) -> Intake:
        intake = self._queue.enqueue(self._jobs)
        self._jobs, self._new, self._already = [], self._new + intake.new, self._already + intake.already
        return Intake(self._new, self._already)


def inventory_kinds(keeper: Keeper, facts: Facts) -> dict[str, Kind]:
    """Who does the jobs: one key, or all of a store."""

    def one(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        del deadline
        return [Ended(_one(job)) for job in jobs]

    def _one(job: Job) -> Ending:
        wanted = _parse(job)
        if wanted is None:
            return Dead("the job names no store and key: was it put into the table by hand?")
        ended = keeper.sync(facts(wanted[0]), wanted[1], wanted[2])
        return Done({"changed": ended.changed})

    def whole(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        return [Ended(_whole(job, deadline)) for job in jobs]

    def _whole(job: Job, deadline: Deadline) -> Ending:
        store, prefix, depth = (str(job.payload.get(name, "")) for name in ("store", "prefix", "depth"))
        try:
            stock = sync_store(keeper, facts(store), prefix, depth or USUAL, deadline=deadline)
        except OutOfTime:
            return Release()
        return Done(stock.members(), failed=not stock.complete)

    return {KIND: Kind(one), STORE_KIND: Kind(whole, stops=True)}


def _parse(job: Job) -> tuple[str, str, str] | None:
    store, key, depth = job.payload.get("store"), job.payload.get("key"), job.payload.get("depth", USUAL)
    if isinstance(store, str) and isinstance(key, str) and isinstance(depth, str) and depth in DEPTHS:
        return store, key, depth
    return None
