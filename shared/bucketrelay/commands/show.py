"""Tasks and results, for a person or as one JSON object a line."""

import json
from collections.abc import Iterable

import click
from rich.console import Console
from rich.table import Table

from bucketrelay.commands.terminal import shown
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.reports import lists
from bucketrelay.system import System

_COLOURS = {Outcome.FAILED: "red", Outcome.UNFINISHED: "yellow", Outcome.UNCHANGED: "dim"}


def print_results(results: Iterable[Result], as_json: bool, out: Console) -> None:
    """What became of tasks."""
    if as_json:
        for result in results:
            click.echo(lists.line(result))
        return
    table = Table("outcome", "source", "target", "bytes", "word", box=None, pad_edge=False)
    for result in results:
        word = result.error or "; ".join(
            filter(None, [f"without {', '.join(result.degraded)}" if result.degraded else "", result.note])
        )
        outcome = f"[{_COLOURS.get(result.outcome, 'green')}]{result.outcome.value}[/]"
        table.add_row(outcome, shown(result.source), shown(result.target), str(result.bytes), shown(word))
    out.print(table)


def print_tasks(tasks: Iterable[Task], system: System, as_json: bool, out: Console) -> None:
    """What would be done."""
    table = Table("route", "change", "source", "target", "deletes", box=None, pad_edge=False)
    for task in tasks:
        source, target = system.runner.name(task)
        if as_json:
            click.echo(_task_line(task, source, target))
        table.add_row(shown(task.route), task.change.value, shown(source), shown(target), task.deletes.value)
    if not as_json:
        out.print(table)


def _task_line(task: Task, source: str, target: str) -> str:
    said = {"route": task.route, "cause": task.cause, "change": task.change.value, "source": source, "target": target}
    return json.dumps({**said, "key": task.key, "deletes": task.deletes.value, "strict": task.strict})
