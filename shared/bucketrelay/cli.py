"""The command line. Results go to standard output, everything else to standard error.

Exit status: 0 all tasks ended well, 1 at least one failed or is unfinished, 2 wrong usage or configuration.
"""

import json
import math
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bucketrelay import __version__, config, entry, lists, wiring
from bucketrelay.commands import doctor, wire
from bucketrelay.config import Config
from bucketrelay.errors import BadEvent, ConfigError, RelayError
from bucketrelay.model import Cloud, Outcome, Result, Task

OK, FAILED, USAGE = 0, 1, 2
_COLOURS = {Outcome.FAILED: "red", Outcome.UNFINISHED: "yellow", Outcome.UNCHANGED: "dim"}
_CONTROL = {n: f"\\x{n:02x}" for n in (*range(32), 127, *range(128, 160))}  # no key may steer a terminal


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bucketrelay")
def cli() -> None:
    """Event-driven replication of object storage, from any cloud to any cloud."""


cli.add_command(wire.wire)
cli.add_command(doctor.doctor)


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Log lines to standard error."),
        click.option("-q", "--quiet", is_flag=True, help="Nothing but the results."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line on standard output."),
        click.option("--config", "config_file", type=click.Path(path_type=Path), help="The configuration file."),
    ):
        command = option(command)
    return command


@cli.command()
@click.argument("events", nargs=-1, required=True, metavar="EVENT.json…")
@click.option("--as", "cloud", type=click.Choice(["s3", "obs", "oci"]), help="The cloud that the events come from.")
@click.option("--dry-run", is_flag=True, help="Print the tasks, touch nothing.")
@_common
def replicate(
    events: Sequence[str],
    cloud: str | None,
    dry_run: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Do what the function would do with these events; - reads standard input."""
    out, err = Console(highlight=False), Console(stderr=True, highlight=False)
    system = _system(config_file, lambda line: click.echo(line, err=True) if verbose else None)
    status = OK
    for number, name in enumerate(events, start=1):
        if not quiet:
            err.print(f"{name} ({number} of {len(events)})", style="dim", markup=False)
        run = _dry if dry_run else _replicate
        status = max(status, run(name, cast("Cloud | None", cloud), system, as_json, out))
    sys.exit(status)


@cli.command()
def demo() -> None:
    """Show the main job between local stand-ins of S3, OBS and OCI; no account, no network."""
    try:
        from bucketrelay import demo as show  # noqa: PLC0415 — the emulators are an extra
    except ModuleNotFoundError as error:
        _usage(f"{error.name} is missing: pip install 'bucketrelay[all,emulators]'")
    sys.exit(show.main(Console(highlight=False)))


def _replicate(name: str, cloud: Cloud | None, system: entry.System, as_json: bool, out: Console) -> int:
    try:
        report = entry.handle(_read(name), system, cloud=cloud, seconds=math.inf, invocation=f"cli-{uuid.uuid4().hex}")
    except BadEvent as error:
        return _complain(f"{name}: {error}", USAGE)
    except RelayError as error:
        return _complain(f"{name}: {error}", FAILED)
    _print_results(report.results, as_json, out)
    bad = [message.error for message, _ in report.outcomes if message.error]
    for word in bad:
        _complain(f"{name}: {word}", FAILED)
    return FAILED if bad or not all(result.ok for result in report.results) else OK


def _dry(name: str, cloud: Cloud | None, system: entry.System, as_json: bool, out: Console) -> int:
    try:
        tasks, refused = entry.tasks_of(_read(name), system, cloud=cloud)
    except BadEvent as error:
        return _complain(f"{name}: {error}", USAGE)
    _print_tasks(tasks, system, as_json, out)
    for result in refused:
        _complain(f"{name}: {result.error}", FAILED)
    return FAILED if refused else OK


def _system(config_file: Path | None, emit: Callable[[str], None]) -> entry.System:
    """The configured system; a wrong configuration ends the program with every mistake on a line."""
    environ = {**os.environ, "BUCKETRELAY_CONFIG": str(config_file)} if config_file else dict(os.environ)
    if config_file:
        environ.pop("BUCKETRELAY_TOML", None)  # what is said on the command line wins
    try:
        found: Config = config.find(environ, None, Path.cwd())
        return wiring.system(found, emit=emit)
    except ConfigError as error:
        _usage(*error.mistakes)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadEvent(f"cannot be read: {error.strerror}") from error


def _complain(text: str, status: int) -> int:
    click.echo(f"bucketrelay: {text.translate(_CONTROL)}", err=True)
    return status


def _usage(*lines: str) -> NoReturn:
    for line in lines:
        _complain(line, USAGE)
    sys.exit(USAGE)


def _print_results(results: Iterable[Result], as_json: bool, out: Console) -> None:
    if as_json:
        for result in results:
            click.echo(lists.line(result))
        return
    out.print(results_table(results))


def results_table(results: Iterable[Result]) -> Table:
    """What became of the tasks, for a person."""
    table = Table("outcome", "source", "target", "bytes", "word", box=None, pad_edge=False)
    for result in results:
        word = result.error or (f"without {', '.join(result.degraded)}" if result.degraded else "")
        table.add_row(
            f"[{_COLOURS.get(result.outcome, 'green')}]{result.outcome.value}[/]",
            _shown(result.source),
            _shown(result.target),
            str(result.bytes),
            _shown(word),
        )
    return table


def _print_tasks(tasks: Iterable[Task], system: entry.System, as_json: bool, out: Console) -> None:
    table = Table("route", "change", "source", "target", "deletes", box=None, pad_edge=False)
    for task in tasks:
        source, target = system.runner.name(task)
        if as_json:
            click.echo(_task_line(task, source, target))
        table.add_row(_shown(task.route), task.change.value, _shown(source), _shown(target), task.deletes.value)
    if not as_json:
        out.print(table)


def _task_line(task: Task, source: str, target: str) -> str:
    said = {"route": task.route, "cause": task.cause, "change": task.change.value, "source": source, "target": target}
    return json.dumps({**said, "key": task.key, "deletes": task.deletes.value, "strict": task.strict})


def _shown(text: str) -> str:
    return escape(text.translate(_CONTROL))
