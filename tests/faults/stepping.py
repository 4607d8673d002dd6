"""Code that calls stores, run one store operation at a time, and gone back to as often as one likes.

A task is deterministic given what the stores answer. So a task that has been stopped between two operations *is* the
answers that it has had so far: to go on, run it again from its beginning, feed it the old answers and one more, and
stop it at the operation that follows. Each such place is a node, and nodes are remembered, so the code runs once for
each place that it can get to and not once for each schedule.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from bucketrelay.model import Result, Task
from bucketrelay.store import Store
from faults.asking import AskingStore
from faults.memory import Memory
from faults.world import READS, SLOW, WRITES, Answer, Operation, Rules

Deliver = Callable[[Task, Callable[[str], Store]], Result]  # what is done with a task: the core, or another strategy
OK, AGAIN, GAVE_UP = "ok", "again", "gave up"


class Stop(BaseException):
    """The task has come to an operation that has no answer yet. No `Exception`, so that nobody handles it."""


class Tape:
    """Plays answers; raises Stop where they end, and from there on: cleaning up is not done by a task that is dead."""

    def __init__(self, answers: tuple[Answer, ...], *, remember: bool) -> None:
        self._answers = iter(answers)
        self._memory = Memory() if remember else None
        self.stopped_at: Operation | None = None
        self.remembered: Any = None

    def forget(self) -> None:
        """Let go of the code that ran: its frames hold the tape, which holds them."""
        self._memory = None

    def ask(self, operation: Operation) -> Any:
        if self.stopped_at is not None:
            raise Stop
        answer = next(self._answers, None)
        frames = self._memory.frames(sys._getframe(1), advance.__code__) if self._memory else []
        if answer is None:
            self.stopped_at = operation
            self.remembered = self._memory.of(frames) if self._memory else None
            raise Stop
        if self._memory:
            self._memory.passed(frames)
        if answer.error is not None:
            raise answer.error(answer.value)
        return answer.value


def advance(
    deliver: Deliver, task: Task, answers: tuple[Answer, ...], rules: Mapping[str, Rules], *, remember: bool = True
) -> Tape | Result:
    """Where *task* gets to with *answers*: the tape, stopped at its next operation, or its result."""
    tape = Tape(answers, remember=remember)
    try:
        return deliver(task, lambda name: AskingStore(name, tape.ask, rules[name]))
    except Stop:
        return tape
    finally:
        tape.forget()


class Behaviour:
    """All places that tasks can get to, found as they are needed, each with a number.

    `operations[node]` is what a task at that place does next, or how it ended; `requests`, the different operations;
    `stores`, whose each request is; `marking`, the nodes at which a task is about to touch a marker, `reading`, those
    at which it reads the source, and `writing`, those at which it sends what another task can see.
    Places from which everything must go on alike, because the stopped code remembers the same, are one (`merge=False`:
    they are not).
    """

    def __init__(self, deliver: Deliver, rules: Mapping[str, Rules], *, merge: bool = True) -> None:
        self._deliver, self._rules, self._merge = deliver, rules, merge
        self._known: dict[Any, int] = {}
        self._history: list[tuple[Task, tuple[Answer, ...]]] = []
        self.operations: list[Operation | str] = []
        self.requests: list[Operation] = []
        self.stores: list[str] = []
        self.marking: set[int] = set()
        self.reading: set[int] = set()
        self.writing: set[int] = set()
        self._origins: dict[int, int] = {}
        self._numbers: dict[Operation, int] = {}
        self._requested: list[int] = []
        self.roots: dict[Task, int] = {}
        self.edges: dict[tuple[int, Answer], int] = {}
        self.runs = 0

    def root(self, task: Task) -> int:
        """Where *task* begins."""
        if task not in self.roots:
            self.roots[task] = self._node(task, ())
        return self.roots[task]

    def origin(self, node: int) -> int:
        """Where the task at *node* began."""
        if node not in self._origins:
            self._origins[node] = self.roots[self.task(node)]
        return self._origins[node]

    def task(self, node: int) -> Task:
        """The task at *node*."""
        return self._history[node][0]

    def request(self, node: int) -> int:
        """The number in `requests` of what a task at *node* asks for: the same for all that ask for the same."""
        return self._requested[node]

    def step(self, node: int, answer: Answer) -> int:
        """Where a task at *node* gets to when its operation is answered with *answer*."""
        after = self.edges.get((node, answer))
        if after is None:
            task, answers = self._history[node]
            after = self.edges[node, answer] = self._node(task, (*answers, answer))
        return after

    def _node(self, task: Task, answers: tuple[Answer, ...]) -> int:
        self.runs += 1
        end = advance(self._deliver, task, answers, self._rules, remember=self._merge)
        if isinstance(end, Tape):
            what: Operation | str = end.stopped_at
            memory = end.remembered if self._merge else None
            name = (task, what, memory) if memory is not None else (task, what, answers)
        else:
            what = OK if end.ok else AGAIN if end.retryable else GAVE_UP
            name = (task, what) if what != GAVE_UP else (task, end.error)
        if name not in self._known:
            node = self._known[name] = len(self.operations)
            self.operations.append(what)
            if isinstance(what, Operation):
                self.marking.update({node} if what.is_marker else ())
                self.reading.update({node} if what.store == "source" and what.verb in READS else ())
                self.writing.update({node} if what.verb in WRITES else ())
            self._history.append((task, answers))
            self._requested.append(self._number(what))
        return self._known[name]

    def _number(self, what: Operation | str) -> int:
        if isinstance(what, str):
            return -1
        if what not in self._numbers:
            self._numbers[what] = len(self.requests)
            self.requests.append(what)
            self.stores.append(what.store)
        return self._numbers[what]

    def longest(self, weight: Callable[[Operation], int]) -> int:
        """The greatest sum of weights that one task can come to. Raises RecursionError if tasks can go in circles."""
        children: dict[int, set[int]] = {}
        for (node, answer), after in self.edges.items():
            if after != node or answer != SLOW:  # one that is slow, and that nobody notes, is still itself
                children.setdefault(node, set()).add(after)
        best: dict[int, int] = {}

        def most(node: int) -> int:
            if node not in best:
                what = self.operations[node]
                own = weight(what) if isinstance(what, Operation) else 0
                best[node] = own + max(map(most, children.get(node, ())), default=0)
            return best[node]

        return max(map(most, self.roots.values()), default=0)
