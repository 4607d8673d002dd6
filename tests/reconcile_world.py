"""A route between two strict stores in memory, with the real core between them, and what a reconciliation needs."""

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from bucketrelay import routes
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_claims import Claims
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.judge import Depth
from bucketrelay.drivers.reconcile.run import Reconciliation
from bucketrelay.drivers.reconcile.ways import RunAtOnce
from bucketrelay.model import Address, Change
from bucketrelay.routes import Route
from bucketrelay.system import System
from bucketrelay.testing.memory import MemoryStore


class Clock:
    """Every look at it is a second later."""

    def __init__(self):
        self.seconds = itertools.count()

    def __call__(self):
        return datetime(2026, 11, 21, 9, tzinfo=timezone.utc) + timedelta(seconds=next(self.seconds))


@dataclass
class World:
    conditional: bool = True
    versioned: bool = False
    copies: bool = True
    now: Clock = field(default_factory=Clock)
    more: dict = field(default_factory=dict)  # what the route says beside
    beside: dict = field(default_factory=dict)  # what a reconciliation's world has beside

    def __post_init__(self):
        kinds = {"conditional": self.conditional, "now": self.now}
        self.stores = {
            name: MemoryStore(Address("s3", f"{name}-bucket"), versioned=self.versioned, copies=self.copies, **kinds)
            for name in ("source", "target", "other")
        }
        self.stores["log"] = MemoryStore(Address("s3", "logs", prefix="ops/"), **kinds)
        self.route = Route("r", self.source.address, "source", ("target",), **self.more)

    source = property(lambda self: self.stores["source"])
    target = property(lambda self: self.stores["target"])
    log = property(lambda self: self.stores["log"])

    def route_with(self, **more):
        self.route = replace(self.route, **more)
        return self

    @property
    def system(self):
        budget = Budget(1 << 20, 4)
        checkpoints = LogCheckpoints(lambda: self.log)

        def names(task):
            source, target = self.stores[task.source].address, self.stores[task.target].address
            return source.of(task.key), target.of(task.target_key)

        results = Results(names, self.now)
        resources = Resources(8, budget, checkpoints)
        fuse = Fuse(Claims(lambda: self.log, self.now).grant)
        runner = Runner(Converge(self.stores.__getitem__, resources, fuse, results), budget, results)
        return System((self.route,), runner, lambda: self.log, self.stores.__getitem__, 1.0, self.now, lambda _: None)

    def replicate(self, *keys, target="target", change=Change.CREATED):
        """What the events of these keys would have done."""
        tasks = [routes.task_of(self.route, key, target, change=change) for key in keys]
        results = self.system.runner.run(tasks, Deadline())
        assert all(result.ok for result in results), results

    def wish(self, *, check=False, depth="stamp", targets=(), prefix="", streams=1, **more):
        wish = order.wish(self.system, "r", targets, prefix)
        way = {} if check else {"repair": RunAtOnce(self.system, "reconcile"), "way": "run"}
        return replace(wish, depth=Depth(depth), streams=streams, **({"at_most": False} | way | more))

    def begin(self, deadline=None, restart=False, **wish):
        world = replace(order.world(self.system), **self.beside)
        found = Reconciliation(self.wish(**wish), world, deadline or Deadline())
        found.begin(restart=restart)
        return found

    def run(self, **wish):
        """The books of one run, each as it is written."""
        return [book.members() for book in self.begin(**wish).run()]

    def book(self, **wish):
        (book,) = self.run(**wish)
        source = book["right"] + book["missing"] + book["different"] + book["failed"]
        target = sum(book[name] for name in ("right", "different", "surplus", "kept", "unclear", "failed_there"))
        if book["complete"]:
            assert (book["source_objects"], book["target_objects"]) == (source, target), book
        return book

    def counts(self, **wish):
        """What of the book is not nothing."""
        plain = ("route", "target", "time", "seconds", "oldest", "check")
        return {name: value for name, value in self.book(**wish).items() if value and name not in plain}

    def written(self):
        """The books in the log store, None where there are none."""
        names = [key for key in self.log.keys() if key.endswith("/books.json")]
        return json.loads(self.log.body(names[-1])) if names else None

    def lists(self):
        """The keys in the lists of the last books, by kind."""
        names = [key for key in self.log.keys() if key.startswith("reconcile/r/2")]
        last = max(name.split("/")[2] for name in names)
        found = {}
        for name in names:
            if name.split("/")[2] == last and name.endswith(".jsonl"):
                lines = [json.loads(line) for line in self.log.body(name).splitlines()]
                found.setdefault(name.split("/")[3].split(".")[0], []).extend(lines)
        return found

    def listed(self):
        return {kind: [line["key"] for line in lines] for kind, lines in self.lists().items()}
