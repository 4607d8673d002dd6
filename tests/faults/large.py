"""Larger worlds at random: several keys, stores and routes, objects in parts, many faults. A seed says all of it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bucketrelay.core.converge import ROUNDS
from bucketrelay.errors import OutcomeUnknown, OutOfTime, StoreUnavailable
from bucketrelay.model import Deletes, Meta, Result, Task
from faults.house import HOUSE, due, marked, route
from faults.small import unstamped
from faults.stepping import Tape, advance
from faults.strategies import converge
from faults.world import SLOW, WRITES, Answer, Bucket, Operation, Rules, frozen, perform, removed, written

PART = 2
ACTS, FAULTS = 12, 6
LOG = "table"  # where the checkpoints are
STEPS = 20_000  # far above what any of these worlds needs to come to rest
REQUESTS = ROUNDS * 20  # of one task: each time an object of five parts, read and written, and what is around it


@dataclass(frozen=True)
class Layout:
    """Who is replicated to whom; and for each key the stores that users write it in, one letter each."""

    name: str
    routes: tuple[tuple[str, str], ...]
    writers: dict[str, str]
    meets: bool = False
    told: bool = False  # tasks know a size: then both sides are looked at side by side

    def task(self, source: str, key: str, target: str, deletes: Deletes) -> Task:
        """What an event of *key* in *source* becomes for one target."""
        size = 1 if self.told else None
        return Task(f"{source} to {target}", source, key, target, key, deletes=deletes, meets=self.meets, size=size)

    def following(self, task: Task) -> list[Task]:
        """What an event of the task's target becomes."""
        pairs = [(source, target) for source, target in self.routes if source == task.target]
        return [self.task(source, task.target_key, target, task.deletes) for source, target in pairs]


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("pair", (("a", "b"),), {"x": "a", "y": "a"}),
        Layout("fan-out", (("a", "b"), ("a", "c")), {"x": "a", "y": "a"}),
        Layout("facing", (("a", "b"), ("b", "a")), {"x": "a", "y": "b"}),
        Layout("ring", (("a", "b"), ("b", "c"), ("c", "a")), {"x": "a", "y": "b"}),
        Layout("chain", (("a", "b"), ("b", "c"), ("c", "d")), {"x": "a"}),
        Layout("facing, both written", (("a", "b"), ("b", "a")), {"x": "ab", "y": "ab"}, meets=True),
        Layout("ring, all written", (("a", "b"), ("b", "c"), ("c", "a")), {"x": "abc", "y": "ab"}, meets=True),
    )
}


@dataclass
class _Running:
    task: Task
    answers: list[Answer] = field(default_factory=list)
    next: Operation | None = None


class Wrong(AssertionError):
    """The world ended wrong, or not at all; the text tells how to see it again."""


class Large:
    """One world, run to its end by `run`. `steps` and `acts` say how much happened."""

    def __init__(self, layout: Layout, seed: int) -> None:
        self._seed = seed
        self._dice = random.Random(f"{layout.name} {seed}")
        flip = self._flip
        self._layout = layout = replace(layout, told=flip())
        self._deletes = self._dice.choice(list(Deletes))
        routes = [route(layout.task(source, "", target, self._deletes)) for source, target in layout.routes]
        self._deliver = converge(PART, checkpoints=True, following=layout.following, routes=routes)
        stores = sorted({name for route in layout.routes for name in route})
        self._rules = {name: Rules(flip(), flip(), versioned=flip(), terse=flip(), early=flip()) for name in stores}
        self._rules[LOG] = Rules()
        self._buckets = {name: Bucket() for name in self._rules}
        self._running: list[_Running] = []
        self._late: list[Operation] = []
        self._versions: set[tuple] = set()
        self._acts, self._faults = ACTS, FAULTS
        self._log: list[str] = []
        self.steps = 0

    def _flip(self, chance: float = 0.5) -> bool:
        return self._dice.random() < chance

    def run(self) -> None:
        """Until nothing is left to do; raises Wrong."""
        while self._acts or self._running or self._late or self._marked:
            self.steps += 1
            if self.steps > STEPS:
                self._wrong(f"not at rest after {STEPS} steps")
            if self._acts and (not self._running or self._flip(0.1)):
                self._act()
            elif self._late and (not self._running or self._flip(0.05)):
                self._land()
            elif self._marked and not self._late and not self._running:
                self._buckets[LOG] = due(self._buckets[LOG])
                self._running.append(_Running(Task(HOUSE, "", "")))
            elif self._running:
                self._go_on(self._dice.choice(self._running))
        for complaint in self._complaints():
            self._wrong(complaint)

    @property
    def _marked(self) -> bool:
        return marked(self._buckets[LOG])

    # The user.

    def _act(self) -> None:
        self._acts -= 1
        key = self._dice.choice(sorted(self._layout.writers))
        name = self._dice.choice(self._layout.writers[key])
        held = self._buckets[name].get(key)
        act = self._dice.choice(["write", "write", "overwrite", "touch", "delete"]) if held else "write"
        before = self._buckets[name]
        if act == "delete":
            after = removed(before, key)
        else:
            number = ACTS - self._acts
            size = self._dice.randrange(10) if act == "write" else len(held.body)
            body = held.body if act == "touch" else bytes([64 + number]) * size
            meta = frozen(Meta(user={"v": str(number)}))
            self._versions.add((body, meta))
            after = written(before, key, body, meta, self._rules[name])
        self._log.append(f"user: {act} {name}/{key}")
        self._changed(name, key, after)

    def _changed(self, name: str, key: str, after: Bucket) -> None:
        """The bucket says so to all whom it may concern, once or twice."""
        before, self._buckets[name] = self._buckets[name], after
        if before.get(key) == after.get(key):
            return
        for source, target in self._layout.routes:
            if source == name:
                task = self._layout.task(source, key, target, self._deletes)
                self._running += [_Running(task) for _ in range(1 + self._flip(0.15))]

    # The tasks.

    def _go_on(self, running: _Running) -> None:
        if running.next is None:
            self._resume(running)
            return
        operation = running.next
        if self._faults and self._flip(0.04):
            self._faults -= 1
            self._fault(running, operation)
            return
        self._answer(running, self._do(operation))

    def _do(self, operation: Operation) -> Answer:
        after, answer = perform(self._buckets[operation.store], operation, self._rules[operation.store])
        self._log.append(f"{operation} -> {answer}")
        held = after.get(operation.key)
        if operation.store != LOG and held and (held.body, unstamped(held.meta)) not in self._versions:
            self._wrong(f"{operation.store}/{operation.key} holds {held.body!r}: no version was ever so")
        self._changed(operation.store, operation.key, after)
        return answer

    def _answer(self, running: _Running, answer: Answer) -> None:
        running.answers.append(answer)
        if len(running.answers) > REQUESTS:
            self._wrong(f"a task has made more than {REQUESTS} requests")
        self._resume(running)

    def _resume(self, running: _Running) -> None:
        end = advance(self._deliver, running.task, tuple(running.answers), self._rules, remember=False)
        if isinstance(end, Tape):
            running.next = end.stopped_at
            return
        self._running.remove(running)
        self._ended(running.task, end)

    def _ended(self, task: Task, result: Result) -> None:
        self._log.append(f"{task.source}/{task.key} to {task.target}: {result.outcome.value} {result.error}")
        if not result.ok:
            if not result.retryable:
                self._wrong(f"a task gave up for good: {result.error}")
            self._running.append(_Running(task))

    def _fault(self, running: _Running, operation: Operation) -> None:
        """Killed, refused or out of time here; or, while it was writing, killed or left without an answer."""
        fault = self._dice.choice(["kill", "fail", *(["outlive", "unknown"] if operation.verb in WRITES else [])])
        self._log.append(f"{fault}: {operation}")
        if fault == "fail":
            self._answer(running, Answer("not now", self._dice.choice([StoreUnavailable, OutOfTime])))
            return
        late = fault == "outlive" or (fault == "unknown" and self._flip())
        if late:
            self._late.append(operation)
        if fault == "unknown":
            if not late and self._flip():
                self._do(operation)
            self._answer(running, Answer("no answer came", OutcomeUnknown))
            return
        if fault == "outlive":
            self._be_slow(running, operation)
        self._running.remove(running)
        self._running.append(_Running(running.task))

    def _be_slow(self, running: _Running, operation: Operation) -> None:
        """The write takes so long that the product puts its marker."""
        self._answer(running, SLOW)
        while running.next != operation:
            self._answer(running, self._do(running.next))

    def _land(self) -> None:
        operation = self._late.pop(self._dice.randrange(len(self._late)))
        self._log.append("late:")
        self._do(operation)

    # What must hold.

    def _complaints(self) -> Iterator[str]:
        for key, writers in self._layout.writers.items():
            if len(writers) > 1:
                yield from self._differing(key)
                continue
            writer = writers
            held = self._buckets[writer].get(key)
            for name in self._buckets.keys() - {LOG}:
                copy = self._buckets[name].get(key)
                if held is None and (copy is None or self._deletes is Deletes.KEEP):
                    continue
                if not (held and copy and _shown(held) == _shown(copy)):
                    yield f"at rest, {writer}/{key} is {Answer(held)} and {name}/{key} is {Answer(copy)}"

    def _differing(self, key: str) -> Iterator[str]:
        """Where several ends are written and deleted, what is there is the same everywhere."""
        held = {name: self._buckets[name].get(key) for name in self._buckets.keys() - {LOG}}
        if len(held) > 2 and None in held.values():
            return  # a ring with a gap carries nothing across it
        if len({_shown(each) for each in held.values() if each}) > 1:
            yield f"at rest, the ends of {key} differ: " + ", ".join(f"{n} {Answer(h)}" for n, h in held.items())

    def _wrong(self, complaint: str) -> None:
        last = "\n  ".join(self._log[-60:])
        again = f"PYTHONPATH=tests python -m faults.soak --world {self._layout.name} --seed {self._seed}"
        raise Wrong(f"{complaint}\n  rules: {self._rules}, {self._deletes}\n  {last}\nsee it again: {again}")


def _shown(held) -> tuple:
    return held.body, unstamped(held.meta)
