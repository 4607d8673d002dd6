"""Tasks and results, for a person or as one JSON object a line."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import final

import click

from bucketrelay.commands.rows import Rows, plural, size
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.reports import list_line

Name = Callable[[Task], tuple[str, str]]  # the source and the target of a task, as people write them
_COLOURS = {Outcome.FAILED: "red", Outcome.UNFINISHED: "yellow", Outcome.UNCHANGED: "dim"}


@final
class Results:
    """Prints what became of tasks, and at the end how many of each. A context manager.

    Args:
        quiet: only what failed or changed, and no total.
    """

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self._rows = Rows(("outcome", "source", "target", "size", "note"), as_json)
        self._quiet, self._as_json = quiet, as_json
        self._counts: Counter[Outcome] = Counter()
        self._bytes = 0

    def __enter__(self) -> "Results":
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._rows.__exit__(None, error, None)
        if not self._quiet and _worth_a_total(error, self._counts.total()):
            click.echo(self.total(), err=True)

    def add(self, results: Iterable[Result]) -> None:
        """Print these, or keep them for the table."""
        for result in results:
            self._counts[result.outcome] += 1
            self._bytes += result.bytes
            if self._quiet and result.outcome is Outcome.UNCHANGED and not result.note:
                continue
            volume = size(result.bytes) if result.outcome is Outcome.COPIED else ""
            cells = (result.outcome.value, result.source, result.target, volume, _words(result))
            line = list_line.line(result) if self._as_json else ""
            self._rows.add(cells, line, _COLOURS.get(result.outcome, "green"))

    def total(self) -> str:
        """`3 tasks: 2 copied, 1 failed; 1.2 MiB`."""
        counts = [f"{self._counts[outcome]:,} {outcome.value}" for outcome in Outcome if self._counts[outcome]]
        words = f": {', '.join(counts)}" if counts else ""
        return plural(self._counts.total(), "task") + words + (f"; {size(self._bytes)}" if self._bytes else "")

    @property
    def ok(self) -> bool:
        """Whether nothing failed or is unfinished."""
        return not self._counts[Outcome.FAILED] and not self._counts[Outcome.UNFINISHED]


def _worth_a_total(error: BaseException | None, count: int) -> bool:
    """Not where nobody reads any more, nor where nothing was begun."""
    return error is None or (count > 0 and not isinstance(error, OSError))


def _words(result: Result) -> str:
    without = f"without {', '.join(result.degraded)}" if result.degraded else ""
    if result.error:  # what it begins with stands in the row already
        return result.error.removeprefix(f"{result.target}: ").removeprefix(f"{result.source}: ")
    return "; ".join(filter(None, [without, result.note]))


@final
class Tasks:
    """Prints what would be done, and at the end how much. A context manager."""

    def __init__(self, name: Name, *, as_json: bool, quiet: bool) -> None:
        self._rows = Rows(("route", "change", "source", "target", "deletes"), as_json)
        self._name, self._quiet = name, quiet

    def __enter__(self) -> "Tasks":
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._rows.__exit__(None, error, None)
        if not self._quiet and _worth_a_total(error, self._rows.count):
            click.echo(f"{plural(self._rows.count, 'task')}; nothing was touched", err=True)

    def add(self, tasks: Iterable[Task]) -> None:
        """Print these, or keep them for the table."""
        for task in tasks:
            source, target = self._name(task)
            cells = (task.route, task.change.value, source, target, task.deletes.value)
            self._rows.add(cells, _task_line(task, source, target))


def _task_line(task: Task, source: str, target: str) -> str:
    fields = {"route": task.route, "cause": task.cause, "change": task.change.value, "source": source, "target": target}
    return json.dumps({**fields, "key": task.key, "deletes": task.deletes.value, "strict": task.strict})
