"""`bucketrelay replay`: run the failed lists again."""

import uuid
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import click

from bucketrelay import wiring
from bucketrelay.commands.show import Results, Tasks
from bucketrelay.commands.terminal import FAILED, OK, common, complain, configuration, usage
from bucketrelay.drivers.replay import Replay, moment, tasks


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
    found = configuration(config_file, quiet=quiet)
    system = wiring.system(found, emit=lambda line: click.echo(line, err=True) if verbose else None)
    if route and route not in {known.name for known in system.routes}:
        usage(f"--route {route}: no route has this name")
    with closing(system):
        again = Replay(system.log(), system.routes, system.runner, system.now)
        names = list(again.names(start))
        for name in names if verbose else ():
            complain(name)
        if dry_run:
            with Tasks(system.runner.name, as_json=as_json, quiet=quiet) as foreseen:
                for name in names:
                    foreseen.add(tasks(again.lines(name), route))
            raise SystemExit(OK)
        with Results(as_json=as_json, quiet=quiet) as printed:
            for name in names:
                printed.add(again.run(name, route, f"replay-{uuid.uuid4().hex}"))
    raise SystemExit(OK if printed.ok else FAILED)
