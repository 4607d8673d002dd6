"""`bucketrelay replay`: run the failed lists again."""

import uuid
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import click
from rich.console import Console

from bucketrelay import wiring
from bucketrelay.commands.show import print_results, print_tasks
from bucketrelay.commands.terminal import CONTROL, FAILED, OK, common, complain, configuration, usage
from bucketrelay.drivers.replay import Replay, moment, tasks
from bucketrelay.errors import ConfigError, RelayError
from bucketrelay.system import System


@click.command()
@click.option(
    "--since", metavar="WHEN", help="Only lists written since: 2026-11-21, 2026-11-21T09:15:00Z, 15m, 2h, 7d."
)
@click.option("--route", "route", default="", help="Only this route's tasks.")
@click.option("--dry-run", is_flag=True, help="Print the tasks, touch nothing.")
@common
def replay(
    *, since: str | None, route: str, dry_run: bool, config_file: Path | None, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Run the failed lists again; what is handled moves to replayed_object/."""
    now = datetime.now(timezone.utc)
    try:
        start = moment(since, now) if since else None
    except ValueError:
        usage(f"--since {since}: write a date, a date and time, or how long ago, such as 2h")
    try:
        system = wiring.system(
            configuration(config_file), emit=lambda line: click.echo(line, err=True) if verbose else None
        )
    except ConfigError as error:
        usage(*error.mistakes)
    if route and route not in {known.name for known in system.routes}:
        usage(f"--route {route}: no route has this name")
    with closing(system):
        status = _replay(system, start, route, dry_run=dry_run, as_json=as_json, quiet=quiet)
    raise SystemExit(status)


def _replay(system: System, since: datetime | None, route: str, *, dry_run: bool, as_json: bool, quiet: bool) -> int:
    again = Replay(system.log(), system.routes, system.runner, system.now)
    out, status, count = Console(highlight=False, emoji=False), OK, 0
    try:
        for name in list(again.names(since)):
            if not quiet:
                click.echo(name.translate(CONTROL), err=True)
            if dry_run:
                print_tasks(tasks(again.lines(name), route), system, as_json, out)
                continue
            results = again.run(name, route, f"replay-{uuid.uuid4().hex}")
            count += len(results)
            print_results(results, as_json, out)
            status = max(status, FAILED if not all(result.ok for result in results) else OK)
    except RelayError as error:
        complain(str(error))
        return FAILED
    if not quiet and not dry_run:
        click.echo(f"{count} tasks were run again", err=True)
    return status
