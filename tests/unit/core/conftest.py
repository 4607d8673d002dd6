"""A small world: a source, a target, and a core between them."""

import itertools
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_claims import Claims
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline
from bucketrelay.model import Address, Change, Deletes, Result, Task
from bucketrelay.testing.memory import MemoryStore


class Clock:
    """Every look at it is a second later, so that no two writes are of the same second."""

    def __init__(self):
        self.seconds = itertools.count()

    def __call__(self):
        return datetime(2026, 11, 21, 9, tzinfo=timezone.utc) + timedelta(seconds=next(self.seconds))


@dataclass
class World:
    source: MemoryStore
    target: MemoryStore
    more: dict[str, MemoryStore] = field(default_factory=dict)
    deletes: Deletes = Deletes.FOLLOW
    part_size: int = 8
    memory: int = 1024
    threads: int = 4
    monotonic: object = time.monotonic
    now: object = field(default_factory=Clock)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self):
        self.budget = Budget(self.memory, self.threads)
        self.log = MemoryStore(Address("s3", "logs"))
        self.fuse = Fuse(Claims(lambda: self.log, lambda: datetime.now(timezone.utc)).grant, self.monotonic)
        self.checkpoints = LogCheckpoints(lambda: self.log)

    def store(self, name):
        return {"source": self.source, "target": self.target, **self.more}[name]

    @property
    def core(self):
        resources = Resources(self.part_size, self.budget, self.checkpoints, self.pauses.append)
        return Converge(self.store, resources, self.fuse, Results(self.urls, self.now))

    def urls(self, task):
        source, target = self.store(task.source).address, self.store(task.target).address
        return source.of(task.key), target.of(task.target_key)

    def converge(self, task, deadline):
        return self.core.one(task, deadline)

    def task(self, key="k", change=Change.CREATED, **kw):
        task = Task("route", "source", key, "target", key, change=change, deletes=self.deletes, cause="event-1")
        return replace(task, **kw)

    def run(self, key="k", change=Change.CREATED, deadline=None, **kw) -> Result:
        return self.converge(self.task(key, change, **kw), deadline or Deadline())

    @property
    def requests(self):
        return [
            f"{name}.{verb}"
            for name, store in (("source", self.source), ("target", self.target))
            for verb, _ in store.calls
        ]

    def forget(self):
        self.source.calls.clear()
        self.target.calls.clear()

    def equal(self):
        bodies = {key: self.source.body(key) for key in self.source.keys()}
        return bodies == {key: self.target.body(key) for key in self.target.keys()}


@pytest.fixture(params=[True, False], ids=["conditional", "unconditional"])
def conditional(request):
    return request.param


@pytest.fixture
def world(conditional):
    clock = Clock()
    return World(
        MemoryStore(Address("s3", "source"), now=clock),
        MemoryStore(Address("obs", "target"), now=clock, conditional=conditional),
    )
